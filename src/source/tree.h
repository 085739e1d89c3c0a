/* SPDX-License-Identifier: MIT */
/* Private to src/source: kernel trees as they lie there. */
#ifndef SOURCE_TREE_H
#define SOURCE_TREE_H

#include "source/source.h"

/* The version that the Makefile of the kernel tree DIR states: "6.12.0-rc4". -EINVAL: it is no kernel tree. */
int tree_version(const char *dir, char **ret, struct err *e);

/* The caller's own tree DIR (absolute), which is only read. */
int tree_in_place(const char *dir, struct source *ret, struct err *e);

#endif
