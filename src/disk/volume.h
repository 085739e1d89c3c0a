/* SPDX-License-Identifier: MIT */
/*
 * Private to src/disk: the smallest volumes that hold a few files in their root, written so that the same files give
 * the same bytes. (libarchive writes the time of day into an ISO 9660 volume, mkfs.vfat and mtools into a FAT one.)
 */
#ifndef DISK_VOLUME_H
#define DISK_VOLUME_H

#include "base/buf.h"
#include "base/err.h"

#define VOLUME_FILES_MAX 4
#define VOLUME_BYTES_MAX (4u << 20) /* of all files */

struct volume_file {
	const char *name; /* borrowed: small letters and '-', 26 bytes at most */
	struct buf data; /* owned */
};

/* ISO 9660 (ECMA-119) with Rock Ridge and Joliet, called "cidata". FILES are sorted by name. */
void volume_iso(const struct volume_file *files, size_t n, struct buf *ret);

/* FAT12 with long names, called "CIDATA". */
void volume_vfat(const struct volume_file *files, size_t n, struct buf *ret);

#endif
