/* SPDX-License-Identifier: MIT */
/* Private to src/disk: a file that came becomes an entry of the cache: unpacked, looked at, converted, described. */
#ifndef DISK_KEEP_H
#define DISK_KEEP_H

#include "disk/disk.h"

struct image_come {
	const char *file;
	bool ours; /* the file may be moved; else it must be packed, and stays as it is */
	const char *from, *trust; /* whence, and by what it is believed */
	const char *sha256, *sha512; /* of the file; the latter NULL where nobody asked */
	const char *format; /* "raw", "qcow2"; NULL: as it comes, what is neither as qcow2 */
	int64_t size_max; /* of what it unpacks to, bytes */
	void (*said)(void *arg, const char *line); /* may be NULL */
	void *arg;
};

/* The entry's key. The caller owns the string. */
char *images_key(const struct image_come *c);

/* The lock of that key (images_lock()) is held. Errors as disk_fetch(). */
int images_keep(const struct image_come *c, struct disk_image *ret, struct err *e);

#endif
