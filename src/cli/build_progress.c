/* SPDX-License-Identifier: MIT */
#include "cli/build_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define PLAIN_MS 30000 /* between two plain lines */

static void say_stage(void *arg, enum build_stage stage, const char *line)
{
	struct build_progress *p = arg;

	build_progress_clear(p);
	fprintf(stderr, "%s%s%s\n", p->name ? p->name : "", p->name ? ": " : "", line);
}

static void describe(const struct build_progress *p, struct buf *b, int done, int total,
	bool estimated, int left_s)
{
	if (p->name)
		buf_addf(b, "%s: ", p->name);
	if (total && estimated)
		buf_addf(b, "about %d %%, step %d", (int)(100LL * done / total), done);
	else if (total)
		buf_addf(b, "%3d%%, step %d of %d", (int)(100LL * done / total), done, total);
	else
		buf_addf(b, "step %d", done);
	if (left_s >= 0) {
		buf_adds(b, ", about ");
		duration_format(b, 1000LL * left_s);
		buf_adds(b, " left");
	}
}

static void say_progress(void *arg, int done, int total, bool estimated, int left_s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct build_progress *p = arg;
	int64_t now = clock_ms();

	if (!p->terminal && now - p->told_ms < PLAIN_MS)
		return;
	p->told_ms = now;
	describe(p, &b, done, total, estimated, left_s);
	if (p->terminal)
		fprintf(stderr, "\r\033[K%s", buf_str(&b));
	else
		fprintf(stderr, "%s\n", buf_str(&b));
	fflush(stderr);
	p->shown = p->terminal;
}

void build_progress_init(struct build_progress *p, const char *name)
{
	*p = (struct build_progress){
		.name = name,
		.terminal = isatty(STDERR_FILENO),
		.told_ms = clock_ms(),
		.watch = { say_stage, say_progress, p },
	};
}

void build_progress_clear(struct build_progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
	p->shown = false;
}
