/* SPDX-License-Identifier: MIT */
/* Every report of a run, from its records alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "suite/run.h"

bool run_complete(const struct run *r)
{
	return r->records.n == r->plan.n;
}

typedef void (*report_fn)(struct buf *b, const struct records *r, const struct report_info *i);

static void text_without_color(struct buf *b, const struct records *r, const struct report_info *i)
{
	report_text(b, r, i, false);
}

/* Keeps the first error, and goes on: each report that can be had is worth having. */
static void write_file(const struct run *r, const char *path, report_fn fn,
	const struct report_info *i, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err own = ERR_INIT;

	fn(&b, &r->records, i);
	if (file_write_atomic(path, buf_str(&b), b.len, 0644, &own) < 0 && !e->code)
		err_move(e, &own);
	err_release(&own);
}

static void write_in_dir(const struct run *r, const char *name, report_fn fn,
	const struct report_info *i, struct err *e)
{
	_cleanup_free_ char *path = path_join(r->dir.path, name);

	write_file(r, path, fn, i, e);
}

static void write_out(int fd, const struct buf *b, struct err *e)
{
	int ret = fd_write_all(fd, buf_str(b), b->len);

	if (ret < 0 && ret != -EPIPE && !e->code)
		err_sys(e, -ret, "cannot write to %s",
			fd == STDOUT_FILENO ? "standard output" : "standard error");
}

/* ---- GitHub ---- */

static void append_summary(const struct run *r, const struct report_info *i, struct err *e)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int ret;

	if (!path || !*path)
		return;
	report_github_summary(&b, &r->records, i);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	ret = fd < 0 ? -errno : fd_write_all(fd, buf_str(&b), b.len);
	if (ret < 0 && !e->code)
		err_sys(e, -ret, "cannot write the step summary %s", path);
}

static bool on_github(void)
{
	const char *v = getenv("GITHUB_ACTIONS");

	return v && streq(v, "true");
}

/*
 * The runner takes commands from any line, indented or not, and "##[" from the midst of one
 * (actions/runner, ActionCommand.cs). Names and last lines are the tests' own: between these two lines it
 * takes none. A test cannot know the token.
 */
static void commands_off(struct buf *b, char token[static 33])
{
	uint64_t random[2] = { 0 };

	BUG_ON(getrandom(random, sizeof(random), 0) != sizeof(random));
	snprintf(token, 33, "%016llx%016llx", (unsigned long long)random[0],
		(unsigned long long)random[1]);
	buf_addf(b, "::stop-commands::%s\n", token);
}

static void commands_on(struct buf *b, const char *token)
{
	buf_addf(b, "::%s::\n", token);
}

/* ---- people ---- */

static void say_why_stopped(const struct run *r, struct buf *b)
{
	switch (r->stop) {
	case STOP_NONE:
	case STOP_FATAL: /* the caller tells the error */
		return;
	case STOP_SIGNAL:
		buf_addf(b, "stopped by %s", signal_name(r->signo));
		break;
	case STOP_LIMIT:
		buf_adds(b, "stopped: the limit of the whole run, ");
		duration_format(b, r->o.total_ms);
		buf_adds(b, ", ran out");
		break;
	case STOP_FAIL_FAST:
		buf_adds(b, "stopped after the first failure");
		break;
	}
	buf_addc(b, '\n');
	if (run_complete(r))
		return;
	buf_addf(b, "`%s test --resume ", r->o.program ? r->o.program : "vmrig");
	buf_add_shell_word(b, r->dir.shown);
	buf_adds(b, "` goes on.\n");
}

int run_report(struct run *r, struct err *e)
{
	const struct report_info i = {
		.suite = r->s->name,
		.dir = r->dir.shown,
		.complete = run_complete(r),
		.planned = r->plan.n,
		.duration_ms = clock_ms() - r->started_ms,
	};
	bool stdout_taken = r->o.json || r->o.tap;
	int people = stdout_taken ? STDERR_FILENO : STDOUT_FILENO;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct err own = ERR_INIT;
	bool github = on_github();
	char token[33];

	write_in_dir(r, "junit.xml", report_junit, &i, &own);
	write_in_dir(r, "results.tap", report_tap, &i, &own);
	write_in_dir(r, "report.html", report_html, &i, &own);
	write_in_dir(r, "summary.txt", text_without_color, &i, &own);
	if (r->o.junit)
		write_file(r, r->o.junit, report_junit, &i, &own);
	if (r->o.tap_file)
		write_file(r, r->o.tap_file, report_tap, &i, &own);
	if (github) {
		append_summary(r, &i, &own);
		report_github_annotations(&text, &r->records, &i);
		commands_off(&text, token);
	}
	report_text(&text, &r->records, &i, progress_color_for(people));
	say_why_stopped(r, &text);
	if (github)
		commands_on(&text, token);
	write_out(people, &text, &own);
	if (r->o.tap) {
		buf_clear(&text);
		report_tap(&text, &r->records, &i);
		write_out(STDOUT_FILENO, &text, &own);
	}
	return own.code ? err_move(e, &own) : 0;
}
