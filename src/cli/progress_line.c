/* SPDX-License-Identifier: MIT */
#include "cli/progress_line.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST_MS 1000
#define AGAIN_MS 200

void progress_line_begin(struct progress_line *p, const char *name, const char *done)
{
	*p = (struct progress_line){ .name = name,
		.done = done,
		.next_ms = clock_ms() + FIRST_MS,
		.terminal = isatty(STDERR_FILENO) == 1 };
}

static bool is_time(struct progress_line *p)
{
	int64_t now = clock_ms();

	if (!p->terminal || now < p->next_ms)
		return false;
	p->next_ms = now + AGAIN_MS;
	p->shown = true;
	return true;
}

void progress_line_bytes(void *arg, uint64_t done, uint64_t total)
{
	struct progress_line *p = arg;

	if (is_time(p))
		fprintf(stderr, "\r\033[K%s: %llu of %llu MiB %s", p->name,
			(unsigned long long)(done >> 20), (unsigned long long)(total >> 20),
			p->done);
}

void progress_line_count(void *arg, size_t n)
{
	struct progress_line *p = arg;

	if (is_time(p))
		fprintf(stderr, "\r\033[K%s: %zu %s", p->name, n, p->done);
}

void progress_line_end(struct progress_line *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
