/* SPDX-License-Identifier: MIT */
/*
 * A kernel that lies in folders: an image with its configuration, modules and symbols beside it.
 * What is found here has no key yet: kernel_set_key() gives it one.
 */
#ifndef KERNEL_FOLDER_H
#define KERNEL_FOLDER_H

#include <stdbool.h>

#include "base/err.h"
#include "kernel/kernel.h"

/* Whether DIR holds boot/vmlinuz-* as a package unpacks. */
bool folder_is_package(const char *dir);

/* The only kernel in DIR/boot; -EINVAL names them when there are several. */
int kernel_from_folder(const char *dir, struct kernel *ret, struct err *e);

/* The kernel VERSION installed below ROOT ("" is the host's). -ENOENT: none. */
int kernel_from_root(const char *root, const char *version, struct kernel *ret, struct err *e);

/* An image file; what belongs to it is looked for where its folder tells where that is. */
int kernel_from_image(const char *path, struct kernel *ret, struct err *e);

/* Fills release, arch, kind and image from the file PATH alone. */
int kernel_read_image(const char *path, struct kernel *ret, struct err *e);

/* Finds symbols: VMLINUX and MAP are tried first (may be NULL), then where debug packages put them. */
void kernel_find_symbols(struct kernel *k, const char *vmlinux, const char *map);

/* The key by the identity of its files. Reads no content. */
int kernel_set_key(struct kernel *k, struct err *e);

/* ---- tree.c ---- */

/* The kernel tree (source or build) that DIR lies in; NULL: none. The caller owns the string. */
char *tree_find(const char *dir);
bool tree_is_kernel(const char *dir);

/* What was built in the tree DIR; -ENOENT says to build when nothing was. IMAGE (may be NULL) is the
 * one that is wanted; else the newest, and never a bzImage older than the vmlinux beside it. */
int kernel_from_tree(const char *dir, const char *image, struct kernel *ret, struct err *e);

/* ---- trees.c ---- */

/* What kernel_note_tree() remembers of TREE; -ENOENT: nothing, or it is gone. */
int kernel_from_note(const char *tree, struct kernel *ret, struct err *e);

#endif
