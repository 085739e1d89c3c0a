/* SPDX-License-Identifier: MIT */
/* What the tests of os share: cmocka, and a folder that goes away. */
#ifndef TEST_OS_HARNESS_H
#define TEST_OS_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "os/private.h"

static inline int dir_begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/os-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

static inline int dir_end(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

#define with_dir(f) cmocka_unit_test_setup_teardown(f, dir_begin, dir_end)

#endif
