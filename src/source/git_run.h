/* SPDX-License-Identifier: MIT */
/*
 * Private to src/source: git, run as a program with an environment of our own: no hook runs, nothing is asked
 * of the terminal, no GIT_DIR of a caller such as `git bisect run` leads it elsewhere, no lock is taken in a
 * tree that is only looked at.
 */
#ifndef SOURCE_GIT_RUN_H
#define SOURCE_GIT_RUN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define GIT_LOOK_MS (5 * 60 * 1000)

#define GIT_ARGS(...)             \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/*
 * `git ARGS…` to its end; the newline at its output's end is cut. INDEX: its index file, or NULL. WHAT it is, for
 * messages. -EIO with git's words when it fails, -ENOSPC when these say so; -EFBIG: it wrote more than RET may hold, which has the beginning.
 */
int git_run(const char *what, const char *index, const char *const *args, int64_t timeout_ms,
	struct buf *ret, struct err *e);

#endif
