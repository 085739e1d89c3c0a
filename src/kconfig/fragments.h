/* SPDX-License-Identifier: MIT */
/* The files of fragments/, in the program. */
#ifndef KCONFIG_FRAGMENTS_H
#define KCONFIG_FRAGMENTS_H

#include <stddef.h>

struct fragment_file {
	const char *name; /* NULL: the end */
	const char *arch; /* NULL: any */
	const char *text;
};

/* Those of one name stand together, the one for any architecture first. */
extern const struct fragment_file fragment_files[];

#endif
