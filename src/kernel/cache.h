/* SPDX-License-Identifier: MIT */
/*
 * The kernels that were fetched: CACHE/kernels/KEY/, as a package unpacks, with manifest.json.
 *
 * KEY.lock is held by whoever builds KEY, and KEY.tmp is where it is built, so a KEY.tmp whose lock is
 * free belongs to a process that died. An entry appears by a rename and is never changed after.
 */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "kernel/kernel.h"

struct cache_entry {
	struct kernel kernel;
	char *package; /* owned */
	char *version; /* owned: of the package */
};

void cache_entry_release(struct cache_entry *c);
void cache_entries_free(struct cache_entry *entries, size_t n);

/* Reads the entry KEY. -ENOENT: there is none; -EBADMSG with the reason: it is damaged. */
int cache_load(const char *key, struct cache_entry *ret, struct err *e);

/* All of them, this machine's architecture and the newest release first, of equal ones the plain flavour first. Reads small files only. */
int cache_scan(struct cache_entry **ret, size_t *ret_n, struct strv *damaged, struct err *e);

/* An entry in the making. */
struct cache_build {
	char *key, *dir, *aside; /* owned: what it is called, will be, and is built in */
	int lock; /* owned */
};

#define CACHE_BUILD_INIT             \
	{                            \
		NULL, NULL, NULL, -1 \
	}

/* Waits for KEY's lock and sweeps what dead processes left; then `aside` is there and empty. */
int cache_begin(const char *key, struct cache_build *ret, struct err *e);

/* Writes the manifest for what lies in `aside` (boot/vmlinuz-RELEASE, lib/modules/RELEASE, …; found
 * by kernel_from_folder()) and makes it the entry. A damaged entry in its place is removed. */
int cache_commit(struct cache_build *b, const struct cache_entry *c, struct err *e);

/* Drops what was not committed. */
void cache_end(struct cache_build *b);

#endif
