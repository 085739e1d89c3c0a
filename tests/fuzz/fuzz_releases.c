/* SPDX-License-Identifier: MIT */
/*
 * kernel.org's lists over any bytes: releases.json, sha256sums.asc, and a release's own text. What is read is in
 * bounds, and reads again as the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "source/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_release(const struct release *r)
{
	_cleanup_free_ char *text = release_text(r), *file = release_file_text(r);
	struct release again;

	BUG_ON(!release_parse(text, &again) || release_order(r, &again) != 0);
	BUG_ON(!release_parse(file, &again) || release_order(r, &again) != 0);
	BUG_ON(strspn(file, "0123456789.-rc") != strlen(file));
}

static void read_list(const char *text, size_t len)
{
	struct release_list l = { 0 };

	if (release_list_parse(text, len, &l, NULL) < 0)
		return;
	BUG_ON(l.n == 0);
	for (size_t i = 0; i < l.n; i++)
		check_release(&l.v[i].release);
	release_list_release(&l);
}

static void read_sums(const char *text, size_t len)
{
	struct release_sums s = { 0 };

	if (release_sums_parse(text, len, &s, NULL) < 0)
		return;
	BUG_ON(s.n == 0);
	for (size_t i = 0; i < s.n; i++) {
		check_release(&s.v[i].release);
		BUG_ON(strspn(s.v[i].sha256, "0123456789abcdef") != HASH_HEX_LEN);
		BUG_ON(i && release_order(&s.v[i - 1].release, &s.v[i].release) > 0);
	}
	release_sums_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In memory of its own size, so that reading past its end is seen. */
	_cleanup_free_ char *text = size ? xmemdup(data, size) : NULL;
	_cleanup_free_ char *word = xstrndup((const char *)data, size);
	struct release r;

	if (release_parse(word, &r))
		check_release(&r);
	if (!size)
		return 0;
	read_list(text, size);
	read_sums(text, size);
	return 0;
}
