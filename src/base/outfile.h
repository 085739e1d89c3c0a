/* SPDX-License-Identifier: MIT */
/* A file that is written bit by bit and seen by others when it is whole, or never. */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdbool.h>

#include "base/err.h"

struct outfile {
	int fd; /* owned: to write to */
	char *path; /* owned: what it will be called */
	char *aside; /* owned: its name until then; NULL: it has none (O_TMPFILE) */
};

#define OUTFILE_INIT           \
	{                      \
		-1, NULL, NULL \
	}
#define _cleanup_outfile_ __attribute__((cleanup(outfile_drop)))

/* A new file for the name PATH, in PATH's folder; where the file system can, SIGKILL leaves nothing of it. */
int outfile_open(const char *path, struct outfile *ret, struct err *e);

/* A path under which what was written so far can be opened. The caller owns the string. */
char *outfile_reopen_path(const struct outfile *o);

/*
 * On the disk, and then under its name. -EEXIST where that name is taken, unless REPLACE. O is empty after.
 */
int outfile_commit(struct outfile *o, bool replace, struct err *e);

/* Drops what was not committed. An OUTFILE_INIT is fine. */
void outfile_drop(struct outfile *o);

#endif
