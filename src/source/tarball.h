/* SPDX-License-Identifier: MIT */
/* Private to src/source: trees that come as tarballs. */
#ifndef SOURCE_TARBALL_H
#define SOURCE_TARBALL_H

#include "source/source.h"
#include "source/store.h"

/* fetch_file() with its progress told as lines. SHA256 may be NULL. */
int tarball_download(const char *url, const char *sha256, const char *dst,
	char ret_sha256[static HASH_HEX_LEN + 1], const struct source_options *o, struct err *e);

/* The tree of the tarball PATH, whose SHA-256 is known; CHECKED may be NULL. */
int tarball_get(const char *path, const char *sha256, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e);

/* The same for any file: a tarball, or a Debian package that holds one. */
int tarball_get_file(const char *path, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e);

/* "debian:linux-source-6.12". */
int tarball_get_package(
	const char *package, const struct source_options *o, struct source *ret, struct err *e);

#endif
