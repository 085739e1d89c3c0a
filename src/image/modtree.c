/* SPDX-License-Identifier: MIT */
#include "image/modtree.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

#define INDEX_MAX (64u << 20) /* a distribution's modules.alias has 2 MiB */

static const char *const suffixes[] = { ".ko", ".ko.xz", ".ko.gz", ".ko.zst" };

static void fold_dashes(char *s)
{
	for (; *s; s++)
		if (*s == '-')
			*s = '_';
}

char *module_name(const char *path)
{
	const char *base = path_base(path);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(base), end = strlen(suffixes[i]);

		if (n > end && str_ends(base, suffixes[i])) {
			char *name = xstrndup(base, n - end);

			fold_dashes(name);
			return name;
		}
	}
	return NULL;
}

int modtree_lines(const char *dir, const char *file, struct strv *ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, file);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *p, *end;
	int r;

	if (!file_exists(path))
		return 0;
	r = file_read(path, INDEX_MAX, &text, e);
	if (r < 0)
		return r;
	p = buf_str(&text);
	end = p + text.len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		strv_take(ret, xstrndup(p, (size_t)((nl ? nl : end) - p)));
		p = nl ? nl + 1 : end;
	}
	return 0;
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_builtin(struct modtree *t, struct err *e)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = modtree_lines(t->dir, "modules.builtin", &lines, e);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		char *name = module_name(lines.v[i]);

		if (name)
			strv_take(&t->builtin, name);
	}
	strv_sort(&t->builtin);
	return r;
}

bool modtree_builtin(const struct modtree *t, const char *name)
{
	_cleanup_free_ char *key = xstrdup(name);

	fold_dashes(key);
	return t->builtin.n && bsearch(&key, t->builtin.v, t->builtin.n, sizeof(char *), by_string);
}

/* Where depmod would look first. */
static int rank(const char *path)
{
	return str_starts(path, "updates/") ? 0 : str_starts(path, "extra/") ? 1 : 2;
}

static int by_name_and_rank(const void *a, const void *b)
{
	const struct module *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c == 0)
		c = rank(x->path) - rank(y->path);
	return c ? c : strcmp(x->path, y->path);
}

static void module_release(struct module *m)
{
	free(m->name);
	free(m->path);
	free(m->dep_line);
	strv_release(&m->needs);
	strv_release(&m->soft);
	strv_release(&m->aliases);
}

static void add_module(struct modtree *t, const char *path, const char *dep_line)
{
	char *name = module_name(path);

	if (!name)
		return;
	VEC_GROW(t->modules, t->n, t->cap);
	t->modules[t->n++] = (struct module){
		.name = name,
		.path = xstrdup(path),
		.dep_line = xstrdup(dep_line),
	};
}

/* Sorts, and of two files for one name keeps the one that depmod would. */
static void settle(struct modtree *t)
{
	size_t kept = 0;

	if (t->n)
		qsort(t->modules, t->n, sizeof(*t->modules), by_name_and_rank);
	for (size_t i = 0; i < t->n; i++) {
		if (kept && streq(t->modules[kept - 1].name, t->modules[i].name))
			module_release(&t->modules[i]);
		else
			t->modules[kept++] = t->modules[i];
	}
	t->n = kept;
}

ssize_t modtree_find(const struct modtree *t, const char *name)
{
	_cleanup_free_ char *key = xstrdup(name);
	size_t low = 0, high = t->n;

	fold_dashes(key);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(key, t->modules[mid].name);

		if (c == 0)
			return (ssize_t)mid;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

/* ---- where depmod has run ---- */

static int broken(const struct modtree *t, struct err *e, const char *what)
{
	err_set(e, -EBADMSG, "%s/modules.dep is broken: %s", t->dir, what);
	return err_hint(e, "Run depmod (package kmod) for that kernel, or remove the file.");
}

static int read_softdeps(struct modtree *t, struct err *e)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = modtree_lines(t->dir, "modules.softdep", &lines, e);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		_cleanup_free_ char *name = NULL;
		const char *s = lines.v[i];
		ssize_t m;

		if (!str_starts(s, "softdep "))
			continue;
		s += strlen("softdep ");
		name = xstrndup(s, strcspn(s, " \t"));
		m = modtree_find(t, name);
		if (m >= 0)
			softdep_pre(s + strlen(name), &t->modules[m].soft);
	}
	return r;
}

static int read_index(struct modtree *t, struct err *e)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = modtree_lines(t->dir, "modules.dep", &lines, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < lines.n; i++) {
		char *colon = strchr(lines.v[i], ':');
		_cleanup_free_ char *name = NULL;

		if (lines.v[i][0] == '\0' || lines.v[i][0] == '#')
			continue;
		if (colon) {
			*colon = '\0';
			name = module_name(lines.v[i]);
		}
		if (!name) {
			_cleanup_free_ char *what =
				xasprintf("line %zu is not \"module: dependencies\"", i + 1);

			return broken(t, e, what);
		}
		add_module(t, lines.v[i], colon + 1);
	}
	settle(t);
	return read_softdeps(t, e);
}

static int split_dep_line(struct modtree *t, struct module *m, struct err *e)
{
	const char *p = m->dep_line;

	while (*(p += strspn(p, " \t"))) {
		size_t n = strcspn(p, " \t");
		_cleanup_free_ char *path = xstrndup(p, n), *name = module_name(path);

		if (!name || modtree_find(t, name) < 0) {
			_cleanup_free_ char *what = xasprintf(
				"%s needs %s, which has no line of its own", m->name, path);

			return broken(t, e, what);
		}
		strv_take(&m->needs, TAKE_PTR(name));
		p += n;
	}
	return 0;
}

/* ---- where it has not ---- */

/* A build tree's modules.order says "fs/9p/9p.o", "fs/9p/9p.ko" or "kernel/fs/9p/9p.ko", by age. */
static int read_order(struct modtree *t, struct err *e)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = modtree_lines(t->dir, "modules.order", &lines, e);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *line = lines.v[i];
		size_t n = strlen(line);
		_cleanup_free_ char *path = str_ends(line, ".o")
						    ? xasprintf("%.*s.ko", (int)(n - 2), line)
						    : xstrdup(line);
		_cleanup_free_ char *full = path_join(t->dir, path);

		if (file_exists(full))
			add_module(t, path, NULL);
		else if (str_starts(path, "kernel/")) {
			_cleanup_free_ char *older = path_join(t->dir, path + strlen("kernel/"));

			if (file_exists(older))
				add_module(t, path + strlen("kernel/"), NULL);
		}
	}
	settle(t);
	return r;
}

static int walk_folder(struct modtree *t, struct err *e)
{
	char *const roots[] = { t->dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	size_t skip = strlen(t->dir);
	FTSENT *f;
	int errnum;

	if (!fts)
		return err_sys(e, errno, "cannot walk %s", t->dir);
	while ((errno = 0, f = fts_read(fts)))
		if (f->fts_info == FTS_NSOK || f->fts_info == FTS_F)
			add_module(t, f->fts_path + skip + strspn(f->fts_path + skip, "/"), NULL);
	errnum = errno;
	fts_close(fts);
	settle(t);
	return errnum ? err_sys(e, errnum, "cannot walk %s", t->dir) : 0;
}

static bool has(const char *dir, const char *file)
{
	_cleanup_free_ char *path = path_join(dir, file);

	return file_exists(path);
}

/* A cut-off depmod leaves an empty file. */
static bool has_index(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "modules.dep");
	_cleanup_buf_ struct buf head = BUF_INIT;
	int fd = file_open(path, 0, NULL);
	ssize_t n = fd < 0 ? 0 : buf_read(&head, fd, 1);

	fd_close(fd);
	return n > 0;
}

int modtree_open(const char *dir, bool scan, struct modtree *ret, struct err *e)
{
	struct modtree t = { .dir = xstrdup(dir) };
	int r = 0;

	if (!dir_exists(dir))
		r = err_set(e, -ENOENT, "no folder of modules at %s", dir);
	if (r == 0)
		r = read_builtin(&t, e);
	t.indexed = r == 0 && !scan && has_index(dir);
	if (r < 0)
		; /* told */
	else if (t.indexed)
		r = read_index(&t, e);
	else if (has(dir, "modules.order") && has(dir, "include/config/kernel.release"))
		r = read_order(&t, e);
	else
		r = walk_folder(&t, e);
	if (r < 0) {
		modtree_release(&t);
		return r;
	}
	*ret = t;
	return 0;
}

void modtree_release(struct modtree *t)
{
	for (size_t i = 0; i < t->n; i++)
		module_release(&t->modules[i]);
	for (size_t i = 0; i < t->n_aliases; i++)
		free(t->aliases[i].alias);
	free(t->modules);
	free(t->aliases);
	strv_release(&t->builtin);
	free(t->dir);
	*t = (struct modtree){ 0 };
}

int modtree_read(struct modtree *t, size_t i, struct err *e)
{
	struct module *m = &t->modules[i];
	_cleanup_free_ char *path = NULL;
	int r;

	if (m->read)
		return 0;
	if (t->indexed) {
		r = split_dep_line(t, m, e);
	} else {
		path = path_join(t->dir, m->path);
		r = modinfo_read(path, m, e);
	}
	m->read = r == 0;
	return r;
}
