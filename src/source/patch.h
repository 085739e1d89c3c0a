/* SPDX-License-Identifier: MIT */
/* Private to src/source. */
#ifndef SOURCE_PATCH_H
#define SOURCE_PATCH_H

#include "base/err.h"

/* Applies the file PATCH to TREE by patch(1), as -p1. -EINVAL, with nothing changed, names file and hunk. */
int patch_apply(const char *tree, const char *patch, struct err *e);

#endif
