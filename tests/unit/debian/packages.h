/* SPDX-License-Identifier: MIT */
/* Debian packages of small kernels, and programs that stand in for apt's. */
#ifndef TEST_DEBIAN_PACKAGES_H
#define TEST_DEBIAN_PACKAGES_H

#include "fixture.h"

struct package_file {
	const char *path; /* in data.tar */
	const char *data;
	size_t len;
	const char *link; /* a symbolic link to that; NULL: a file */
};

/* A .deb (debian-binary, control.tar.xz, data.tar.xz) with those files; ends with a NULL path. */
void make_deb(const struct package_file *files, struct buf *ret);

/* The .deb of a kernel RELEASE with one module. */
void make_kernel_deb(const char *release, struct buf *ret);

/*
 * A setup and a teardown: *STATE is a new folder; PATH begins with its bin/, VMRIG_CACHE_DIR is its
 * cache/. There is no apt on that PATH until lay_apt() puts one there.
 */
int world_make(void **state);
int world_remove(void **state);
#define in_world(f) cmocka_unit_test_setup_teardown(f, world_make, world_remove)

/*
 * Lays stand-ins for apt-cache and apt-get: "search" lists NAMES (lines); "show" tells VERSION and the sum
 * of DEB (laid as DIR/pool.deb); "download" copies it. Each call is a line in DIR/apt.log.
 */
void lay_apt(const char *dir, const char *names, const char *version, const struct buf *deb);

/* A stand-in for PROGRAM with that shell script. */
void lay_program(const char *dir, const char *program, const char *script);

/* How often the log holds WORD. */
size_t apt_calls(const char *dir, const char *word);

#endif
