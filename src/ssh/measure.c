/* SPDX-License-Identifier: MIT */
/* How much lies below a path that a copy is writing to. */
#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>

#include "ssh/private.h"

/* A file of nothing takes room, too: its name, its inode. */
#define ENTRY_MIN 4096

uint64_t ssh_measure(const char *path, uint64_t enough)
{
	char *const roots[] = { (char *)(uintptr_t)path, NULL };
	FTS *t = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	uint64_t sum = 0;
	FTSENT *f;

	while (t && sum <= enough && (f = fts_read(t))) {
		if (f->fts_info == FTS_F)
			sum += f->fts_statp->st_size > ENTRY_MIN ? (uint64_t)f->fts_statp->st_size
								 : ENTRY_MIN;
		else if (f->fts_info == FTS_D || f->fts_info == FTS_SL)
			sum += ENTRY_MIN;
	}
	if (t)
		fts_close(t);
	return sum;
}
