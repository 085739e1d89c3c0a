/* SPDX-License-Identifier: MIT */
/* Private to src/disk: what was downloaded, unpacked and converted. */
#ifndef DISK_UNPACK_H
#define DISK_UNPACK_H

#include "disk/disk.h"

/*
 * Unpacks the file SRC, by its first bytes, to DST, sparse: 1; 0: it is not packed, and there is no DST. A tar archive
 * must hold one regular file that is no mere text. -EBADMSG: damaged; -EFBIG: more than MAX bytes.
 */
int disk_unpack(const char *src, const char *dst, int64_t max, struct err *e);

/* Converts SRC, which disk_inspect() has passed as FROM, by qemu-img. */
int disk_convert(const char *src, const char *from, const char *dst, const char *to, struct err *e);

#endif
