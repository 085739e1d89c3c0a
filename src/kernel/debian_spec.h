/* SPDX-License-Identifier: MIT */
/* Kernels of Debian and its kin by the names of their packages. */
#ifndef KERNEL_DEBIAN_SPEC_H
#define KERNEL_DEBIAN_SPEC_H

#include <stdbool.h>

#include "base/err.h"
#include "debian/debian.h"

#define DEBIAN_PREFIX "debian:"

/* What `debian:SERIES[-FLAVOUR][:MACHINE]` means on this machine. */
struct debian_spec {
	char *series; /* owned: "6.1", "6.1.0-50" */
	char *flavour; /* owned: "", "cloud", "rt" */
	const char *arch; /* static: as dpkg calls it, "amd64" */
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

/* The newest package that matches; see debian_find(). */
int debian_spec_find(
	const struct debian_spec *s, bool own_state, struct debian_package *ret, struct err *e);

/* Where PATH of a package or an archive goes in an entry's folder; NULL: it is no part of a kernel. For
 * struct unpack_spec. */
const char *part_of_kernel(void *arg, const char *path);

/*
 * Unpacks what a kernel is (boot/, lib/modules/, usr/lib/modules/) from the package DEB into the folder DIR;
 * symbolic links are left out.
 */
int debian_unpack_kernel(const char *deb, const char *dir, struct err *e);

#endif
