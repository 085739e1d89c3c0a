/* SPDX-License-Identifier: MIT */
/* What the tests of base share: cmocka with its own needs, and a folder that goes away. */
#ifndef TEST_BASE_HARNESS_H
#define TEST_BASE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"

/* A setup and a teardown: *STATE is the path of a new, empty folder. */
static inline int folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/base-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

static inline void file_put(const char *path, const void *data, size_t len)
{
	assert_int_equal(file_write_atomic(path, data, len, 0644, NULL), 0);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

#endif
