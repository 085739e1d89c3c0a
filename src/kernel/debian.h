/* SPDX-License-Identifier: MIT */
/* Kernels of Debian and its kin, by apt's own programs: no dpkg, no root, nothing installed. */
#ifndef KERNEL_DEBIAN_H
#define KERNEL_DEBIAN_H

#include <stdbool.h>

#include "base/err.h"

#define DEBIAN_PREFIX "debian:"

/* What `debian:SERIES[-FLAVOUR][:MACHINE]` means on this machine. */
struct debian_spec {
	char *series; /* owned: "6.1", "6.1.0-50" */
	char *flavour; /* owned: "", "cloud", "rt" */
	const char *arch; /* static: as dpkg calls it, "amd64" */
};

/* One package as apt knows it. */
struct debian_package {
	char *name; /* owned: "linux-image-6.1.0-50-amd64" */
	char *version; /* owned */
	char *sha256; /* owned */
	char *size; /* owned: bytes, as apt writes it; NULL: unknown */
	const char *
		own_arch; /* static: found in our own copy of apt's lists, for that machine; NULL */
};

/* -EINVAL with the form that is expected. */
int debian_spec_parse(const char *spec, struct debian_spec *ret, struct err *e);
void debian_spec_release(struct debian_spec *s);
/* Whether it is of another machine than this, whose lists apt does not have by itself. */
bool debian_spec_is_foreign(const struct debian_spec *s);

/* Whether PACKAGE is an image of that series, flavour and machine; the signed one, without symbols. */
bool debian_spec_matches(const struct debian_spec *s, const char *package);

/* "debian:6.1.0-50-cloud" for linux-image-6.1.0-50-cloud-amd64; of another machine than this
 * "debian:6.1.0-50:arm64". The caller owns the string. */
char *debian_label(const struct debian_spec *s, const char *package);

/*
 * The newest package that matches, by apt's lists; with OWN_STATE by lists of our own in the cache,
 * fetched anew, which needs no privilege. -ENOENT: no package matches.
 */
int debian_find(
	const struct debian_spec *s, bool own_state, struct debian_package *ret, struct err *e);
void debian_package_release(struct debian_package *p);

/* Downloads it into the folder DIR and checks its SHA-256. */
int debian_download(
	const struct debian_package *p, const char *dir, char **ret_path, struct err *e);

#endif
