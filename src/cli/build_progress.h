/* SPDX-License-Identifier: MIT */
/* What a build says while it goes on: a line that is written over on a terminal, plain lines elsewhere. */
#ifndef CLI_BUILD_PROGRESS_H
#define CLI_BUILD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "build/build.h"

struct build_progress {
	const char *name; /* borrowed; what is built, where several are; NULL */
	bool terminal, shown; /* a progress line stands there */
	int64_t told_ms;
	int told_percent;
	struct build_watch watch; /* to be handed to build_kernel() */
};

void build_progress_init(struct build_progress *p, const char *name);
/* Wipes the progress line, before anything else is printed. */
void build_progress_clear(struct build_progress *p);

#endif
