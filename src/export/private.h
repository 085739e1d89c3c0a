/* SPDX-License-Identifier: MIT */
#ifndef EXPORT_PRIVATE_H
#define EXPORT_PRIVATE_H

#include "export/export.h"
#include "pack/pack.h"

/* A folder beside DST for files that an export makes on its way. The caller removes it (export_scratch_drop()). */
int export_scratch_make(const char *dst, char **ret, struct err *e);
void export_scratch_drop(char **scratch);
#define _cleanup_scratch_ __attribute__((cleanup(export_scratch_drop)))

/* Everything that is packed, sorted, manifest.json, SHA256SUMS and its signature with it. What it makes lies in SCRATCH. */
int export_gather(const struct export_spec *s, const char *scratch, struct pack *ret,
	struct strv *ret_missing, struct err *e);

/* manifest.json for the files of P. */
void export_describe(
	const struct kernel *k, const struct pack *p, const struct strv *missing, struct buf *ret);

/* The detached, armored signature of TEXT by KEY. Errors say what gpg said. */
int export_sign(const char *key, const struct buf *text, struct buf *ret, struct err *e);

/* -EEXIST, with what to do, where DST or what stands beside it is there, unless FORCE. */
int export_check_free(const char *dst, bool force, struct err *e);

/* Writes DST.sha256 for a file of that checksum, and its signature. */
int export_write_beside(
	const struct export_spec *s, const char *dst, const char *sha256, struct err *e);

#endif
