/* SPDX-License-Identifier: MIT */
#ifndef REMOTE_PRIVATE_H
#define REMOTE_PRIVATE_H

#include <stdint.h>

#include "base/strv.h"
#include "pack/pack.h"
#include "remote/remote.h"

/* So long without a byte, and a store is given up. Tests have less patience. */
extern int64_t remote_stall_ms;

/* The file in an entry that says what the others are. */
#define ENTRY_JSON "entry.json"

/* Adds it to P, which is sorted then. */
int entry_describe(const char *key, struct pack *p, struct err *e);

/* Whether FILES, unpacked in DIR, are the whole entry KEY. -EBADMSG with the reason. */
int entry_check(const char *key, const char *dir, const struct pack *files, struct err *e);

#endif
