/* SPDX-License-Identifier: MIT */
/* Where packed bytes go: hashed, compressed, hashed again, written. */
#ifndef PACK_SQUEEZE_H
#define PACK_SQUEEZE_H

#include "pack/pack.h"

struct squeeze;

/* FD is borrowed. */
struct squeeze *squeeze_new(enum pack_compression c, int level, int fd);

/* 0, or -errno of writing. */
int squeeze_add(struct squeeze *s, const void *data, size_t len);

/* The end of the stream. */
int squeeze_finish(struct squeeze *s, struct pack_result *ret);

void squeeze_free(struct squeeze *s);

static inline void squeeze_freep(struct squeeze **s)
{
	squeeze_free(*s);
}
#define _cleanup_squeeze_ __attribute__((cleanup(squeeze_freep)))

#endif
