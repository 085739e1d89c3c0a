/* SPDX-License-Identifier: MIT */
/* What the tests of machine share: cmocka, and a cache folder that goes away. */
#ifndef TEST_MACHINE_HARNESS_H
#define TEST_MACHINE_HARNESS_H

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
#include "machine/machine.h"

static inline int cache_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/machine-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	if (!mkdtemp(path))
		return -1;
	return setenv("VMRIG_CACHE_DIR", path, 1);
}

static inline int cache_remove(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

#define with_cache(f) cmocka_unit_test_setup_teardown(f, cache_make, cache_remove)

#endif
