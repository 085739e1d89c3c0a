/* SPDX-License-Identifier: MIT */
/* What the tests of the suite room share: cmocka, and a folder of their own that goes away. */
#ifndef TEST_SUITE_HARNESS_H
#define TEST_SUITE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/suite.h"

/* A setup and a teardown: the process stands in a new, empty folder, whose path is *STATE. */
static inline int folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/suite-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) && chdir(path) == 0 ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	int r = chdir("/") < 0 ? -1 : dir_remove(*state, NULL);

	free(*state);
	return r;
}

static inline void put_file(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static inline char *get_file(const char *path)
{
	struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 1 << 24, &b, NULL), 0);
	return buf_detach(&b);
}

/* The suite in TEXT, which must be right. */
static inline struct suite *suite_of(const char *text)
{
	struct suite *s = NULL;
	struct err e = ERR_INIT;

	put_file("vmrig.yaml", text);
	if (suite_load("vmrig.yaml", &s, &e) < 0)
		fail_msg("%s", err_text(&e));
	return s;
}

#endif
