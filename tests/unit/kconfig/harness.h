/* SPDX-License-Identifier: MIT */
/* What the tests of kconfig share. */
#ifndef TEST_KCONFIG_HARNESS_H
#define TEST_KCONFIG_HARNESS_H

#include "../base/harness.h"
#include "base/text.h"
#include "kconfig/kconfig.h"

static inline void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);
	_cleanup_free_ char *parent = path_dir(path);

	assert_int_equal(dir_make(parent, 0755, NULL), 0);
	file_put(path, text, strlen(text));
}

static inline struct kconfig *config(const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct kconfig *k = NULL;

	buf_adds(&b, text);
	assert_int_equal(kconfig_parse(&b, &k, NULL), 0);
	return k;
}

/* The error R says all these words; E is released. */
static inline void expect_words(struct err *e, int r, int code, const char *a, const char *b)
{
	assert_int_equal(r, code);
	if (!strstr(err_text(e), a) || !strstr(err_text(e), b))
		fail_msg("'%s' lacks '%s' or '%s'", err_text(e), a, b);
	err_release(e);
}

#endif
