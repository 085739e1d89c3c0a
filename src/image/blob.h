/* SPDX-License-Identifier: MIT */
/* Bytes with a known length, in a file or in memory, behind one bounds-checked door. */
#ifndef IMAGE_BLOB_H
#define IMAGE_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blob {
	int fd; /* owned; -1: in memory */
	const uint8_t *data; /* borrowed; NULL: in the file */
	uint64_t size;
};

#define BLOB_INIT           \
	{                   \
		-1, NULL, 0 \
	}
#define _cleanup_blob_ __attribute__((cleanup(blob_release)))

/* A regular file; nothing of it is read yet. */
int blob_open(const char *path, struct blob *ret, struct err *e);

/* Memory, borrowed while the blob lives. */
struct blob blob_memory(const void *data, size_t len);

/* Closes the file. */
void blob_release(struct blob *b);

/* Copies exactly LEN bytes at OFF. -EBADMSG when they do not all lie inside. */
int blob_read(const struct blob *b, uint64_t off, void *dst, size_t len);

#endif
