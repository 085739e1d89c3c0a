/* SPDX-License-Identifier: MIT */
/*
 * Private to src/disk: the cache. images/KEY/ appears by a rename and is never changed after; KEY.lock is held by whoever makes
 * it in KEY.tmp, so a KEY.tmp whose lock is free belongs to a process that died. images/names/NAME is a file that holds a key.
 */
#ifndef DISK_STORE_H
#define DISK_STORE_H

#include "disk/disk.h"

/* Reads and holds the entry. -ENOENT; -EBADMSG: damaged, with the reason. A file that was touched since is read. */
int images_load(const char *key, struct disk_image *ret, struct err *e);

/* The same for the one whose download had this SHA-512, asked for in FORMAT ("": as it came). */
int images_find_sha512(const char *sha512, const char *format, struct disk_image *ret);

/* images/KEY.lock, waited for. */
int images_lock(const char *key, struct err *e);

/* images/KEY.tmp, empty; its lock is held. The caller owns the string. */
int images_aside(const char *key, char **ret, struct err *e);

/* Writes ASIDE's manifest and makes it the entry. -EBUSY: somebody reads what stood in its place. */
int images_commit(const char *aside, const struct disk_image *i, struct err *e);

int images_name(const char *name, const char *key, struct err *e);

/* Removes what dead processes left. */
void images_sweep(void);

#endif
