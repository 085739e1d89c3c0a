/* SPDX-License-Identifier: MIT */
/* What the tests of results share: cmocka with its own needs, and short words for readers. */
#ifndef TEST_RESULTS_HARNESS_H
#define TEST_RESULTS_HARNESS_H

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
#include "base/text.h"
#include "results/results.h"

static inline void tap_freep(struct tap **t)
{
	tap_free(*t);
}
#define _cleanup_tap_ __attribute__((cleanup(tap_freep)))

static inline struct tap *tap_of(const char *text, size_t len)
{
	struct tap *t = tap_new();

	tap_feed(t, text, len);
	tap_end(t);
	return t;
}

/* The verdict of a text, and all leaves as "verdict name;" in one string. */
static inline enum verdict verdict_of(const char *text)
{
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));

	return tap_verdict(t);
}

static inline void add_leaves(struct buf *b, const struct tap *t)
{
	for (size_t i = 0; i < tap_count(t); i++)
		buf_addf(b, "%s%s %s", i ? "; " : "", verdict_name(tap_at(t, i)->verdict),
			tap_at(t, i)->name);
}

static inline void assert_leaves(const char *text, const char *leaves)
{
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));
	_cleanup_buf_ struct buf b = BUF_INIT;

	add_leaves(&b, t);
	assert_string_equal(buf_str(&b), leaves);
}

/* That the text fails, with a problem that says PART. */
static inline void assert_problem(const char *text, const char *part)
{
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));
	_cleanup_free_ char *all = strv_join(tap_problems(t), "\n");

	assert_int_equal(tap_verdict(t), VERDICT_FAIL);
	if (!all || !strstr(all, part))
		fail_msg("no problem says \"%s\", but:\n%s", part, all ? all : "");
}

static inline void assert_verdict(const char *text, enum verdict v)
{
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));
	_cleanup_free_ char *all = strv_join(tap_problems(t), "\n");

	if (tap_verdict(t) != v)
		fail_msg("%s, not %s:\n%s\n%s", verdict_name(tap_verdict(t)), verdict_name(v), text,
			all ? all : "");
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* A setup and a teardown: *STATE is the path of a new, empty folder. */
static inline int folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/results-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

#endif
