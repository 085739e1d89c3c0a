/* SPDX-License-Identifier: MIT */
/* One complaint of the kernel while its lines are gathered, and the patterns that begin one. */
#ifndef CONSOLE_REPORT_H
#define CONSOLE_REPORT_H

#include "base/buf.h"
#include "console/console.h"
#include "console/symref.h"

#define FUNC_MAX      80
#define REPORT_FRAMES 4

struct report;

/* Writes the title, without the function it happened in. */
typedef void (*title_fn)(const struct report *r, struct buf *b);

enum pattern_flags {
	PAT_FUNC = 1 << 0, /* " in FUNCTION" belongs to the title */
	PAT_HEAD_FUNC =
		1 << 1, /* the first line names the function, or both, and the title has it */
	PAT_FOLLOW = 1 << 2, /* goes on with a BUG or an oops that has begun; else begins one */
	PAT_LINE = 1 << 3, /* nothing follows this line */
	PAT_PRELUDE = 1 << 4, /* said right before a BUG() or WARN() */
	PAT_RULER = 1 << 5, /* ends with a line of '=' */
	PAT_END = 1 << 6, /* ends with "---[ end trace" */
	PAT_LONG = 1 << 7, /* much text before the trace (lockdep) */
	PAT_TRACE_FIRST = 1 << 8, /* the trace tells more than the registers: they are another's */
	PAT_WARN = 1 << 9, /* the line that WARN() prints behind its message */
};

struct pattern {
	const char *start; /* what the line begins with; NULL: TEST alone decides */
	enum splat_kind kind;
	unsigned flags;
	const char *title; /* for title_fixed() */
	title_fn make;
	bool (*test)(const char *line); /* NULL: START alone decides */
};

/* The pattern that LINE (a whole line without prefix) begins, or NULL. */
const struct pattern *pattern_find(const char *line);

struct report {
	const struct pattern *pattern; /* NULL: only "cut here" was seen yet */
	char caller[16];
	char *head; /* owned: the line that matched */
	char *first; /* owned: the first line behind "cut here" */
	char *warn; /* owned: the line of WARN(), "WARNING: CPU: …" */
	char *cause; /* owned: the title of the report that led to this panic */
	char access[8]; /* "Read" or "Write": a sanitizer's */
	char pc[FUNC_MAX];
	char frames[REPORT_FRAMES][FUNC_MAX]; /* the first of the trace that are not boring */
	size_t n_frames;
	struct buf text;
	size_t text_own; /* bytes of TEXT up to the last line that surely belongs to it */
	size_t n_lines, n_foreign;
	bool cut_here, trace_begun, in_trace, trace_ended, framed;
};

/* Takes note of what LINE says: the function, the trace. Returns whether it surely is part of a
 * report, by its form. */
bool report_note(struct report *r, const char *line);

/* The function to blame, "" when none is known. */
const char *report_function(const struct report *r, char buf[static FUNC_MAX]);

/* Whether every report has such a frame near its top, or its bottom. */
bool frame_is_boring(const char *function);

/* The caller owns the strings. */
char *report_title(const struct report *r);
char *report_signature(const struct report *r, const char *title);

enum splat_kind report_kind(const struct report *r);

/* A panic that says only that something else was fatal. */
bool report_is_consequence(const struct report *r);

/* The title makers of the patterns. */
void title_fixed(const struct report *r, struct buf *b);
void title_line(const struct report *r, struct buf *b);
void title_panic(const struct report *r, struct buf *b);
void title_kasan(const struct report *r, struct buf *b);
void title_tool(const struct report *r, struct buf *b);
void title_ubsan(const struct report *r, struct buf *b);
void title_warn(const struct report *r, struct buf *b);
void title_bug_at(const struct report *r, struct buf *b);
void title_die(const struct report *r, struct buf *b);
void title_slub(const struct report *r, struct buf *b);

#endif
