/* SPDX-License-Identifier: MIT */
/* Removing from the cache what is old, damaged or orphaned, and never what somebody uses. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/manifest.h"

#define DAY_MS       (24LL * 60 * 60 * 1000)
#define BUILD_OLD_MS (7 * DAY_MS) /* a killed build is resumed by then, or never */
#define BOOT_OLD_MS  (30 * DAY_MS) /* made again in seconds */
#define KEY_DIGITS   8
#define TREE_FILE    "vmrig-tree" /* in a build folder: the caller's own tree that it is of */
#define LOCK_OF_BOOT "facts.json.lock"

static void tell(
	const struct cache_clean *c, const char *what, const char *why, bool gone, int64_t bytes)
{
	if (c->told)
		c->told(c->arg, what, why, gone, bytes);
}

/* ---- entries ---- */

static int64_t made_ms(const struct cache_entry *c)
{
	struct tm t = { 0 };
	struct stat st;

	if (c->made && strptime(c->made, "%Y-%m-%dT%H:%M:%S", &t))
		return (int64_t)timegm(&t) * 1000;
	return stat(c->dir, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 : 0;
}

static int newest_made_first(const void *a, const void *b)
{
	const struct cache_entry *x = a, *y = b;
	int64_t i = made_ms(x), j = made_ms(y);
	int c = (x->state == CACHE_CORRUPT) - (y->state == CACHE_CORRUPT);

	if (c)
		return c;
	return i != j ? (i < j ? 1 : -1) : strcmp(x->kernel.key, y->kernel.key);
}

static bool named(const struct cache_clean *c, const char *key)
{
	for (size_t i = 0; c->keys && i < c->keys->n; i++)
		if (str_starts(key, c->keys->v[i]))
			return true;
	return false;
}

/* Why the entry, the N-th of those made last, is to go; NULL: it stays. */
static const char *verdict(const struct cache_clean *c, const struct cache_entry *entry, size_t nth)
{
	int64_t now_ms = clock_wall_ns() / 1000000;

	if (named(c, entry->kernel.key))
		return "named";
	if (c->corrupt && entry->state == CACHE_CORRUPT)
		return "corrupt";
	if (c->older_ms >= 0 && now_ms - made_ms(entry) > c->older_ms)
		return "older";
	if (c->keep >= 0 && (entry->state == CACHE_CORRUPT || (int64_t)nth >= c->keep))
		return entry->state == CACHE_CORRUPT ? "corrupt" : "not among the newest";
	return NULL;
}

static int check_keys(
	const struct cache_clean *c, const struct cache_entry *entries, size_t n, struct err *e)
{
	for (size_t i = 0; c->keys && i < c->keys->n; i++) {
		const char *key = c->keys->v[i];
		size_t found = 0;

		if (strlen(key) < KEY_DIGITS)
			return err_set(e, -EINVAL,
				"%s is too short for a key: it takes %d digits or more", key,
				KEY_DIGITS);
		for (size_t j = 0; j < n; j++)
			found += str_starts(entries[j].kernel.key, key);
		if (found != 1)
			return err_set(e, found ? -EINVAL : -ENOENT,
				found ? "several kernels of the cache begin with %s"
				      : "the cache has no kernel %s",
				key);
	}
	return 0;
}

static int clean_entries(
	const struct cache_clean *c, struct strv *gone, struct strv *kept, struct err *e)
{
	struct cache_entry *entries;
	size_t n, nth = 0;
	int r = cache_list(&entries, &n, e);

	if (r < 0)
		return r;
	if (n)
		qsort(entries, n, sizeof(*entries), newest_made_first);
	r = check_keys(c, entries, n, e);
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct cache_entry *entry = &entries[i];
		const char *why = verdict(c, entry, nth);
		int64_t bytes = entry->bytes >= 0 ? entry->bytes : entry_bytes(entry->dir);

		nth += entry->state != CACHE_CORRUPT;
		if (why) {
			r = entry_remove(entry->dir, c->dry_run, e);
			if (r >= 0)
				tell(c, entry->dir, r ? "in use" : why, r == 0, bytes);
		}
		strv_add(why && r == 0 ? gone : kept, entry->kernel.key);
	}
	cache_entries_free(entries, n);
	return r < 0 ? r : 0;
}

/* ---- what hangs on them ---- */

static int64_t age_ms(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? clock_wall_ns() / 1000000 - (int64_t)st.st_mtim.tv_sec * 1000
				    : 0;
}

/* The reason why nothing needs the build folder any more; NULL: something may. */
static const char *build_orphan(const char *dir)
{
	_cleanup_free_ char *file = path_join(dir, TREE_FILE);
	_cleanup_buf_ struct buf tree = BUF_INIT;

	if (file_exists(file) && file_read(file, 8192, &tree, NULL) == 0)
		return dir_exists(buf_str(&tree)) ? NULL : "its tree is gone";
	return age_ms(dir) > BUILD_OLD_MS ? "a build that was given up" : NULL;
}

static bool key_in(const struct strv *keys, const char *name)
{
	for (size_t i = 0; i < keys->n; i++)
		if (streq(keys->v[i], name))
			return true;
	return false;
}

/* Whether nobody makes what LOCK guards; RET_FD then keeps others from it. A dry run writes no lock either. */
static bool is_free(const char *lock, bool dry_run, int *ret_fd)
{
	if (dry_run && !file_exists(lock))
		return true;
	*ret_fd = lock_take(lock, false, 0, NULL);
	return *ret_fd >= 0;
}

static void remove_if_free(
	const struct cache_clean *c, const char *dir, const char *lock, const char *why)
{
	_cleanup_close_ int fd = -1;
	int64_t bytes;

	if (!is_free(lock, c->dry_run, &fd))
		return;
	bytes = entry_bytes(dir);
	if (c->dry_run || dir_remove(dir, NULL) == 0)
		tell(c, dir, why, true, bytes);
}

/* A key, or the folder beside a build's in which a configuration alone was made. */
static bool is_ours(const char *name)
{
	_cleanup_free_ char *key = xstrndup(name, HASH_HEX_LEN);

	return cache_is_key(key) && (!name[HASH_HEX_LEN] || streq(name + HASH_HEX_LEN, ".config"));
}

/* Calls EACH for every folder of CACHE/NAME. */
static void walk(const char *cache, const char *name, const struct cache_clean *c,
	void (*each)(
		const struct cache_clean *c, const char *dir, const char *key, const void *arg),
	const void *arg)
{
	_cleanup_free_ char *path = path_join(cache, name);
	DIR *d = opendir(path);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(path, f->d_name);

		if (is_ours(f->d_name) && dir_exists(dir))
			each(c, dir, f->d_name, arg);
	}
	if (d)
		closedir(d);
}

static void clean_build(
	const struct cache_clean *c, const char *dir, const char *key, const void *arg)
{
	const char *why = build_orphan(dir);
	int64_t bytes = why ? entry_bytes(dir) : 0;

	if (why && entry_remove(dir, c->dry_run, NULL) == 0)
		tell(c, dir, why, true, bytes);
}

struct boot_keys {
	const struct strv *gone, *kept;
};

/* What a guest booted from: of a kernel in the cache it goes with it, of others after a month. */
static void clean_boot(
	const struct cache_clean *c, const char *dir, const char *key, const void *arg)
{
	const struct boot_keys *keys = arg;
	_cleanup_free_ char *lock = path_join(dir, LOCK_OF_BOOT);

	if (key_in(keys->gone, key))
		remove_if_free(c, dir, lock, "of a kernel that is gone");
	else if (!key_in(keys->kept, key) && age_ms(dir) > BOOT_OLD_MS)
		remove_if_free(c, dir, lock, "not made anew for a month");
}

/* Of what was removed, or never came about. */
static void clean_locks(const struct cache_clean *c, const char *cache)
{
	static const char *const places[] = { "kernels", "builds" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *dir = path_join(cache, places[i]), *why = NULL;
		size_t n = entry_sweep_locks(dir, c->dry_run);

		why = xasprintf("%zu lock%s of nothing", n, n == 1 ? "" : "s");
		if (n)
			tell(c, dir, why, true, 0);
	}
}

int cache_clean(const struct cache_clean *c, struct err *e)
{
	_cleanup_strv_ struct strv gone = STRV_INIT, kept = STRV_INIT;
	_cleanup_free_ char *cache = NULL;
	struct boot_keys keys = { &gone, &kept };
	int r = path_cache(&cache, e);

	if (r == 0)
		r = clean_entries(c, &gone, &kept, e);
	if (r < 0)
		return r;
	walk(cache, "builds", c, clean_build, NULL);
	walk(cache, "boot", c, clean_boot, &keys);
	clean_locks(c, cache);
	return 0;
}
