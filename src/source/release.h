/* SPDX-License-Identifier: MIT */
/*
 * Private to src/source: releases of the kernel by their numbers, and the two lists that kernel.org keeps of
 * them: releases.json, and sha256sums.asc in each folder of tarballs. Both are read as coming from anybody.
 */
#ifndef SOURCE_RELEASE_H
#define SOURCE_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"

struct release {
	int major, minor;
	int patch; /* -1: none stands there */
	int rc; /* 0: none */
};

/* "6.12", "6.12.57", "6.13-rc4"; from 3.0 on. */
bool release_parse(const char *s, struct release *ret);

/* By number, a missing patch as 0, -rc before their release. Negative, 0 or positive. */
int release_order(const struct release *a, const struct release *b);

bool release_same_series(const struct release *a, const struct release *b);

/* Exactly so, to be read again: "6.12.0" for a series' first. The caller owns the string. */
char *release_text(const struct release *r);

/* As files and tags call it: "6.12" for that. The caller owns the string. */
char *release_file_text(const struct release *r);

/* ---- releases.json ---- */

enum release_kind { RELEASE_MAINLINE, RELEASE_STABLE, RELEASE_LONGTERM };

struct release_entry {
	struct release release;
	enum release_kind kind;
	bool eol;
};

struct release_list {
	struct release_entry *v; /* owned */
	size_t n, cap;
	struct release latest_stable;
	bool has_latest_stable;
};

void release_list_release(struct release_list *l);

/* -EBADMSG: it is not that, or names no release. Entries of other kinds (linux-next) are passed over. */
int release_list_parse(const char *text, size_t len, struct release_list *ret, struct err *e);

/* ---- sha256sums.asc ---- */

struct release_sum {
	char sha256[HASH_HEX_LEN + 1];
	struct release release;
};

struct release_sums {
	struct release_sum *v; /* owned */
	size_t n, cap;
};

void release_sums_release(struct release_sums *s);

/* The sums of linux-VERSION.tar.xz and .tar.gz (the .xz where it has both), of a clear-signed text or a bare one.
 * -EBADMSG: there is none, or one file has two. */
int release_sums_parse(const char *text, size_t len, struct release_sums *ret, struct err *e);

/* NULL: it has none. */
const struct release_sum *release_sums_find(const struct release_sums *s, const struct release *r);

#endif
