/* SPDX-License-Identifier: MIT */
/*
 * Private to src/results: what one line of TAP or KTAP says, without regard to the lines around it.
 * Slices point into the line; nothing is allocated.
 */
#ifndef RESULTS_TAP_LINE_H
#define RESULTS_TAP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *s; /* borrowed */
	size_t len;
};

/* Where a line's content stands: "# " prefixes before it, and the width of all that is before it. */
struct tap_place {
	uint32_t hashes, col;
};

static inline bool tap_same_place(struct tap_place a, struct tap_place b)
{
	return a.hashes == b.hashes && a.col == b.col;
}

struct tap_prefix {
	struct tap_place at; /* of the content */
	struct tap_place outer; /* of the last "#"; meaningful where at.hashes > 0 or `comment` */
	bool comment; /* a "#" without a blank behind it: never holds a nested test */
};

/* Results of KTAP have numbers; in TAP 14 two backslashes are one. */
enum tap_dialect { TAP_OLD, TAP_14, TAP_KERNEL };

enum tap_directive { TAP_PLAIN, TAP_SKIP, TAP_TODO, TAP_XFAIL, TAP_XPASS, TAP_TIMEOUT, TAP_ERROR };

struct tap_result {
	bool ok, numbered;
	bool huge; /* the number does not fit 32 bits */
	uint32_t number;
	struct slice name;
	enum tap_directive directive;
	struct slice reason; /* text of the directive, or of "# " where there is none */
	int64_t duration_ms; /* -1: not told */
};

struct tap_plan {
	uint32_t n;
	bool huge, skip; /* skip: "1..0 # SKIP reason" */
	struct slice reason;
};

/* Drops carriage returns at the end and a console's "<6>[   12.3][  T1] " at the start. */
struct slice tap_strip(struct slice line);

/* Takes blanks and "# " off the front of LINE. */
struct tap_prefix tap_prefix(struct slice *line);

bool tap_read_result(struct slice line, struct tap_result *ret);
bool tap_read_plan(struct slice line, struct tap_plan *ret);
bool tap_read_version(struct slice line, enum tap_dialect *ret);
bool tap_read_bail(struct slice line, struct slice *ret_reason);

/* Whether the bytes could be the beginning of a result or of "Bail out!", cut before they say so. */
bool tap_is_stump(struct slice line);

/* "time=12.5ms", "duration_ms: 3", "duration_ms 3" at the start of TEXT; -1 where it is not so. */
int64_t tap_read_duration(struct slice text);

bool slice_starts(struct slice s, const char *prefix);
struct slice slice_skip(struct slice s, size_t n);
struct slice slice_trim(struct slice s); /* blanks and tabs, both ends */

#endif
