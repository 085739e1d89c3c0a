/* SPDX-License-Identifier: MIT */
/* Text: tests on strings, safe names, and what a terminal may be shown. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Reads a whole decimal number, with an optional sign and nothing else, between MIN and MAX.
 * 0, -EINVAL, or -ERANGE. */
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* Text from outside made fit for a terminal or a report: ANSI sequences dropped, control characters
 * but \n and \t shown as \xNN, invalid UTF-8 as \xNN; the \r of a line's end is dropped. The result
 * is valid UTF-8. An ANSI sequence that is cut short stays visible and hides nothing behind it. */
void text_clean(struct buf *b, const char *s, size_t len);

/* NAME as a file name: [A-Za-z0-9._+-] stay, others become '_', at most 120 bytes, never empty, "."
 * or "..". Two names may meet in one; the caller keeps them apart. */
void text_file_name(struct buf *b, const char *name);

/* The last N lines of the text (a line without newline at its end counts). Points into S. */
const char *text_last_lines(const char *s, size_t len, size_t n, size_t *ret_len);

/* The candidate nearest to WORD by edit distance without regard to case, the first of several; NULL
 * when more than about a third of the word would change. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

#endif
