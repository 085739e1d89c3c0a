/* SPDX-License-Identifier: MIT */
/*
 * Small kernels and modules, made when a test runs: enough of each format for a reader that
 * checks what it reads. Shared by the tests of image and kernel.
 */
#ifndef TEST_IMAGE_FIXTURE_H
#define TEST_IMAGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#define FIXTURE_RELEASE "6.9.0-test"

/* A setup and a teardown: *STATE is the path of a new, empty folder. */
int folder_make(void **state);
int folder_remove(void **state);
#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

/* Writes DIR/NAME, its folders made. Gives its path, to be freed. */
char *put(const char *dir, const char *name, const void *data, size_t len);
char *put_text(const char *dir, const char *name, const char *text);
/* As put(), without the path. */
void lay(const char *dir, const char *name, const char *text);

enum packing { PACK_GZIP, PACK_XZ, PACK_LZMA, PACK_ZSTD, PACK_LZ4, PACK_COUNT };
extern const char *const packing_names[PACK_COUNT];

/* Packs DATA as the kernel's build does, the unpacked size appended where it does that. */
void pack(enum packing p, const void *data, size_t len, struct buf *ret);

/* Packs DATA as a module or a file is, without the size. */
void pack_plain(enum packing p, const void *data, size_t len, struct buf *ret);

struct vmlinux_fixture {
	bool no_pvh, symbols;
	const char *config; /* for IKCONFIG; NULL: none */
	uint16_t machine; /* 0: EM_X86_64 */
	size_t filler; /* more bytes in its segment */
};

/* An ELF kernel of release FIXTURE_RELEASE. */
void make_vmlinux(const struct vmlinux_fixture *f, struct buf *ret);

/* A bzImage of protocol 2.15 around PAYLOAD. RELEASE may be NULL: the header does not tell. */
void make_bzimage(const struct buf *payload, const char *release, struct buf *ret);

/* The usual one: make_vmlinux(), packed by gzip. Gives the path of DIR/NAME, to be freed. */
char *put_bzimage(const char *dir, const char *name);

/* A module whose .modinfo holds the strings INFO. */
void make_module(const char *const *info, struct buf *ret);

/* DIR/PATH, a module with those depends= and softdep= lines (may be NULL). */
void put_module(const char *dir, const char *path, const char *depends, const char *softdep);

/* Fails the test unless the error is CODE and its text holds both words; then clears it. */
void expect_error(struct err *e, int r, int code, const char *word, const char *other);

#endif
