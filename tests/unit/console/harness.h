/* SPDX-License-Identifier: MIT */
/* What the tests of console share. */
#ifndef TEST_CONSOLE_HARNESS_H
#define TEST_CONSOLE_HARNESS_H

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
#include "console/console.h"

#define _cleanup_splats_ _cleanup_(splats_freep)
static inline void splats_freep(struct splats **s)
{
	splats_free(*s);
}

/* The splats of TEXT, fed whole. */
static inline struct splats *splats_of(const char *text)
{
	struct splats *s = splats_new();

	splats_feed(s, text, strlen(text));
	splats_end(s);
	return s;
}

static inline void sample_read(const char *name, struct buf *ret)
{
	_cleanup_free_ char *path = xasprintf("%s/%s.txt", getenv("SAMPLES"), name);

	assert_int_equal(file_read(path, 1 << 20, ret, NULL), 0);
}

static inline struct splats *splats_of_sample(const char *name)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	sample_read(name, &text);
	return splats_of(text.data);
}

static inline void assert_splat(
	const struct splats *s, size_t i, enum splat_kind kind, const char *title)
{
	const struct splat *p = splats_at(s, i);

	assert_non_null(p);
	assert_string_equal(p->title, title);
	assert_string_equal(splat_kind_name(p->kind), splat_kind_name(kind));
	assert_int_equal(strspn(p->signature, "0123456789abcdef"), 16);
	assert_int_equal(strlen(p->signature), 16);
	assert_true(strlen(p->text) <= 16 * 1024);
}

#endif
