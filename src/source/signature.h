/* SPDX-License-Identifier: MIT */
/* Private to src/source: signatures of kernel.org, by gpg and the keys in its user's keyring. */
#ifndef SOURCE_SIGNATURE_H
#define SOURCE_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Whether the clear-signed TEXT is signed by a key of the kernel's developers or of kernel.org: 1, RET_WHO says whose;
 * 0, RET_WHO says why that cannot be told (no gpg, no such key in the keyring, not signed). -EBADMSG: the signature is
 * wrong, or of another's key. $VMRIG_KERNEL_KEYS names other keys by their fingerprints.
 */
int signature_of_text(const struct buf *text, char **ret_who, struct err *e);

/* The same for the file TARBALL, of whose unpacked content the file SIGN is the detached signature. */
int signature_of_tarball(const char *tarball, const char *sign, char **ret_who, struct err *e);

#endif
