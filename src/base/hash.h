/* SPDX-License-Identifier: MIT */
/* SHA-256 (by nettle), for content addresses and checksums; keys are its hex digits. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_HEX_LEN 64

struct hash;
struct hash *hash_new(void);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_adds(struct hash *h, const char *s); /* with its NUL, so "ab","c" differs from "a","bc" */
/* Adds a file's identity: path, device, inode, size, mtime and ctime, not its content.
 * A symbolic link stands for its target. */
int hash_add_file_identity(struct hash *h, const char *path, struct err *e);
/* Ends it: writes the 64 digits and a NUL, and frees H. */
void hash_final(struct hash *h, char ret_hex[static HASH_HEX_LEN + 1]);

int hash_file(const char *path, char ret_hex[static HASH_HEX_LEN + 1], struct err *e);
/* The same; TELL (may be NULL) hears how many of the file's bytes are read. */
int hash_file_told(const char *path, void (*tell)(void *arg, uint64_t done, uint64_t total),
	void *arg, char ret_hex[static HASH_HEX_LEN + 1], struct err *e);

#endif
