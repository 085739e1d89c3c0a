/* SPDX-License-Identifier: MIT */
/* Private to src/kernel: manifest.json of an entry of the cache. */
#ifndef KERNEL_MANIFEST_H
#define KERNEL_MANIFEST_H

#include "kernel/cache.h"

/* Reads DIR/manifest.json and checks that what it names is there. -EBADMSG with the reason. With VERIFY the
 * content too is held against its sums. C holds what could be read, also after an error. */
int manifest_read(const char *dir, bool verify, struct cache_entry *c, struct err *e);

/* Writes ASIDE/manifest.json for C, whose paths lie in ASIDE. */
int manifest_write(const char *aside, const struct cache_entry *c, struct err *e);

/* Whether NAME is a key: 64 hex digits. */
bool cache_is_key(const char *name);

#endif
