/* SPDX-License-Identifier: MIT */
/* Private to the room: where the guest of one command is saved when it fails, and how that is told. */
#ifndef SUITE_KEEP_ONE_H
#define SUITE_KEEP_ONE_H

#include <stdbool.h>

#include "base/buf.h"
#include "guest/guest.h"

struct keep_one {
	char *dir; /* owned: a folder of its own, for job_spec.snapshot_dir; NULL: nothing is saved */
	char *why; /* owned: why the folder could not be made; NULL */
};

/* In a new folder below PARENT; NULL: below that of results. Nothing is made yet. */
void keep_one_init(struct keep_one *k, const char *parent);
void keep_one_release(struct keep_one *k);
/* Makes the folder; false: it cannot be, or is another's, and so nothing may be saved there. */
bool keep_one_begin(struct keep_one *k);
/* The command that resumes the guest of R; NULL: it was not saved. The caller owns it. */
char *keep_one_resume(const struct keep_one *k, const struct job_report *r);
/* The lines about it for a person; none where nothing was to be saved. */
void keep_one_tell(const struct keep_one *k, const struct job_report *r, struct buf *ret);

#endif
