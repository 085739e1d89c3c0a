/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: what a person sees while a run goes on. On a terminal a table of the running cases is
 * rewritten in place below the lines that stay; elsewhere each finished case is one plain line.
 */
#ifndef SUITE_PROGRESS_H
#define SUITE_PROGRESS_H

#include "base/buf.h"
#include "results/results.h"

enum progress_mode {
	PROGRESS_LINES,
	PROGRESS_LIVE,
};
/* LIVE for a terminal that can move its cursor and belongs to a person (TERM, CI). */
enum progress_mode progress_mode_for(int fd);

/* Whether ANSI colours are wanted on FD: a capable terminal, and no NO_COLOR. */
bool progress_color_for(int fd);

#define PROGRESS_INTERVAL_MS 100

struct progress;
/* FD is borrowed. TOTAL cases are planned, DONE of them (FAILED not ok) by an earlier run. */
struct progress *progress_new(int fd, enum progress_mode mode, bool color, size_t total,
	size_t done, size_t failed, unsigned jobs);
void progress_free(struct progress *p); /* takes the table away */

/* Cases are known by their index in the plan. NOW_MS is clock_ms(). */
void progress_start(struct progress *p, size_t index, const char *id, int64_t now_ms);
void progress_phase(struct progress *p, size_t index, const char *phase);
void progress_finish(struct progress *p, size_t index, const struct record *rec);
/* A case that was stopped without a result. */
void progress_drop(struct progress *p, size_t index);
/* A line that stays. TEXT is cleaned. */
void progress_note(struct progress *p, const char *text);
void progress_draw(struct progress *p, int64_t now_ms);
/* When to draw next; CLOCK_NEVER where there is no table. */
int64_t progress_next(const struct progress *p);

/* ---- what is drawn, for tests ---- */

/* "ok    3/12 shell (2.4 s)\n". */
void progress_line(const struct progress *p, const struct record *rec, struct buf *ret);
/* The table: lines of at most WIDTH - 1 columns, at most HEIGHT of them. Returns their number. */
size_t progress_table(
	const struct progress *p, int64_t now_ms, size_t width, size_t height, struct buf *ret);

#endif
