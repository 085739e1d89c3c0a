/* SPDX-License-Identifier: MIT */
#include "disk/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"

#define FORM         1
#define LOCK_WAIT_MS (6ll * 60 * 60 * 1000) /* another process downloads it */
#define KEY_DIGITS   8

void disk_image_release(struct disk_image *i)
{
	char *owned[] = { i->key, i->path, i->url, i->made, i->trust, i->sha256, i->sha512,
		i->file_sha256, i->format, i->damage };

	for (size_t k = 0; k < ARRAY_SIZE(owned); k++)
		free(owned[k]);
	strv_release(&i->names);
	fd_close(i->hold);
	*i = (struct disk_image)DISK_IMAGE_INIT;
}

void disk_images_free(struct disk_image *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		disk_image_release(&v[i]);
	free(v);
}

/* The path of images/A + B; the caller owns the string. NULL: no cache. */
static char *place(const char *a, const char *b, struct err *e)
{
	_cleanup_free_ char *dir = NULL;

	return path_cache_sub("images", &dir, e) < 0 ? NULL : xasprintf("%s/%s%s", dir, a, b);
}

/* ---- the manifest ---- */

static int read_manifest(const char *dir, struct disk_image *i, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json"), *file = NULL;
	_cleanup_json_ json_t *o = NULL;
	int64_t form = 0;
	int r = json_read_file(path, &o, e);
	struct {
		const char *key;
		char **to;
	} texts[] = { { "url", &i->url }, { "made", &i->made }, { "trust", &i->trust },
		{ "sha256", &i->sha256 }, { "sha512", &i->sha512 }, { "format", &i->format },
		{ "file", &file }, { "file_sha256", &i->file_sha256 } };

	if (r == 0)
		r = json_field_i64(o, "form", 0, &form, e);
	if (r == 0)
		r = json_field_i64(o, "size", -1, &i->size, e);
	if (r == 0)
		r = json_field_i64(o, "mtime_ns", 0, &i->mtime_ns, e);
	if (r == 0)
		r = json_field_i64(o, "virtual_size", 0, &i->virtual_size, e);
	for (size_t k = 0; r == 0 && k < ARRAY_SIZE(texts); k++)
		r = json_field_str(o, texts[k].key, texts[k].to, e);
	if (r < 0)
		return r;
	if (form != FORM || !i->url || !i->made || !i->trust || !i->sha256 || !i->format || !file ||
		!i->file_sha256 || strchr(file, '/') || *file == '.')
		return err_set(e, -EBADMSG, "%s is not what an image has", path);
	i->path = path_join(dir, file);
	return 0;
}

static int write_manifest(const char *aside, const struct disk_image *i, struct err *e)
{
	_cleanup_free_ char *path = path_join(aside, "manifest.json"), *text = NULL;
	_cleanup_json_ json_t *o = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s*, s:s, s:s, s:s, s:I, s:I, s:I}", "form", FORM,
		"url", i->url, "made", i->made, "trust", i->trust, "sha256", i->sha256, "sha512",
		i->sha512, "format", i->format, "file", path_base(i->path), "file_sha256",
		i->file_sha256, "size", (json_int_t)i->size, "mtime_ns", (json_int_t)i->mtime_ns,
		"virtual_size", (json_int_t)i->virtual_size);

	BUG_ON(!o);
	text = json_dumps(o, JSON_INDENT(2));
	return file_write_atomic(path, text, strlen(text), 0444, e);
}

/* ---- reading ---- */

int disk_verify(const struct disk_image *i, struct err *e)
{
	return disk_verify_told(i, NULL, NULL, e);
}

int disk_verify_told(const struct disk_image *i,
	void (*tell)(void *arg, uint64_t done, uint64_t total), void *arg, struct err *e)
{
	char sum[HASH_HEX_LEN + 1];
	struct stat st;
	int r;

	if (i->damage)
		return err_set(e, -EBADMSG, "%s", i->damage);
	if (stat(i->path, &st) < 0)
		return err_set(e, -EBADMSG, "%s is gone", i->path);
	if (st.st_size != i->size)
		return err_set(e, -EBADMSG, "%s has %lld bytes, and not %lld", i->path,
			(long long)st.st_size, (long long)i->size);
	r = hash_file_told(i->path, tell, arg, sum, e);
	return r < 0 ? r
	       : streq(sum, i->file_sha256)
		       ? 0
		       : err_set(e, -EBADMSG, "%s has another content than it had", i->path);
}

static int check(const struct disk_image *i, struct err *e)
{
	struct stat st;

	if (stat(i->path, &st) == 0 && st.st_size == i->size &&
		(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == i->mtime_ns)
		return 0;
	return disk_verify(i, e);
}

int images_load(const char *key, struct disk_image *ret, struct err *e)
{
	_cleanup_disk_image_ struct disk_image i = DISK_IMAGE_INIT;
	_cleanup_free_ char *dir = place(key, "", e);
	struct err why = ERR_INIT;
	int r;

	if (!dir)
		return e ? e->code : -EIO;
	i.hold = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (i.hold < 0 || flock(i.hold, LOCK_SH | LOCK_NB) < 0)
		return err_set(e, -ENOENT, "the cache has no image %.12s", key);
	i.key = xstrdup(key);
	r = read_manifest(dir, &i, &why);
	if (r == 0)
		r = check(&i, &why);
	if (r < 0)
		r = err_set(e, -EBADMSG, "%s", err_text(&why));
	err_release(&why);
	if (r < 0)
		return r;
	*ret = i;
	i = (struct disk_image)DISK_IMAGE_INIT;
	return 0;
}

static bool is_key(const char *name)
{
	return strspn(name, "0123456789abcdef") == HASH_HEX_LEN &&
	       (!name[HASH_HEX_LEN] || streq(name + HASH_HEX_LEN, ".raw") ||
		       streq(name + HASH_HEX_LEN, ".qcow2"));
}

static int scan(struct strv *ret, struct err *e)
{
	_cleanup_free_ char *dir = place("", "", e);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *f;

	if (!d)
		return dir ? err_sys(e, errno, "cannot read %s", dir) : e ? e->code : -EIO;
	while ((f = readdir(d)))
		if (is_key(f->d_name))
			strv_add(ret, f->d_name);
	closedir(d);
	if (ret->n)
		strv_sort(ret);
	return 0;
}

static int read_name(const char *name, char **ret)
{
	_cleanup_free_ char *path = place("names/", name, NULL);
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!path || *name == '.' || strchr(name, '/') || file_read(path, 256, &b, NULL) < 0 ||
		!is_key(buf_str(&b)))
		return -ENOENT;
	*ret = buf_detach(&b);
	return 0;
}

static void add_names(struct disk_image *v, size_t n)
{
	_cleanup_free_ char *dir = place("names", "", NULL);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *key = NULL;

		if (read_name(f->d_name, &key) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (streq(v[i].key, key))
				strv_add(&v[i].names, f->d_name);
	}
	if (d)
		closedir(d);
	for (size_t i = 0; i < n; i++)
		if (v[i].names.n)
			strv_sort(&v[i].names);
}

int disk_list(struct disk_image **ret, size_t *ret_n, struct err *e)
{
	_cleanup_strv_ struct strv keys = STRV_INIT;
	struct disk_image *v = NULL;
	size_t n = 0, cap = 0;
	int r = scan(&keys, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < keys.n; i++) {
		struct err why = ERR_INIT;

		VEC_GROW(v, n, cap);
		v[n] = (struct disk_image)DISK_IMAGE_INIT;
		r = images_load(keys.v[i], &v[n], &why);
		if (r == -EBADMSG) {
			v[n].key = xstrdup(keys.v[i]);
			v[n].damage = xstrdup(err_text(&why));
		}
		n += r == 0 || r == -EBADMSG;
		err_release(&why);
	}
	add_names(v, n);
	*ret = v;
	*ret_n = n;
	return 0;
}

static int find_key(const char *name, char **ret, struct err *e)
{
	_cleanup_strv_ struct strv keys = STRV_INIT;
	size_t len = strlen(name), n = 0;
	int r;

	if (read_name(name, ret) == 0)
		return 0;
	r = scan(&keys, e);
	for (size_t i = 0; r == 0 && len >= KEY_DIGITS && i < keys.n; i++)
		if (streq(keys.v[i], name) || (str_starts(keys.v[i], name) && !n++))
			str_replace(ret, keys.v[i]);
	if (r < 0)
		return r;
	if (n > 1 && *ret && !streq(*ret, name))
		return err_set(e, -EINVAL, "'%s' is the beginning of several keys", name);
	if (*ret)
		return 0;
	err_set(e, -ENOENT, "the cache has no image '%s'", name);
	err_hint(e, "'vmrig image list' lists them, 'vmrig image fetch' fetches one.");
	return -ENOENT;
}

int disk_find(const char *name, struct disk_image *ret, struct err *e)
{
	_cleanup_free_ char *key = NULL;
	int r = find_key(name, &key, e);

	if (r == 0)
		r = images_load(key, ret, e);
	if (r == 0)
		add_names(ret, 1);
	if (r == -EBADMSG)
		err_hint(e, "'vmrig image fetch' fetches it again.");
	return r;
}

int images_find_sha512(const char *sha512, const char *format, struct disk_image *ret)
{
	struct disk_image *v = NULL;
	size_t n = 0;
	int r = disk_list(&v, &n, NULL);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (v[i].sha512 && streq(v[i].sha512, sha512) &&
			streq(v[i].key + HASH_HEX_LEN + (v[i].key[HASH_HEX_LEN] == '.'), format)) {
			*ret = v[i];
			v[i] = (struct disk_image)DISK_IMAGE_INIT;
			r = 1;
		}
	disk_images_free(v, n);
	return r == 1 ? 0 : r < 0 ? r : -ENOENT;
}

/* ---- writing ---- */

int images_lock(const char *key, struct err *e)
{
	_cleanup_free_ char *path = place(key, ".lock", e);

	return path ? lock_take(path, false, clock_ms() + LOCK_WAIT_MS, e) : e ? e->code : -EIO;
}

int images_aside(const char *key, char **ret, struct err *e)
{
	_cleanup_free_ char *path = place(key, ".tmp", e);
	int r = path ? dir_remove(path, e) : e ? e->code : -EIO;

	if (r == 0)
		r = dir_make(path, 0700, e);
	if (r == 0)
		*ret = TAKE_PTR(path);
	return r;
}

/* Nobody begins to use what is renamed away; who uses it already keeps it. */
static int make_room(const char *dir, struct err *e)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *gone = xasprintf("%s.tmp.old", dir);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open %s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, -EBUSY, "somebody uses %s", dir);
	if (rename(dir, gone) < 0)
		return err_sys(e, errno, "cannot remove %s", dir);
	return dir_remove(gone, e);
}

int images_commit(const char *aside, const struct disk_image *i, struct err *e)
{
	_cleanup_free_ char *dir = place(i->key, "", e);
	_cleanup_close_ int fd = -1;
	int r = dir ? write_manifest(aside, i, e) : e ? e->code : -EIO;

	if (r == 0)
		r = make_room(dir, e);
	if (r < 0)
		return r;
	fd = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0 || rename(aside, dir) < 0)
		return err_sys(e, errno, "cannot store %s", dir);
	return 0;
}

int images_name(const char *name, const char *key, struct err *e)
{
	_cleanup_free_ char *dir = place("names", "", e), *path = NULL, *old = NULL;
	int r;

	if (!dir)
		return e ? e->code : -EIO;
	if (read_name(name, &old) == 0 && streq(old, key))
		return 0;
	r = dir_make(dir, 0700, e);
	path = path_join(dir, name);
	return r < 0 ? r : file_write_atomic(path, key, strlen(key), 0600, e);
}

void images_sweep(void)
{
	_cleanup_free_ char *dir = place("", "", NULL);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name), *lock = NULL;
		const char *end = strstr(f->d_name, ".tmp");
		_cleanup_close_ int fd = -1;

		if (!end)
			continue;
		lock = xasprintf("%s/%.*s.lock", dir, (int)(end - f->d_name), f->d_name);
		fd = lock_take(lock, false, clock_ms(), NULL);
		if (fd >= 0)
			dir_remove(path, NULL);
	}
	if (d)
		closedir(d);
}

int disk_remove(const char *name, struct err *e)
{
	_cleanup_free_ char *key = NULL, *dir = NULL;
	struct disk_image i = DISK_IMAGE_INIT;
	_cleanup_close_ int lock = -1;
	int r = find_key(name, &key, e);

	if (r == 0)
		r = lock = images_lock(key, e);
	if (r < 0)
		return r;
	i.key = xstrdup(key);
	add_names(&i, 1);
	dir = place(key, "", e);
	r = dir ? make_room(dir, e) : -EIO;
	for (size_t k = 0; r == 0 && k < i.names.n; k++) {
		_cleanup_free_ char *path = place("names/", i.names.v[k], NULL);

		if (path)
			unlink(path);
	}
	disk_image_release(&i);
	return r;
}
