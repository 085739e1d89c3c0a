/* SPDX-License-Identifier: MIT */
/*
 * Packages of Debian and its kin: found and downloaded by apt's own programs, with its lists, signatures and
 * checksums, and unpacked without dpkg, without root, without their scripts. Nothing is installed.
 */
#ifndef DEBIAN_DEBIAN_H
#define DEBIAN_DEBIAN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/unpack.h"

/* One package as apt knows it. */
struct debian_package {
	char *name; /* owned: "linux-image-6.1.0-50-amd64" */
	char *version; /* owned */
	char *sha256; /* owned */
	char *size; /* owned: bytes, as apt writes it; NULL: unknown */
	const char *
		own_arch; /* static: found in our own copy of apt's lists, for that machine; NULL */
};

/* Which package is wanted. Borrowed, all of it. */
struct debian_query {
	const char *prefix; /* names that begin so; the name itself where `matches` is NULL */
	bool (*matches)(const void *arg, const char *name);
	const void *arg;
	const char *arch; /* static: as dpkg calls it */
	const char *what; /* for messages: "linux-image-6.1*-amd64" */
};

/*
 * The newest package that matches (by the numbers in its name), by apt's lists; with OWN_STATE by lists of our own
 * in the cache, fetched anew, which needs no privilege. -ENOENT: no package matches, or apt is not here.
 */
int debian_find(
	const struct debian_query *q, bool own_state, struct debian_package *ret, struct err *e);
void debian_package_release(struct debian_package *p);

/* Downloads it into the folder DIR and checks its SHA-256. */
int debian_download(
	const struct debian_package *p, const char *dir, char **ret_path, struct err *e);

/* Unpacks the files of the package DEB; see base/unpack.h. */
int deb_unpack(const char *deb, const struct unpack_spec *spec, struct err *e);

/* Whether the file PATH begins as a package does. */
bool deb_is(const char *path);

#endif
