/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_FETCH_H
#define KERNEL_FETCH_H

#include "kernel/cache.h"
#include "kernel/debian_spec.h"

/* The newest cached package that WANT matches, without asking apt. 1: found; 0: none; or an error. */
int cache_find_debian(const struct debian_spec *want, struct cache_entry *ret, struct strv *damaged,
	struct err *e);

/* The kernel `prebuilt:NAME` of the cache, the last one made. 1: found and held; 0: none; or an error. */
#define PREBUILT_PREFIX "prebuilt:"
int cache_find_prebuilt(
	const char *spec, struct cache_entry *ret, struct strv *damaged, struct err *e);

#endif
