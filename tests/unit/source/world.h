/* SPDX-License-Identifier: MIT */
/* Small trees that look like the kernel's, as folders, tarballs, repositories, and releases on the lying server. */
#ifndef TEST_SOURCE_WORLD_H
#define TEST_SOURCE_WORLD_H

#include "base/hash.h"
#include "packages.h"
#include "server.h"
#include "source/source.h"

struct tar_file {
	const char *path;
	const char *text; /* NULL: a link */
	const char *link; /* symbolic; "=TARGET": a hard one */
};

/* Writes a tar archive to PATH, compressed as its name ends (xz, gz, bz2, zst). FILES end with a NULL path. */
void make_tarball(const char *path, const struct tar_file *files);

/* The tree of a kernel VERSION ("6.12.5", "6.13.0-rc4") below TOP ("" or "linux-6.12.5/"), with init/main.c. */
void make_kernel_tarball(const char *path, const char *top, const char *version);

/* The same as a folder. */
void lay_tree(const char *dir, const char *name, const char *version);

/* Makes the folder a git repository with one commit, a branch feature/x and a tag v1. */
void make_repository(const char *dir);

/* `sh -c SCRIPT` in the folder DIR, which must succeed. */
void shell(const char *dir, const char *script);

/* Lays www/v6.x/linux-FILE.tar.xz for each of VERSIONS (NULL-terminated) and their sha256sums.asc. FILE is
 * without a patch of 0. */
void publish(const char *dir, const char *const *versions);

/* Lays www/releases.json: "KIND VERSION" each; " eol" may follow. */
void publish_list(const char *dir, const char *const *entries);

/* $VMRIG_KERNEL_MIRROR becomes the server's folder PATH. */
void use_mirror(const char *path);

/* source_get() that must succeed; OPTIONS may be NULL. */
void must_get(
	const char *spec, const char *cwd, const struct source_options *o, struct source *ret);

/* source_get() that must fail so, with both words in its message. */
void must_not_get(const char *spec, const char *cwd, const struct source_options *o, int code,
	const char *word, const char *other);

/* The text of NAME in the tree; the caller owns it. */
char *text_of(const struct source *s, const char *name);

#endif
