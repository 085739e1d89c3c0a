/* SPDX-License-Identifier: MIT */
/* Making room in the store of templates, and sweeping what dead processes left in it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"
#include "machine/template.h"

struct entry {
	char *key; /* owned */
	uint64_t bytes;
	int64_t used_ns; /* the time of its last use */
};

static bool is_key(const char *name, size_t len)
{
	return len == HASH_HEX_LEN && strspn(name, "0123456789abcdef") >= HASH_HEX_LEN;
}

void template_sweep(const char *store)
{
	DIR *d = opendir(store);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(store, f->d_name), *key = NULL;
		_cleanup_close_ int lock = -1;
		size_t n = strlen(f->d_name);

		if (n < 4 || !str_ends(f->d_name, ".tmp") || !is_key(f->d_name, n - 4))
			continue;
		key = xstrndup(f->d_name, n - 4);
		lock = template_lock(store, key, NULL);
		if (lock >= 0)
			dir_remove(path, NULL);
	}
	if (d)
		closedir(d);
}

static uint64_t disk_bytes(const char *dir)
{
	static const char *const names[] = { "memory", "state", "hello", "manifest.json" };
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(dir, names[i]);

		if (stat(path, &st) == 0)
			sum += (uint64_t)st.st_blocks * 512;
	}
	return sum;
}

static int longest_unused_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->used_ns < y->used_ns ? -1 : x->used_ns > y->used_ns;
}

static int list(const char *store, struct entry **ret, size_t *ret_n, struct err *e)
{
	struct entry *v = NULL;
	size_t n = 0, cap = 0;
	struct dirent *f;
	DIR *d = opendir(store);

	if (!d)
		return err_sys(e, errno, "cannot read %s", store);
	while ((f = readdir(d))) {
		_cleanup_free_ char *dir = path_join(store, f->d_name);
		struct stat st;

		if (!is_key(f->d_name, strlen(f->d_name)) || stat(dir, &st) < 0)
			continue;
		VEC_GROW(v, n, cap);
		v[n++] = (struct entry){ xstrdup(f->d_name), disk_bytes(dir),
			(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
	}
	closedir(d);
	if (n)
		qsort(v, n, sizeof(*v), longest_unused_first);
	*ret = v;
	*ret_n = n;
	return 0;
}

/* One whose lock is taken is in somebody's hands: it stays. */
static int drop(const char *store, const struct entry *x, const struct machine_trim *t,
	int64_t unused_ms, struct err *e)
{
	int r = 0;

	if (!t->dry_run) {
		_cleanup_close_ int lock = template_lock(store, x->key, e);

		r = lock < 0 ? lock : template_unlink(store, x->key, e);
	}
	if (r == 0 && t->gone)
		t->gone(t->arg, x->key, x->bytes, unused_ms);
	return r;
}

int machine_templates_trim(const struct machine_trim *t, struct err *e)
{
	_cleanup_free_ char *store = NULL;
	struct entry *v = NULL;
	int64_t now = clock_wall_ns();
	uint64_t sum = 0;
	size_t n = 0;
	int worst = 0, r = template_store(&store, e);

	if (r == 0)
		r = list(store, &v, &n, e);
	if (r < 0)
		return r;
	if (!t->dry_run)
		template_sweep(store);
	for (size_t i = 0; i < n; i++)
		sum += v[i].bytes;
	for (size_t i = 0; i < n; i++) {
		int64_t unused_ms = (now - v[i].used_ns) / 1000000;
		bool old = t->older_ms && unused_ms >= t->older_ms;

		if ((old || sum > t->max_bytes) && !(t->keep && streq(t->keep, v[i].key))) {
			r = drop(store, &v[i], t, unused_ms, worst ? NULL : e);
			if (r == 0)
				sum -= v[i].bytes;
			else if (r != -EBUSY && !worst)
				worst = r;
		}
		free(v[i].key);
	}
	free(v);
	return worst;
}
