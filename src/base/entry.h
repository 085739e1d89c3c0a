/* SPDX-License-Identifier: MIT */
/*
 * Entries of a cache: a folder DIR that appears by a rename, made under the lock DIR.lock. Who uses one holds a shared
 * flock(2) on the folder itself, who removes one both locks, exclusively.
 */
#ifndef BASE_ENTRY_H
#define BASE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A descriptor that keeps DIR from being removed while it, or a child's copy of it, is open. -ENOENT: DIR is not
 * there, or is being removed. */
int entry_hold(const char *dir, struct err *e);

/*
 * Removes DIR and its lock. 1: nothing is done, because somebody makes or uses it. DRY_RUN: nothing is changed, not
 * even a lock made; the result is what it would be.
 */
int entry_remove(const char *dir, bool dry_run, struct err *e);

/* Removes the X.lock of the folder DIR that nobody holds, where there is neither X nor X.tmp; says how many. DRY_RUN as
 * above. */
size_t entry_sweep_locks(const char *dir, bool dry_run);

/* What lies in DIR and below, in bytes of the disk. */
int64_t entry_bytes(const char *dir);

#endif
