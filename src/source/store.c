/* SPDX-License-Identifier: MIT */
#include "source/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "source/tree.h"

#define SCHEMA 1
#define DOWNLOADS_S \
	(2 * 24 * 60 * 60) /* what was left by a process that died, and not asked for again */
#define LOCK_WAIT_MS (60 * 60 * 1000) /* another process makes it */

int store_dir(const char *name, char **ret, struct err *e)
{
	_cleanup_free_ char *sub = *name ? path_join("sources", name) : xstrdup("sources");

	return path_cache_sub(sub, ret, e);
}

/* ---- what a tree consists of ---- */

struct census {
	int64_t files, bytes;
	uint64_t digest; /* of names and sizes, in any order */
};

static uint64_t fnv(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

static int take_census(const char *dir, struct census *ret, struct err *e)
{
	_cleanup_free_ char *root = xstrdup(dir);
	char *const roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct census c = { 0 };
	FTSENT *f;
	int r = 0;

	if (!walk)
		return err_sys(e, errno, "cannot read %s", dir);
	while (r == 0 && (f = fts_read(walk))) {
		if (f->fts_info == FTS_D && streq(f->fts_name, "__pycache__")) {
			fts_set(walk, f, FTS_SKIP); /* the kernel's own scripts leave it */
		} else if (f->fts_info == FTS_F || f->fts_info == FTS_SL) {
			c.files++;
			c.bytes += f->fts_statp->st_size;
			c.digest += fnv((uint64_t)f->fts_statp->st_size + 0xcbf29ce484222325,
				f->fts_path + strlen(dir));
		} else if (f->fts_info == FTS_ERR || f->fts_info == FTS_DNR ||
			   f->fts_info == FTS_NS) {
			r = err_sys(e, f->fts_errno, "cannot read %s", f->fts_path);
		}
	}
	fts_close(walk);
	*ret = c;
	return r;
}

/* ---- reading ---- */

static int check_census(const json_t *m, const char *tree, struct err *e)
{
	_cleanup_free_ char *digest = NULL, *is = NULL;
	struct census c;
	int64_t files = 0;
	int r = json_field_i64(m, "files", 0, &files, e);

	if (r == 0)
		r = json_field_str(m, "digest", &digest, e);
	if (r == 0)
		r = take_census(tree, &c, e);
	if (r < 0)
		return r;
	is = xasprintf("%016llx", (unsigned long long)c.digest);
	if (c.files != files)
		return err_set(e, -EBADMSG, "its tree has %lld files instead of %lld",
			(long long)c.files, (long long)files);
	return digest && streq(is, digest) ? 0
					   : err_set(e, -EBADMSG, "files of its tree have changed");
}

static int read_manifest(const json_t *m, bool verify, struct source *s, struct err *e)
{
	_cleanup_free_ char *version = NULL;
	int64_t schema = 0;
	int r = json_field_i64(m, "schema", 0, &schema, e);

	if (r == 0 && schema != SCHEMA)
		return err_set(e, -EBADMSG, "its manifest is of schema %lld, not %d",
			(long long)schema, SCHEMA);
	if (r == 0)
		r = json_field_str(m, "label", &s->label, e);
	if (r == 0)
		r = json_field_str(m, "version", &s->version, e);
	if (r == 0)
		r = json_field_str(m, "commit", &s->commit, e);
	if (r == 0)
		r = tree_version(s->dir, &version, e);
	if (r < 0)
		return r;
	if (!s->label || !s->version || !streq(s->version, version))
		return err_set(e, -EBADMSG, "its tree is not what its manifest says");
	return verify ? check_census(m, s->dir, e) : 0;
}

int store_load(const char *identity, bool verify, struct source *ret, struct err *e)
{
	_cleanup_free_ char *sources = NULL, *dir = NULL, *path = NULL;
	_cleanup_json_ json_t *m = NULL;
	struct source s = { 0 };
	struct err why = ERR_INIT;
	int r = store_dir("", &sources, e);

	if (r < 0)
		return r;
	dir = path_join(sources, identity);
	if (!dir_exists(dir))
		return err_set(e, -ENOENT, "the cache has no source %s", identity);
	s.hold = entry_hold(dir, e);
	if (s.hold < 0)
		return s.hold;
	path = path_join(dir, "manifest.json");
	s.dir = path_join(dir, "tree");
	s.identity = xstrdup(identity);
	r = json_read_file(path, &m, &why);
	if (r == 0)
		r = read_manifest(m, verify, &s, &why);
	if (r == 0) {
		*ret = s;
		return 0;
	}
	source_release(&s);
	r = err_set(e, -EBADMSG, "the cache's source %s is damaged: %s", dir, err_text(&why));
	err_release(&why);
	return r;
}

bool store_is_identity(const char *s)
{
	return strlen(s) == HASH_HEX_LEN && strspn(s, "0123456789abcdef") == HASH_HEX_LEN;
}

/* ---- making ---- */

struct making {
	char *dir, *aside; /* owned */
	int lock; /* owned */
};

static void making_end(struct making *m)
{
	if (m->aside && m->lock >= 0)
		dir_remove(m->aside, NULL);
	fd_close(m->lock);
	free(m->dir);
	free(m->aside);
}

/* A .tmp whose lock is free belongs to a process that died. */
static void sweep(const char *sources)
{
	DIR *d = opendir(sources);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(sources, f->d_name), *lock = NULL;
		size_t n = strlen(f->d_name);
		int fd;

		if (n != HASH_HEX_LEN + 4 || !str_ends(f->d_name, ".tmp"))
			continue;
		lock = xasprintf("%s/%.*s.lock", sources, HASH_HEX_LEN, f->d_name);
		fd = lock_take(lock, false, 0, NULL);
		if (fd >= 0)
			dir_remove(dir, NULL);
		fd_close(fd);
	}
	if (d)
		closedir(d);
}

static int making_begin(struct making *m, const char *identity, struct err *e)
{
	_cleanup_free_ char *sources = NULL, *lock = NULL;
	int r = store_dir("", &sources, e);

	if (r < 0)
		return r;
	sweep(sources);
	lock = xasprintf("%s/%s.lock", sources, identity);
	m->dir = path_join(sources, identity);
	m->aside = xasprintf("%s.tmp", m->dir);
	m->lock = lock_take(lock, false, clock_ms() + LOCK_WAIT_MS, e);
	return m->lock < 0 ? m->lock : 0;
}

/* ASIDE/tree.in holds what an archive held: one folder, as kernel.org packs, or the tree itself. */
static int find_top(const char *aside, struct err *e)
{
	_cleanup_free_ char *in = path_join(aside, "tree.in"), *tree = path_join(aside, "tree");
	_cleanup_free_ char *only = NULL;
	const char *top;
	struct dirent *f;
	size_t n = 0;
	DIR *d;

	if (!dir_exists(in))
		return 0;
	d = opendir(in);
	while (d && (f = readdir(d))) {
		if (streq(f->d_name, ".") || streq(f->d_name, ".."))
			continue;
		if (n++ == 0)
			only = path_join(in, f->d_name);
	}
	if (d)
		closedir(d);
	top = n == 1 && dir_exists(only) ? only : in;
	if (rename(top, tree) < 0)
		return err_sys(e, errno, "cannot rename %s to %s", top, tree);
	return top == in ? 0 : dir_remove(in, e);
}

static int write_manifest(const struct store_spec *s, const char *aside, struct err *e)
{
	_cleanup_free_ char *path = path_join(aside, "manifest.json"), *version = NULL;
	_cleanup_free_ char *tree = path_join(aside, "tree"), *digest = NULL;
	_cleanup_json_ json_t *m = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT, now = BUF_INIT;
	struct census c;
	int r = tree_version(tree, &version, e);

	if (r == 0)
		r = take_census(tree, &c, e);
	if (r < 0)
		return r;
	digest = xasprintf("%016llx", (unsigned long long)c.digest);
	time_format(&now, clock_wall_ns());
	json_object_set_new(m, "schema", json_integer(SCHEMA));
	json_object_set_new(m, "label", json_text(s->label, strlen(s->label)));
	json_object_set_new(m, "version", json_text(version, strlen(version)));
	if (s->commit)
		json_object_set_new(m, "commit", json_string(s->commit));
	if (s->checked)
		json_object_set_new(m, "checked", json_text(s->checked, strlen(s->checked)));
	json_object_set_new(m, "files", json_integer(c.files));
	json_object_set_new(m, "bytes", json_integer(c.bytes));
	json_object_set_new(m, "digest", json_string(digest));
	json_object_set_new(m, "made", json_string(buf_str(&now)));
	json_line(&text, m);
	buf_addc(&text, '\n');
	return file_write_atomic(path, text.data, text.len, 0644, e);
}

/* The tree is on the disk before its name says that it is there. */
static int appear(const struct making *m, struct err *e)
{
	_cleanup_close_ int fd = file_open(m->aside, O_RDONLY | O_DIRECTORY, e);
	_cleanup_free_ char *manifest = path_join(m->dir, "manifest.json");
	int r;

	if (fd < 0)
		return fd;
	if (syncfs(fd) < 0)
		return err_sys(e, errno, "cannot write %s to the disk", m->aside);
	/* Removed in part, a damaged one must stay recognisable as damaged. */
	if (unlink(manifest) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, errno, "cannot remove %s", manifest);
	r = dir_remove(m->dir, e);
	if (r < 0)
		return r;
	if (rename(m->aside, m->dir) < 0)
		return err_sys(e, errno, "cannot rename %s to %s", m->aside, m->dir);
	return 0;
}

static int make(const struct making *m, const struct store_spec *s, struct err *e)
{
	int r = dir_remove(m->aside, e);

	if (r == 0)
		r = dir_make(m->aside, 0755, e);
	if (r == 0)
		r = s->fill(s->arg, m->aside, e);
	if (r == 0)
		r = find_top(m->aside, e);
	if (r == 0)
		r = write_manifest(s, m->aside, e);
	return r == 0 ? appear(m, e) : r;
}

int store_make(const struct store_spec *s, const struct source_options *o, struct source *ret,
	struct err *e)
{
	__attribute__((cleanup(making_end))) struct making m = { .lock = -1 };
	struct err old = ERR_INIT;
	int r = store_load(s->identity, o->verify, ret, NULL);

	if (r == 0)
		return 0;
	r = making_begin(&m, s->identity, e);
	if (r < 0)
		return r;
	/* Another process may have made it while we waited. */
	r = store_load(s->identity, o->verify, ret, &old);
	if (r == -EBADMSG)
		source_say(o, "%s; making it again", err_text(&old));
	err_release(&old);
	if (r == 0)
		return 0;
	r = make(&m, s, e);
	return r == 0 ? store_load(s->identity, false, ret, e) : r;
}

/* ---- names ---- */

void store_hash(char ret_hex[static HASH_HEX_LEN + 1], ...)
{
	struct hash *h = hash_new();
	const char *word;
	va_list ap;

	va_start(ap, ret_hex);
	while ((word = va_arg(ap, const char *)))
		hash_adds(h, word);
	va_end(ap);
	hash_final(h, ret_hex);
}

static int name_path(const char *name, const char *suffix, char **ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	char hex[HASH_HEX_LEN + 1];
	int r = store_dir("names", &dir, e);

	if (r < 0)
		return r;
	store_hash(hex, "name", name, NULL);
	*ret = xasprintf("%s/%s%s", dir, hex, suffix);
	return 0;
}

int store_name_get(const char *name, char ret_hex[static HASH_HEX_LEN + 1])
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = name_path(name, "", &path, NULL);

	if (r < 0)
		return r;
	if (file_read(path, 1 << 10, &b, NULL) < 0 || b.len < HASH_HEX_LEN)
		return -ENOENT;
	buf_truncate(&b, HASH_HEX_LEN);
	if (!store_is_identity(b.data))
		return -ENOENT;
	memcpy(ret_hex, b.data, HASH_HEX_LEN + 1);
	return 0;
}

int store_name_set(const char *name, const char *hex, struct err *e)
{
	_cleanup_free_ char *path = NULL, *text = xasprintf("%s %s\n", hex, name);
	int r = name_path(name, "", &path, e);

	return r < 0 ? r : file_write_atomic(path, text, strlen(text), 0644, e);
}

/* A file of names/: "HEX NAME\n". */
static void add_name(const char *path, const char *prefix, struct strv *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct source s = { 0 };
	size_t at = HASH_HEX_LEN + 1;

	if (file_read(path, 1 << 12, &b, NULL) < 0 || b.len < at + 1 || b.data[b.len - 1] != '\n')
		return;
	b.data[HASH_HEX_LEN] = b.data[b.len - 1] = '\0';
	if (store_is_identity(b.data) && str_starts(b.data + at, prefix) &&
		store_load(b.data, false, &s, NULL) == 0)
		strv_add(ret, b.data + at + strlen(prefix));
	source_release(&s);
}

int store_names(const char *prefix, struct strv *ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	struct dirent *f;
	DIR *d;
	int r = store_dir("names", &dir, e);

	if (r < 0)
		return r;
	d = opendir(dir);
	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);

		if (store_is_identity(f->d_name))
			add_name(path, prefix, ret);
	}
	if (d)
		closedir(d);
	return 0;
}

static void sweep_downloads(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);
		struct stat st;

		if (f->d_name[0] == '.' || lstat(path, &st) < 0 ||
			clock_wall_ns() / 1000000000 - st.st_mtime < DOWNLOADS_S)
			continue;
		if (S_ISDIR(st.st_mode))
			dir_remove(path, NULL);
		else
			unlink(path);
	}
	if (d)
		closedir(d);
}

void store_sweep(void)
{
	_cleanup_free_ char *sources = NULL, *downloads = NULL;

	if (store_dir("", &sources, NULL) == 0)
		sweep(sources);
	if (store_dir("downloads", &downloads, NULL) == 0)
		sweep_downloads(downloads);
}

int store_place(const char *name, char **ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	char hex[HASH_HEX_LEN + 1];
	int r = store_dir("downloads", &dir, e);

	if (r < 0)
		return r;
	sweep_downloads(dir);
	store_hash(hex, "download", name, NULL);
	*ret = path_join(dir, hex);
	return 0;
}

int store_name_lock(const char *name, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r = name_path(name, ".lock", &path, e);

	return r < 0 ? r : lock_take(path, false, clock_ms() + LOCK_WAIT_MS, e);
}

int store_file_sum(const char *path, char ret_hex[static HASH_HEX_LEN + 1], struct err *e)
{
	_cleanup_free_ char *name = NULL;
	char identity[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r = hash_add_file_identity(h, path, e);

	hash_final(h, identity);
	if (r < 0)
		return r;
	name = xasprintf("sum of %s", identity);
	if (store_name_get(name, ret_hex) == 0)
		return 0;
	r = hash_file(path, ret_hex, e);
	return r < 0 ? r : store_name_set(name, ret_hex, e);
}
