/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: the files of this machine that tests run, need and have put into a guest. A guest without a
 * root holds nothing else.
 */
#ifndef SUITE_RIG_FILES_H
#define SUITE_RIG_FILES_H

#include "suite/suite.h"

/* Which file that T needs is not there (the caller owns it), or NULL. */
char *rig_missing_file(const struct suite *s, const struct suite_test *t);

/* Why T cannot run in a guest of ARCH without a root (the caller owns it), or NULL. */
char *rig_unfit(const struct suite *s, const struct suite_test *t, const char *arch);

/* What the tests that run on machine M want of this machine: programs, and files to be put. */
void rig_gather(const struct suite *s, const struct suite_machine *m, const char *arch,
	struct strv *programs, struct strv *puts);

#endif
