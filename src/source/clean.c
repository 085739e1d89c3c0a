/* SPDX-License-Identifier: MIT */
/* Removing from the cache the trees and repositories that nobody asked for in a long time. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "source/store.h"

static int64_t unused_ms(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return 0;
	return clock_wall_ns() / 1000000 -
	       ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
}

/* "source debian:linux-source-6.12, not used for 31d"; the caller owns it. */
static char *reason(const char *dir, int64_t unused)
{
	_cleanup_free_ char *path = path_join(dir, "manifest.json"), *label = NULL;
	_cleanup_json_ json_t *m = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (file_exists(path) && json_read_file(path, &m, NULL) == 0)
		json_field_str(m, "label", &label, NULL);
	buf_addf(&b, "source %s, not used for ", label ? label : "by git");
	duration_format(&b, unused);
	return buf_detach(&b);
}

static int clean_one(const struct source_clean *c, const char *dir, struct err *e)
{
	_cleanup_free_ char *why = NULL;
	int64_t unused = unused_ms(dir), bytes;
	int r;

	if (unused < c->older_ms)
		return 0;
	why = reason(dir, unused);
	bytes = entry_bytes(dir);
	r = entry_remove(dir, c->dry_run, e);
	if (r >= 0)
		c->told(c->arg, dir, r ? "in use" : why, r == 0, r ? 0 : bytes);
	return r < 0 ? r : 0;
}

/* The entries of sources/NAME: trees, or repositories. */
static int clean_folder(const struct source_clean *c, const char *name, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	struct dirent *f;
	int r = store_dir(name, &dir, e);
	DIR *d = r == 0 ? opendir(dir) : NULL;

	while (d && r == 0 && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);

		if (store_is_identity(f->d_name) && dir_exists(path))
			r = clean_one(c, path, e);
	}
	if (d)
		closedir(d);
	return r;
}

static void clean_locks(const struct source_clean *c, const char *name)
{
	_cleanup_free_ char *dir = NULL, *why = NULL;
	size_t n = 0;

	if (store_dir(name, &dir, NULL) < 0)
		return;
	n = entry_sweep_locks(dir, c->dry_run);
	if (n == 0)
		return;
	why = xasprintf("%zu lock%s of nothing", n, n == 1 ? "" : "s");
	c->told(c->arg, dir, why, true, 0);
}

int source_clean(const struct source_clean *c, struct err *e)
{
	static const char *const folders[] = { "", "git", "names" };
	int r = clean_folder(c, "", e);

	if (r == 0)
		r = clean_folder(c, "git", e);
	if (r < 0)
		return r;
	if (!c->dry_run)
		store_sweep();
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		clean_locks(c, folders[i]);
	return 0;
}
