/* SPDX-License-Identifier: MIT */
/* The setup header of an x86 bzImage (Linux: Documentation/x86/boot.rst). */
#ifndef IMAGE_BZIMAGE_H
#define IMAGE_BZIMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "image/blob.h"

struct bzimage {
	uint16_t protocol; /* 0x020c: 2.12 */
	bool is_64bit; /* has the 64-bit entry point */
	uint64_t payload_offset, payload_length; /* in the file; 0, 0 before protocol 2.08 */
	char release[128]; /* "" where the header does not tell */
};

/* Whether the magic is there. */
bool bzimage_probe(const struct blob *b);

/* -ENOEXEC: a boot protocol older than 2.06; -EBADMSG: truncated, or offsets that lead outside. */
int bzimage_read(const struct blob *b, struct bzimage *ret, struct err *e);

#endif
