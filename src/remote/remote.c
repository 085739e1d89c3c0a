/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/outfile.h"
#include "base/path.h"
#include "base/text.h"
#include "fetch/fetch.h"
#include "remote/private.h"

#define LEVEL    6
#define ENDING   ".tar.zst"
#define FILE_URL "file://"

int64_t remote_stall_ms = 15000;

/* Where the entry is: a path, or a URL. */
struct place {
	char *path; /* owned */
	bool http;
};

static void place_release(struct place *p)
{
	free(p->path);
}
#define _cleanup_place_ __attribute__((cleanup(place_release)))

const char *remote_store(const char *option)
{
	const char *store = option ? option : getenv("VMRIG_KERNEL_REMOTE");

	return store && *store ? store : NULL;
}

static int find_place(const char *store, const char *key, struct place *ret, struct err *e)
{
	bool http = str_starts(store, "http://") || str_starts(store, "https://");
	const char *path = str_starts(store, FILE_URL) ? store + strlen(FILE_URL) : store;
	size_t len = strlen(path);

	BUG_ON(strlen(key) != HASH_HEX_LEN || strspn(key, "0123456789abcdef") != HASH_HEX_LEN);
	if (!http && strstr(path, "://")) {
		err_set(e, -EINVAL, "%s is no store of kernels", store);
		return err_hint(e, "It is the path of a folder, or an http or https URL.");
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	*ret = (struct place){ xasprintf("%.*s/%s" ENDING, (int)len, path, key), http };
	return 0;
}

/* Hands WHY on, with the entry's place where it does not name it yet. */
static int failed(const struct place *p, struct err *why, struct err *e)
{
	if (!strstr(err_text(why), p->path))
		err_wrap(why, "%s", p->path);
	return err_move(e, why);
}

/* ---- getting ---- */

static int empty(const char *dir, struct err *e)
{
	int r = dir_remove(dir, e);

	return r < 0 ? r : dir_make(dir, 0755, e);
}

/* Everything in FROM to DIR. */
static int move_all(const char *from, const char *dir, struct err *e)
{
	DIR *d = opendir(from);
	struct dirent *f;
	int r = 0;

	if (!d)
		return err_sys(e, errno, "cannot read %s", from);
	while (r == 0 && (f = readdir(d))) {
		_cleanup_free_ char *old = path_join(from, f->d_name);
		_cleanup_free_ char *new = path_join(dir, f->d_name);

		if (streq(f->d_name, ".") || streq(f->d_name, ".."))
			continue;
		if (rename(old, new) < 0)
			r = err_sys(e, errno, "cannot rename %s to %s", old, new);
	}
	closedir(d);
	return r < 0 ? r : dir_remove(from, e);
}

static int download(const struct place *p, const char *dst, struct err *e)
{
	struct fetch_spec spec = { .url = p->path, .stall_ms = remote_stall_ms };
	char sha256[HASH_HEX_LEN + 1];

	return fetch_file(&spec, dst, sha256, e);
}

/* In folders of their own below DIR, so that nothing unchecked ever stands where the caller looks. */
static int get(const struct place *p, const char *key, const char *dir, struct err *e)
{
	_cleanup_free_ char *got = path_join(dir, ".got"), *new = path_join(dir, ".new");
	_cleanup_free_ char *archive = path_join(got, "archive" ENDING);
	_cleanup_free_ char *entry = path_join(new, ENTRY_JSON);
	_cleanup_pack_ struct pack files = PACK_INIT;
	int r;

	if (!p->http && !file_exists(p->path))
		return err_set(e, -ENOENT, "%s is not there", p->path);
	r = dir_make(got, 0755, e);
	if (r == 0)
		r = dir_make(new, 0755, e);
	if (r == 0 && p->http)
		r = download(p, archive, e);
	if (r == 0)
		r = pack_unpack(p->http ? archive : p->path, new, &files, e);
	if (r == 0)
		r = entry_check(key, new, &files, e);
	if (r == 0)
		r = dir_remove(got, e);
	if (r == 0 && unlink(entry) < 0)
		r = err_sys(e, errno, "cannot remove %s", entry);
	return r < 0 ? r : move_all(new, dir, e);
}

int remote_get(const char *store, const char *key, const char *dir, struct err *e)
{
	_cleanup_place_ struct place p = { 0 };
	struct err why = ERR_INIT;
	int r = find_place(store, key, &p, e);

	if (r < 0)
		return r;
	r = get(&p, key, dir, &why);
	if (r == 0)
		return 0;
	empty(dir, NULL);
	return failed(&p, &why, e);
}

/* ---- putting ---- */

/* 1: there is one already. */
static int is_there(const struct place *p, struct err *e)
{
	int r = p->http ? fetch_probe(p->path, e) : file_exists(p->path) ? 0 : -ENOENT;

	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

/* The archive in a file that has its name in the store later or, for a server, never gets one. */
static int pack_entry(
	const char *key, const char *dir, const char *path, struct outfile *ret, struct err *e)
{
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_pack_ struct pack p = PACK_INIT;
	struct pack_result packed;
	int r = pack_add_tree(&p, "", dir, e);

	if (r == 0)
		r = entry_describe(key, &p, e);
	if (r == 0)
		r = outfile_open(path, &o, e);
	if (r == 0)
		r = pack_write(&p, PACKED_ZSTD, LEVEL, o.fd, &packed, e);
	if (r < 0)
		return r;
	*ret = o;
	o = (struct outfile)OUTFILE_INIT;
	return 0;
}

static int put_folder(
	const struct place *p, const char *key, const char *dir, bool replace, struct err *e)
{
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *folder = path_dir(p->path);
	int r = dir_make(folder, 0777, e);

	if (r == 0)
		r = pack_entry(key, dir, p->path, &o, e);
	if (r == 0)
		r = outfile_commit(&o, replace, e);
	if (r != -EEXIST)
		return r;
	/* Another machine was as quick. */
	if (e)
		err_release(e);
	return 0;
}

static int put_http(const struct place *p, const char *key, const char *dir, struct err *e)
{
	_cleanup_outfile_ struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *cache = NULL, *name = NULL, *path = NULL;
	int r = path_cache_sub("remote", &cache, e);

	if (r < 0)
		return r;
	name = xasprintf("%s/%s" ENDING, cache, key);
	r = pack_entry(key, dir, name, &o, e);
	if (r < 0)
		return r;
	path = outfile_reopen_path(&o);
	return fetch_put(p->path, path, e);
}

int remote_put(const char *store, const char *key, const char *dir, bool replace, struct err *e)
{
	_cleanup_place_ struct place p = { 0 };
	struct err why = ERR_INIT;
	int r = find_place(store, key, &p, e);

	if (r < 0)
		return r;
	r = replace ? 0 : is_there(&p, &why);
	if (r == 0)
		r = p.http ? put_http(&p, key, dir, &why) : put_folder(&p, key, dir, replace, &why);
	if (r >= 0) {
		err_release(&why);
		return 0;
	}
	return failed(&p, &why, e);
}
