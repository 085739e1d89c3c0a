/* SPDX-License-Identifier: MIT */
/*
 * The one door by which files come out of a tar archive onto the disk. What libarchive reads is written
 * below one folder and nowhere else: absolute names, "..", and links that lead out are refused.
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stdbool.h>

#include "base/err.h"

struct archive;

struct unpack_spec {
	const char *dir; /* borrowed: a folder that is there */
	/* Where a file goes below the folder, as a place in PATH; NULL: it is left out. May be NULL: all
	 * come. PATH is without "./" before it. */
	const char *(*place)(void *arg, const char *path);
	void *arg;
	bool links; /* symbolic and hard links come too; else they are left out */
};

/*
 * Unpacks the rest of TAR. Owner, group and times of folders are ours; of a file's mode the x of its owner
 * counts. -EBADMSG: damaged, truncated, refused; -EFBIG: more than 16 GiB; -ENOSPC and its kin: of the disk.
 */
int unpack_tar(struct archive *tar, const struct unpack_spec *spec, struct err *e);

/* The file PATH, a tar archive in any compression that libarchive knows, as it tells itself. */
int unpack_tar_file(const char *path, const struct unpack_spec *spec, struct err *e);

/* -EBADMSG with what libarchive says of A, which was reading. */
int unpack_failed(struct archive *a, struct err *e);

#endif
