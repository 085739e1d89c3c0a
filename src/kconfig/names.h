/* SPDX-License-Identifier: MIT */
/* Hash tables of options are by this: FNV-1a. */
#ifndef KCONFIG_NAMES_H
#define KCONFIG_NAMES_H

#include <stdint.h>

static inline uint64_t name_hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

#endif
