/* SPDX-License-Identifier: MIT */
/* "function+0x12/0x34 [module]", the way kernels print an address (%pS, %pB). */
#ifndef CONSOLE_SYMREF_H
#define CONSOLE_SYMREF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symref {
	const char *name; /* borrowed, not NUL-terminated */
	size_t name_len;
	uint64_t off, size; /* into the function, and of it */
	bool module;
	const char *end; /* behind it, a module's name included */
};

/* The first one in S; false when there is none. */
bool symref_find(const char *s, struct symref *ret);

/* Whether the line is a frame of a call trace: "[<addr>] ? function+0x12/0x34". RET_RELIABLE says
 * that it had no '?'. A frame without a name (a bare address) has RET->name_len 0. */
bool symref_frame(const char *line, struct symref *ret, bool *ret_reliable);

/* The name without what compilers append to clones (".isra.0", ".constprop.0", ".cold", ".part.0"),
 * NUL-terminated, cut to SIZE. */
void symref_base_name(const struct symref *ref, char *ret, size_t size);

#endif
