/* SPDX-License-Identifier: MIT */
/*
 * Signatures, by the program gpg. What it found is read from its status lines (GnuPG's doc/DETAILS); its exit code and its words
 * are for people. Whose signature is wanted is the caller's to say.
 */
#ifndef BASE_GPG_H
#define BASE_GPG_H

#include "base/buf.h"
#include "base/strv.h"

/* How long gpg may take, in milliseconds. */
#define GPG_MS 60000

/*
 * Appends gpg and what each check has in common: no questions, no network, status lines to stdout. -ENOENT: gpg is not
 * installed.
 */
int gpg_argv(struct strv *argv);

/* What stands behind "[GNUPG:] KEYWORD" in STATUS; NULL: no such line. The caller owns the string. */
char *gpg_status(const struct buf *status, const char *keyword);

/*
 * The fingerprint of the primary key that made a good signature, also where a subkey of it signed; NULL: there is none. A
 * revoked key's is none. The caller owns the string.
 */
char *gpg_valid(const struct buf *status);

#endif
