/* SPDX-License-Identifier: MIT */
#include "kernel/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "base/version.h"
#include "kernel/folder.h"
#include "kernel/manifest.h"

#define MANIFEST_MAX (1 << 20)
#define WAIT_STEP_MS 10000 /* how often the holder of a lock is looked for again */

void cache_entry_release(struct cache_entry *c)
{
	kernel_release(&c->kernel);
	cache_built_release(&c->built);
	free(c->package);
	free(c->version);
	free(c->made);
	free(c->dir);
	free(c->why);
	strv_release(&c->labels);
	*c = (struct cache_entry){ 0 };
}

void cache_entries_free(struct cache_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cache_entry_release(&entries[i]);
	free(entries);
}

bool cache_is_key(const char *name)
{
	return strlen(name) == HASH_HEX_LEN && strspn(name, "0123456789abcdef") == HASH_HEX_LEN;
}

/* ---- reading ---- */

static void describe_origin(struct cache_entry *c)
{
	struct kernel *k = &c->kernel;

	if (c->is_built)
		k->origin = xasprintf("built of %s%s%s, in the cache",
			c->built.source ? c->built.source : "?", c->built.commit ? " at " : "",
			c->built.commit ? c->built.commit : "");
	else
		k->origin = xasprintf("%s %s, in the cache", c->package, c->version);
}

static int load(
	const char *dir, const char *key, bool verify, struct cache_entry *ret, struct err *e)
{
	struct cache_entry c = { .bytes = -1 };
	struct kernel *k = &c.kernel;
	_cleanup_free_ char *map = NULL;
	struct err why = ERR_INIT;
	int r = manifest_read(dir, verify, &c, &why);

	c.dir = xstrdup(dir);
	str_replace(&k->key, key);
	if (r < 0) {
		c.state = CACHE_CORRUPT;
		c.why = xstrdup(err_text(&why));
		err_release(&why);
		*ret = c;
		return err_set(e, -EBADMSG, "the cache's entry %s is damaged: %s", dir, c.why);
	}
	map = xasprintf("%s/boot/System.map-%s", dir, k->release);
	kernel_find_symbols(k, NULL, k->system_map ? NULL : map);
	describe_origin(&c);
	*ret = c;
	return 0;
}

int cache_load(const char *key, struct cache_entry *ret, struct err *e)
{
	_cleanup_free_ char *kernels = NULL, *dir = NULL;
	_cleanup_close_ int held = -1;
	struct cache_entry c;
	int r = path_cache_sub_read("kernels", &kernels, e);

	if (r < 0)
		return r;
	dir = path_join(kernels, key);
	if (!dir_exists(dir))
		return err_set(e, -ENOENT, "the cache has no kernel %s", key);
	held = entry_hold(dir, e);
	if (held < 0)
		return held;
	r = load(dir, key, false, &c, e);
	if (r < 0) {
		cache_entry_release(&c);
		return r;
	}
	c.kernel.hold = TAKE_FD(held);
	*ret = c;
	return 0;
}

void cache_take_kernel(struct cache_entry *c, const char *label, struct kernel *ret)
{
	if (label)
		str_replace(&c->kernel.label, label);
	if (!c->kernel.hold) {
		int fd = entry_hold(c->dir, NULL);

		c->kernel.hold = fd < 0 ? 0 : fd;
	}
	*ret = c->kernel;
	c->kernel = (struct kernel){ 0 };
	cache_entry_release(c);
}

static int plain_first(const char *release)
{
	return strstr(release, "-cloud") || strstr(release, "-rt") ? 1 : 0;
}

/* So that the first of all is the default one. */
static int own_first(const char *arch)
{
	return streq(arch, arch_host()) ? 0 : 1;
}

static int newest_first(const void *a, const void *b)
{
	const struct cache_entry *x = a, *y = b;
	int c = (x->state == CACHE_CORRUPT) - (y->state == CACHE_CORRUPT);

	if (x->state == CACHE_CORRUPT || y->state == CACHE_CORRUPT)
		return c ? c : strcmp(x->kernel.key, y->kernel.key);
	c = own_first(x->kernel.arch) - own_first(y->kernel.arch);
	if (c == 0)
		c = release_compare(y->kernel.release, x->kernel.release);
	if (c == 0)
		c = plain_first(x->kernel.release) - plain_first(y->kernel.release);
	if (c == 0 && x->version && y->version)
		c = version_compare(y->version, x->version);
	if (c == 0 && x->made && y->made)
		c = strcmp(y->made, x->made);
	return c ? c : strcmp(x->kernel.key, y->kernel.key);
}

/* Whether one of the entry's small files holds TEXT: a look before a manifest is parsed. */
static bool mentions(const char *dir, const char *text)
{
	static const char *const files[] = { "manifest.json", "labels" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(dir, files[i]);
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (file_read(path, MANIFEST_MAX, &b, NULL) == 0 && strstr(buf_str(&b), text))
			return true;
	}
	return false;
}

struct look {
	const char *text; /* those alone that mention it; NULL: all */
	bool verify;
	void (*reading)(void *arg, size_t done); /* may be NULL */
	void *arg;
};

static int list(const struct look *l, struct cache_entry **ret, size_t *ret_n, struct err *e)
{
	_cleanup_free_ char *kernels = NULL;
	struct cache_entry *entries = NULL;
	size_t n = 0, cap = 0;
	struct dirent *f;
	DIR *d;
	int r = path_cache_sub_read("kernels", &kernels, e);

	if (r < 0)
		return r;
	d = opendir(kernels);
	if (!d)
		return err_sys(e, errno, "cannot read %s", kernels);
	while ((f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(kernels, f->d_name);

		if (!cache_is_key(f->d_name) || !dir_exists(dir) ||
			(l->text && !mentions(dir, l->text)))
			continue;
		if (l->reading)
			l->reading(l->arg, n);
		VEC_GROW(entries, n, cap);
		load(dir, f->d_name, l->verify, &entries[n++], NULL);
	}
	closedir(d);
	if (n)
		qsort(entries, n, sizeof(*entries), newest_first);
	*ret = entries;
	*ret_n = n;
	return 0;
}

int cache_list(struct cache_entry **ret, size_t *ret_n, struct err *e)
{
	return list(&(struct look){ 0 }, ret, ret_n, e);
}

int cache_verify(void (*reading)(void *arg, size_t done), void *arg, struct cache_entry **ret,
	size_t *ret_n, struct err *e)
{
	const struct look l = { .verify = true, .reading = reading, .arg = arg };

	return list(&l, ret, ret_n, e);
}

int cache_scan_for(const char *text, struct cache_entry **ret, size_t *ret_n, struct strv *damaged,
	struct err *e)
{
	struct cache_entry *entries;
	size_t n;
	int r = list(&(struct look){ .text = text }, &entries, &n, e);

	if (r < 0)
		return r;
	/* They stand at the end. */
	while (n && entries[n - 1].state == CACHE_CORRUPT) {
		struct cache_entry *c = &entries[--n];

		if (damaged)
			strv_addf(damaged, "the cache's entry %s is damaged: %s", c->dir, c->why);
		cache_entry_release(c);
	}
	*ret = entries;
	*ret_n = n;
	return 0;
}

int cache_scan(struct cache_entry **ret, size_t *ret_n, struct strv *damaged, struct err *e)
{
	return cache_scan_for(NULL, ret, ret_n, damaged, e);
}

int cache_find_built(const char *label, const char *arch, const char *recipe,
	struct cache_entry *ret, size_t *ret_others, struct err *e)
{
	struct cache_entry *entries, *best = NULL;
	size_t n, found = 0;
	int r = cache_scan_for(label, &entries, &n, NULL, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct cache_entry *c = &entries[i];

		if (!c->is_built || !cache_has_label(c, label) ||
			(arch && !streq(c->kernel.arch, arch)) ||
			(recipe && (!c->built.recipe || !streq(c->built.recipe, recipe))))
			continue;
		found++;
		if (!best || (c->made && best->made && strcmp(c->made, best->made) > 0))
			best = c;
	}
	if (best) {
		int fd = entry_hold(best->dir, NULL);

		*ret = *best;
		ret->kernel.hold = fd < 0 ? 0 : fd;
		*best = (struct cache_entry){ 0 };
		r = 1;
	}
	if (ret_others)
		*ret_others = found ? found - 1 : 0;
	cache_entries_free(entries, n);
	return r;
}

/* ---- writing ---- */

static void sweep(const char *kernels)
{
	DIR *d = opendir(kernels);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(kernels, f->d_name), *lock = NULL;
		size_t n = strlen(f->d_name);
		int fd;

		if (n < 4 || !str_ends(f->d_name, ".tmp"))
			continue;
		lock = xasprintf("%s/%.*s.lock", kernels, (int)(n - 4), f->d_name);
		fd = lock_take(lock, false, 0, NULL);
		if (fd >= 0)
			dir_remove(dir, NULL);
		fd_close(fd);
	}
	if (d)
		closedir(d);
}

/* Whoever holds it may compile for hours. */
static int wait_for(
	const char *lock, void (*waiting)(void *arg, const char *line), void *arg, struct err *e)
{
	bool told = false;

	for (;;) {
		struct err why = ERR_INIT;
		int fd = lock_take(lock, false, told ? clock_ms() + WAIT_STEP_MS : 0, &why);

		if (fd == -ETIMEDOUT && waiting && !told) {
			_cleanup_free_ char *line = xasprintf("waiting: %s", err_text(&why));

			waiting(arg, line);
		}
		told = true;
		if (fd != -ETIMEDOUT) {
			if (fd < 0)
				err_move(e, &why);
			err_release(&why);
			return fd;
		}
		err_release(&why);
	}
}

int cache_begin(const char *key, void (*waiting)(void *arg, const char *line), void *arg,
	struct cache_build *ret, struct err *e)
{
	struct cache_build b = CACHE_BUILD_INIT;
	_cleanup_free_ char *kernels = NULL, *lock = NULL;
	int r = path_cache_sub("kernels", &kernels, e);

	if (r < 0)
		return r;
	sweep(kernels);
	lock = xasprintf("%s/%s.lock", kernels, key);
	b.key = xstrdup(key);
	b.dir = path_join(kernels, key);
	b.aside = xasprintf("%s/%s.tmp", kernels, key);
	b.lock = wait_for(lock, waiting, arg, e);
	r = b.lock < 0 ? b.lock : dir_remove(b.aside, e);
	if (r == 0)
		r = dir_make(b.aside, 0755, e);
	if (r < 0) {
		cache_end(&b);
		return r;
	}
	*ret = b;
	return 0;
}

int cache_find_aside(const struct cache_build *b, struct kernel *ret, struct err *e)
{
	return kernel_from_folder(b->aside, ret, e);
}

/* Everything below DIR on the disk before its name says that it is there. */
static int sync_folder(const char *dir, struct err *e)
{
	_cleanup_close_ int fd = file_open(dir, O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? err_sys(e, errno, "cannot write %s to the disk", dir) : 0;
}

/* What stands in the way of a new entry; a guest may be running on it. RET_FD keeps others from it. */
static int lock_old(const struct cache_build *b, int *ret_fd, struct err *e)
{
	int fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cache_entry c = { 0 };
	bool whole;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		fd = -1;
		/* A damaged one serves nobody. */
		whole = load(b->dir, b->key, false, &c, NULL) == 0;
		cache_entry_release(&c);
		if (whole)
			return err_set(e, -EBUSY,
				"the kernel %s is in use and cannot be replaced now", b->dir);
	}
	*ret_fd = fd;
	return 0;
}

int cache_commit(struct cache_build *b, const struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *manifest = path_join(b->dir, "manifest.json");
	_cleanup_close_ int old = -1;
	int r = manifest_write(b->aside, c, e);

	if (r == 0)
		r = sync_folder(b->aside, e);
	if (r == 0)
		r = lock_old(b, &old, e);
	if (r < 0)
		return r;
	/* Removed in part, it must stay recognisable as damaged. */
	if (unlink(manifest) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, errno, "cannot remove %s", manifest);
	r = dir_remove(b->dir, e);
	if (r < 0)
		return r;
	if (rename(b->aside, b->dir) < 0)
		return err_sys(e, errno, "cannot rename %s to %s", b->aside, b->dir);
	return 0;
}

void cache_end(struct cache_build *b)
{
	if (b->aside && b->lock >= 0)
		dir_remove(b->aside, NULL);
	b->lock = fd_close(b->lock);
	free(b->key);
	free(b->dir);
	free(b->aside);
	*b = (struct cache_build)CACHE_BUILD_INIT;
}
