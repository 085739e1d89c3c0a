/* SPDX-License-Identifier: MIT */
/* How far something has come that takes more than a second: a line of stderr that is written over, where that is a terminal. */
#ifndef CLI_PROGRESS_LINE_H
#define CLI_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_line {
	const char *name, *done; /* borrowed: of what, and what is done with it: "packed" */
	int64_t next_ms;
	bool terminal, shown;
};

void progress_line_begin(struct progress_line *p, const char *name, const char *done);
/* ARG is the line; DONE of TOTAL bytes. */
void progress_line_bytes(void *arg, uint64_t done, uint64_t total);
/* ARG is the line; N things. */
void progress_line_count(void *arg, size_t n);
/* Wipes it, before anything else is printed. */
void progress_line_end(struct progress_line *p);

#endif
