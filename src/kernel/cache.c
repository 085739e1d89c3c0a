/* SPDX-License-Identifier: MIT */
#include "kernel/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "base/version.h"
#include "kernel/folder.h"

#define SCHEMA       1
#define LOCK_WAIT_MS (60 * 60 * 1000) /* another process downloads it */

void cache_entry_release(struct cache_entry *c)
{
	kernel_release(&c->kernel);
	free(c->package);
	free(c->version);
	*c = (struct cache_entry){ 0 };
}

void cache_entries_free(struct cache_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cache_entry_release(&entries[i]);
	free(entries);
}

static bool is_key(const char *name)
{
	return strlen(name) == HASH_HEX_LEN && strspn(name, "0123456789abcdef") == HASH_HEX_LEN;
}

/* ---- reading ---- */

/* A path of the manifest, below the entry's folder; NULL where the field is not there. */
static int field_path(const json_t *m, const char *key, const char *dir, char **ret, struct err *e)
{
	_cleanup_free_ char *relative = NULL, *path = NULL;
	int r = json_field_str(m, key, &relative, e);

	if (r < 0 || !relative)
		return r;
	path = path_absolute(relative, dir);
	if (relative[0] == '/' || !path_below(path, dir))
		return err_set(e, -EBADMSG, "\"%s\" leads out of the entry", key);
	*ret = TAKE_PTR(path);
	return 0;
}

static int check_files(const json_t *m, const struct cache_entry *c, struct err *e)
{
	const struct kernel *k = &c->kernel;
	int64_t size = 0;
	struct stat st;
	int r;

	if (!k->label || !k->release || !k->arch || !k->image || !c->package || !c->version)
		return err_set(e, -EBADMSG, "the manifest lacks a field");
	r = json_field_i64(m, "image_size", -1, &size, e);
	if (r < 0)
		return r;
	if (stat(k->image, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", k->image);
	if (!S_ISREG(st.st_mode) || st.st_size != size)
		return err_set(e, -EBADMSG, "%s has %lld bytes instead of %lld", k->image,
			(long long)st.st_size, (long long)size);
	if (k->modules_dir && !dir_exists(k->modules_dir))
		return err_set(e, -EBADMSG, "%s is missing", k->modules_dir);
	if (k->config && !file_exists(k->config))
		return err_set(e, -EBADMSG, "%s is missing", k->config);
	return 0;
}

static int read_manifest(const json_t *m, const char *dir, struct cache_entry *c, struct err *e)
{
	struct kernel *k = &c->kernel;
	int64_t schema = 0, kind = 0;
	int r = json_field_i64(m, "schema", 0, &schema, e);

	if (r == 0 && schema != SCHEMA)
		return err_set(e, -EBADMSG, "its manifest is of schema %lld, not %d",
			(long long)schema, SCHEMA);
	if (r == 0)
		r = json_field_str(m, "label", &k->label, e);
	if (r == 0)
		r = json_field_str(m, "release", &k->release, e);
	if (r == 0)
		r = json_field_str(m, "arch", &k->arch, e);
	if (r == 0)
		r = json_field_i64(m, "image_kind", IMAGE_UNKNOWN, &kind, e);
	if (r == 0)
		r = json_field_str(m, "package", &c->package, e);
	if (r == 0)
		r = json_field_str(m, "package_version", &c->version, e);
	if (r == 0)
		r = field_path(m, "image", dir, &k->image, e);
	if (r == 0)
		r = field_path(m, "config", dir, &k->config, e);
	if (r == 0)
		r = field_path(m, "modules", dir, &k->modules_dir, e);
	k->kind = (enum image_kind)kind;
	return r < 0 ? r : check_files(m, c, e);
}

static int load(const char *dir, const char *key, struct cache_entry *ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json"), *map = NULL;
	_cleanup_json_ json_t *m = NULL;
	struct cache_entry c = { 0 };
	struct kernel *k = &c.kernel;
	struct err why = ERR_INIT;
	int r = json_read_file(path, &m, &why);

	if (r == 0)
		r = read_manifest(m, dir, &c, &why);
	if (r < 0) {
		cache_entry_release(&c);
		r = err_set(
			e, -EBADMSG, "the cache's entry %s is damaged: %s", dir, err_text(&why));
		err_release(&why);
		return r;
	}
	k->key = xstrdup(key);
	map = xasprintf("%s/boot/System.map-%s", dir, k->release);
	kernel_find_symbols(k, NULL, map);
	k->origin = xasprintf("%s %s, in the cache", c.package, c.version);
	*ret = c;
	return 0;
}

int cache_load(const char *key, struct cache_entry *ret, struct err *e)
{
	_cleanup_free_ char *kernels = NULL, *dir = NULL;
	int r = path_cache_sub("kernels", &kernels, e);

	if (r < 0)
		return r;
	dir = path_join(kernels, key);
	if (!dir_exists(dir))
		return err_set(e, -ENOENT, "the cache has no kernel %s", key);
	return load(dir, key, ret, e);
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
	int c = own_first(x->kernel.arch) - own_first(y->kernel.arch);

	if (c == 0)
		c = release_compare(y->kernel.release, x->kernel.release);
	if (c == 0)
		c = plain_first(x->kernel.release) - plain_first(y->kernel.release);
	if (c == 0)
		c = version_compare(y->version, x->version);
	return c ? c : strcmp(x->kernel.key, y->kernel.key);
}

int cache_scan(struct cache_entry **ret, size_t *ret_n, struct strv *damaged, struct err *e)
{
	_cleanup_free_ char *kernels = NULL;
	struct cache_entry *entries = NULL;
	size_t n = 0, cap = 0;
	struct dirent *f;
	DIR *d;
	int r = path_cache_sub("kernels", &kernels, e);

	if (r < 0)
		return r;
	d = opendir(kernels);
	if (!d)
		return err_sys(e, errno, "cannot read %s", kernels);
	while ((f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(kernels, f->d_name);
		struct err why = ERR_INIT;

		if (!is_key(f->d_name) || !dir_exists(dir))
			continue;
		VEC_GROW(entries, n, cap);
		if (load(dir, f->d_name, &entries[n], &why) == 0)
			n++;
		else if (damaged)
			strv_add(damaged, err_text(&why));
		err_release(&why);
	}
	closedir(d);
	if (n)
		qsort(entries, n, sizeof(*entries), newest_first);
	*ret = entries;
	*ret_n = n;
	return 0;
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

int cache_begin(const char *key, struct cache_build *ret, struct err *e)
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
	b.lock = lock_take(lock, false, clock_ms() + LOCK_WAIT_MS, e);
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

static void set_path(json_t *m, const char *key, const char *path, const char *dir)
{
	if (path)
		json_object_set_new(m, key, json_string(path + strlen(dir) + 1));
}

static int write_manifest(const struct cache_build *b, const struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *path = path_join(b->aside, "manifest.json");
	_cleanup_json_ json_t *m = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT, now = BUF_INIT;
	const struct kernel *k = &c->kernel;
	char sha256[HASH_HEX_LEN + 1];
	struct stat st;
	int r = hash_file(k->image, sha256, e);

	if (r < 0)
		return r;
	if (stat(k->image, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", k->image);
	time_format(&now, clock_wall_ns());
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	json_object_set_new(m, "label", json_string(k->label));
	json_object_set_new(m, "release", json_string(k->release));
	json_object_set_new(m, "arch", json_string(k->arch));
	json_object_set_new(m, "package", json_string(c->package));
	json_object_set_new(m, "package_version", json_string(c->version));
	set_path(m, "image", k->image, b->aside);
	json_object_set_new(m, "image_kind", json_integer(k->kind));
	json_object_set_new(m, "image_size", json_integer(st.st_size));
	json_object_set_new(m, "image_sha256", json_string(sha256));
	set_path(m, "config", k->config, b->aside);
	set_path(m, "modules", k->modules_dir, b->aside);
	json_object_set_new(m, "fetched", json_string(buf_str(&now)));
	json_line(&text, m);
	buf_addc(&text, '\n');
	return file_write_atomic(path, text.data, text.len, 0644, e);
}

/* Everything below DIR on the disk before its name says that it is there. */
static int sync_folder(const char *dir, struct err *e)
{
	_cleanup_close_ int fd = file_open(dir, O_RDONLY | O_DIRECTORY, e);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? err_sys(e, errno, "cannot write %s to the disk", dir) : 0;
}

int cache_commit(struct cache_build *b, const struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *manifest = path_join(b->dir, "manifest.json");
	int r = write_manifest(b, c, e);

	if (r == 0)
		r = sync_folder(b->aside, e);
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
