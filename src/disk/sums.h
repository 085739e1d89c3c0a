/* SPDX-License-Identifier: MIT */
/* Private to src/disk: published checksums, and whose they are. */
#ifndef DISK_SUMS_H
#define DISK_SUMS_H

#include "disk/disk.h"

#define SHA512_HEX_LEN 128

struct sum {
	char sha256[HASH_HEX_LEN + 1], sha512[SHA512_HEX_LEN + 1]; /* "": it is not told */
};

/*
 * That of the file NAME in TEXT: lines of sha256sum(1), sha512sum(1), of BSD's "SHA256 (NAME) = HEX", or one sum alone. PATH is for
 * messages. -ENOENT: it has none of NAME; -EBADMSG: two different ones; -ENOTSUP: only MD5 or SHA-1.
 */
int sums_find(const char *path, const char *text, const char *name, struct sum *ret, struct err *e);

/* HEX digits of either length, in any case; false: it is no sum. */
bool sum_parse(const char *hex, size_t len, struct sum *ret);

int sha512_file(const char *path, char ret_hex[static SHA512_HEX_LEN + 1], struct err *e);

/*
 * Verifies TEXT, clear-signed or signed by SIGN (NULL: clear-signed), with gpg: by the key KEY (fingerprint; NULL: any) of the file
 * KEYRING (NULL: the user's own). WORK is a folder of ours for gpg's files. RET_SIGNED gets the text that was really
 * signed, RET_WHO the fingerprint. -EBADMSG: it is not signed so, and why.
 */
int sums_signed(const struct buf *text, const struct buf *sign, const char *key,
	const char *keyring, const char *work, struct buf *ret_signed, char **ret_who,
	struct err *e);

#endif
