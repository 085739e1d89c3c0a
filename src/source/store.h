/* SPDX-License-Identifier: MIT */
/*
 * Private to src/source: the trees in the cache. sources/IDENTITY/ holds tree/ and manifest.json; it is made in
 * IDENTITY.tmp under IDENTITY.lock and appears by a rename. sources/names/ remembers what names stand for,
 * sources/downloads/ what is on its way.
 */
#ifndef SOURCE_STORE_H
#define SOURCE_STORE_H

#include "base/hash.h"
#include "source/source.h"

/* What is known before a tree is made. Borrowed. */
struct store_spec {
	const char *identity; /* 64 hex digits */
	const char *label, *commit; /* as in struct source; commit may be NULL */
	const char *checked; /* by what it was checked, for the manifest; NULL */
	/* Makes ASIDE/tree, or ASIDE/tree.in whose only folder it is. */
	int (*fill)(void *arg, const char *aside, struct err *e);
	void *arg;
};

/* The folder NAME of the cache's sources/, made; "" is sources/ itself. The caller owns the string. */
int store_dir(const char *name, char **ret, struct err *e);

/* Reads an entry. -ENOENT: there is none; -EBADMSG: it is damaged. VERIFY: each file is looked at. */
int store_load(const char *identity, bool verify, struct source *ret, struct err *e);

/* Loads the entry, or makes it; one process makes it, the others wait. */
int store_make(const struct store_spec *s, const struct source_options *o, struct source *ret,
	struct err *e);

/* Whether NAME could be an identity: 64 hex digits. */
bool store_is_identity(const char *name);

/* Removes what processes that died left half made, and downloads that nobody went on with. */
void store_sweep(void);

/* ---- names ---- */

/* What NAME ("release 6.12.57") stands for: 64 hex digits. -ENOENT: nothing is remembered. */
int store_name_get(const char *name, char ret_hex[static HASH_HEX_LEN + 1]);
int store_name_set(const char *name, const char *hex, struct err *e);

/* The names that begin with PREFIX and whose tree is here, without the prefix: what can be had offline. */
int store_names(const char *prefix, struct strv *ret, struct err *e);

/* A lock on NAME, so that one process downloads what it stands for. A descriptor or -errno. */
int store_name_lock(const char *name, struct err *e);

/* A place for what NAME stands for while it comes, for who holds its lock. What others left there for two days is
 * removed. The caller owns the string. */
int store_place(const char *name, char **ret, struct err *e);

/* The SHA-256 of the file PATH, remembered for as long as it is not touched. */
int store_file_sum(const char *path, char ret_hex[static HASH_HEX_LEN + 1], struct err *e);

/* HASH of words up to NULL, for identities. */
void store_hash(char ret_hex[static HASH_HEX_LEN + 1], ...) __attribute__((sentinel));

/* Tells the progress. */
void source_say(const struct source_options *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
