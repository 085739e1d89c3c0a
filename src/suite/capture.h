/* SPDX-License-Identifier: MIT */
/* Private to src/suite: what a test prints, to files that are bounded, and its last lines. */
#ifndef SUITE_CAPTURE_H
#define SUITE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CAPTURE_MAX (64u << 20)

struct capture {
	char *path; /* owned */
	int fd; /* owned; -1: none */
	uint64_t seen; /* bytes that came */
	uint64_t max; /* bytes that go to the file */
	int error; /* the first negative errno of writing; nothing is written after it */
};

#define CAPTURE_INIT                         \
	{                                    \
		.fd = -1, .max = CAPTURE_MAX \
	}

/* Makes the file, empty. PATH is owned from now on. */
int capture_open(struct capture *c, char *path, struct err *e);
void capture_feed(struct capture *c, const char *data, size_t len);
/* Closes the file; an error of writing it, early or late, is told here. */
int capture_close(struct capture *c, struct err *e);
void capture_release(struct capture *c);

/* The last bytes of a text, however long it is. */
#define TAIL_KEEP  16384
#define TAIL_LINES 20
void tail_feed(struct buf *tail, const char *data, size_t len);
/* Its last lines, cleaned for people; the caller owns the string. NULL when there is nothing. */
char *tail_text(const struct buf *tail);

#endif
