/* SPDX-License-Identifier: MIT */
/*
 * What one machine built, kept for others: entries of the kernel cache in a folder (a network's, a CI cache's) or
 * behind an HTTP server that knows GET and PUT. An entry is KEY.tar.zst: entry.json first, which names the key
 * and every file with its SHA-256, then the files.
 *
 * What a store sends is checked against all that before anything of it can be used: a page of HTML, an entry cut
 * short, one whose bytes changed, and one that belongs to another key are errors and leave nothing behind. Who
 * may write to the store is trusted all the same: it can hold a kernel of anybody's under a true checksum.
 *
 * A store is a help and no need: callers print what went wrong as a warning and build.
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include <stdbool.h>

#include "base/err.h"

/* The store: OPTION, else $VMRIG_KERNEL_REMOTE; NULL: none ("" too). Borrowed. */
const char *remote_store(const char *option);

/*
 * Gets the entry KEY (64 hex digits) from STORE, a folder's path or an http, https or file URL, into the folder
 * DIR, which is there and empty. 0: DIR holds the files, each as it was put. -ENOENT: the store has no such
 * entry. -EBADMSG: it is not what it should be, and remote_put() should replace it. Others: what was wrong with
 * the store. After an error DIR is empty.
 */
int remote_get(const char *store, const char *key, const char *dir, struct err *e);

/*
 * Puts the files below DIR into STORE as the entry KEY; symbolic links are left out. One that is there already
 * is left alone, which is no error (the same key has the same content), unless REPLACE. Others see it when it is
 * whole, and not before (a folder is written aside and renamed); of two that put the same at once one stays.
 */
int remote_put(const char *store, const char *key, const char *dir, bool replace, struct err *e);

#endif
