/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_VMLINUX_H
#define IMAGE_VMLINUX_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define IMAGE_VMLINUX_MAX ((size_t)1 << 30)

/* The ELF vmlinux inside a bzImage in memory, checked; RET is replaced. */
int vmlinux_unpack(const void *image, size_t len, struct buf *ret, struct err *e);

#endif
