/* SPDX-License-Identifier: MIT */
/* One function for each format in which kernels and modules are packed; libraries do the work. */
#ifndef IMAGE_DECOMPRESS_H
#define IMAGE_DECOMPRESS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_XZ,
	COMPRESSION_LZMA, /* the format before xz: 5d 00 00 */
	COMPRESSION_ZSTD,
	COMPRESSION_LZ4, /* legacy frame: 02 21 4c 18 */
	COMPRESSION_BZIP2, /* told apart, refused */
	COMPRESSION_LZO, /* told apart, refused */
};

/* By the first bytes. */
enum compression compression_detect(const void *data, size_t len);
const char *compression_name(enum compression c);

/*
 * Appends what DATA unpacks to, at most MAX bytes, to RET. Bytes behind the end of the stream are left
 * alone (the kernel puts the size there). -EBADMSG: truncated or damaged; -EFBIG: more than MAX;
 * -ENOTSUP: a format that is refused. The messages name the format, not the file.
 */
int decompress(enum compression c, const void *data, size_t len, size_t max, struct buf *ret,
	struct err *e);

/* The whole file PATH, unpacked when it is packed; at most MAX bytes. Messages name the file. */
int decompress_file(const char *path, size_t max, struct buf *ret, struct err *e);

#endif
