/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "image/image.h"
#include "image/modtree.h"

#define DEPTH_MAX 512 /* of a chain of dependencies; real ones have about ten */

void softdep_pre(const char *text, struct strv *ret)
{
	bool pre = false;

	while (*(text += strspn(text, " \t"))) {
		size_t n = strcspn(text, " \t");

		if (text[n - 1] == ':')
			pre = n == 4 && memcmp(text, "pre:", 4) == 0;
		else if (pre)
			strv_addf(ret, "%.*s", (int)n, text);
		text += n;
	}
}

/* ---- aliases ---- */

static int by_alias(const void *a, const void *b)
{
	const struct module_alias *x = a, *y = b;
	int c = strcmp(x->alias, y->alias);

	return c ? c : (x->module > y->module) - (x->module < y->module);
}

static void add_alias(struct modtree *t, const char *alias, size_t len, size_t module)
{
	if (memchr(alias, '*', len) || memchr(alias, '?', len) || memchr(alias, '[', len))
		return;
	VEC_GROW(t->aliases, t->n_aliases, t->cap_aliases);
	t->aliases[t->n_aliases++] = (struct module_alias){ xstrndup(alias, len), module };
}

/* From modules.alias ("alias PATTERN MODULE"), or from every module. What cannot be read offers
 * nothing: an alias only ever serves a soft dependency. */
static void read_aliases(struct modtree *t)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;

	t->have_aliases = true;
	if (t->indexed && modtree_lines(t->dir, "modules.alias", &lines, NULL) == 0) {
		for (size_t i = 0; i < lines.n; i++) {
			const char *s = lines.v[i], *space = strrchr(s, ' ');
			ssize_t m;

			if (!str_starts(s, "alias ") || space < s + 6)
				continue;
			m = modtree_find(t, space + 1);
			if (m >= 0)
				add_alias(t, s + 6, (size_t)(space - s - 6), (size_t)m);
		}
	}
	for (size_t i = 0; i < t->n && !t->indexed; i++) {
		const struct strv *a = &t->modules[i].aliases;

		if (modtree_read(t, i, NULL) < 0)
			continue;
		for (size_t j = 0; j < a->n; j++)
			add_alias(t, a->v[j], strlen(a->v[j]), i);
	}
	if (t->n_aliases)
		qsort(t->aliases, t->n_aliases, sizeof(*t->aliases), by_alias);
}

static ssize_t find_alias(struct modtree *t, const char *alias)
{
	size_t low = 0, high;

	if (!t->have_aliases)
		read_aliases(t);
	high = t->n_aliases;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(t->aliases[mid].alias, alias) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n_aliases && streq(t->aliases[low].alias, alias)
		       ? (ssize_t)t->aliases[low].module
		       : -1;
}

ssize_t modtree_soft_target(struct modtree *t, const char *name)
{
	_cleanup_free_ char *generic = xasprintf("%s_generic", name);
	ssize_t m;

	if (modtree_builtin(t, name) || modtree_builtin(t, generic))
		return -1;
	m = modtree_find(t, name);
	if (m < 0)
		m = modtree_find(t, generic);
	return m < 0 ? find_alias(t, name) : m;
}

/* ---- the closure ---- */

struct walk {
	struct modtree *t;
	bool soft;
	bool *done;
	size_t *order, *n;
	size_t path[DEPTH_MAX], depth; /* from the wanted module to the one in hand */
};

static bool on_path(const struct walk *w, size_t i)
{
	for (size_t d = 0; d < w->depth; d++)
		if (w->path[d] == i)
			return true;
	return false;
}

static int cycle(const struct walk *w, size_t i, struct err *e)
{
	_cleanup_buf_ struct buf chain = BUF_INIT;
	bool inside = false;

	for (size_t d = 0; d < w->depth; d++) {
		inside |= w->path[d] == i;
		if (inside)
			buf_addf(&chain, "%s needs ", w->t->modules[w->path[d]].name);
	}
	return err_set(e, -ELOOP, "%s: modules need each other: %s%s", w->t->dir, buf_str(&chain),
		w->t->modules[i].name);
}

/* Whether loading I first would need a module that waits for it: such a soft dependency is let go. */
static bool leads_back(struct walk *w, size_t i, bool *seen, size_t depth)
{
	const struct strv *needs = &w->t->modules[i].needs;

	if (on_path(w, i) || depth == DEPTH_MAX)
		return true;
	if (seen[i] || w->done[i])
		return false;
	seen[i] = true;
	if (modtree_read(w->t, i, NULL) < 0)
		return true;
	for (size_t j = 0; j < needs->n; j++) {
		ssize_t m = modtree_find(w->t, needs->v[j]);

		if (m >= 0 && leads_back(w, (size_t)m, seen, depth + 1))
			return true;
	}
	return false;
}

static int visit(struct walk *w, size_t i, struct err *e);

static int visit_soft(struct walk *w, const struct strv *soft, struct err *e)
{
	int r = 0;

	for (size_t j = 0; r == 0 && j < soft->n; j++) {
		ssize_t m = modtree_soft_target(w->t, soft->v[j]);
		_cleanup_free_ bool *seen = xcalloc(w->t->n, sizeof(*seen));

		if (m >= 0 && !leads_back(w, (size_t)m, seen, 0))
			r = visit(w, (size_t)m, e);
	}
	return r;
}

static int visit(struct walk *w, size_t i, struct err *e)
{
	const struct module *m = &w->t->modules[i];
	int r;

	if (w->done[i])
		return 0;
	if (on_path(w, i))
		return cycle(w, i, e);
	if (w->depth == DEPTH_MAX)
		return err_set(e, -ELOOP, "%s: dependencies of modules more than %d deep",
			w->t->dir, DEPTH_MAX);
	r = modtree_read(w->t, i, e);
	if (r < 0)
		return r;
	w->path[w->depth++] = i;
	if (w->soft)
		r = visit_soft(w, &m->soft, e);
	/* modules.dep names the one to load first last. */
	for (size_t j = m->needs.n; r == 0 && j-- > 0;) {
		ssize_t need = modtree_find(w->t, m->needs.v[j]);

		if (need >= 0)
			r = visit(w, (size_t)need, e);
		else if (!modtree_builtin(w->t, m->needs.v[j]))
			r = err_set(e, -ENOENT, "%s: module %s needs %s, which is not there",
				w->t->dir, m->name, m->needs.v[j]);
	}
	w->depth--;
	if (r == 0) {
		w->done[i] = true;
		w->order[(*w->n)++] = i;
	}
	return r;
}

int modtree_closure(
	struct modtree *t, size_t i, bool soft, bool *done, size_t *order, size_t *n, struct err *e)
{
	_cleanup_free_ struct walk *w = xcalloc(1, sizeof(*w));

	*w = (struct walk){ .t = t, .soft = soft, .done = done, .order = order, .n = n };
	return visit(w, i, e);
}

static int closure(struct modtree *t, const char *const *wanted, struct strv *missing, bool *done,
	size_t *order, size_t *n, struct err *e)
{
	int r = 0;

	for (; r == 0 && *wanted; wanted++) {
		ssize_t m;

		if (modtree_builtin(t, *wanted))
			continue;
		m = modtree_find(t, *wanted);
		if (m >= 0)
			r = modtree_closure(t, (size_t)m, true, done, order, n, e);
		else if (missing)
			strv_add(missing, *wanted);
		else
			r = err_set(e, -ENOENT, "%s: no module %s, neither as a file nor built in",
				t->dir, *wanted);
	}
	return r;
}

int modules_closure(const char *dir, const char *const *wanted, struct strv *ret_paths,
	struct strv *ret_missing, struct err *e)
{
	_cleanup_modtree_ struct modtree t = { 0 };
	_cleanup_strv_ struct strv paths = STRV_INIT, missing = STRV_INIT;
	_cleanup_free_ bool *done = NULL;
	_cleanup_free_ size_t *order = NULL;
	size_t n = 0;
	int r = modtree_open(dir, false, &t, e);

	if (r < 0)
		return r;
	done = xcalloc(t.n + 1, sizeof(*done));
	order = xcalloc(t.n + 1, sizeof(*order));
	r = closure(&t, wanted, ret_missing ? &missing : NULL, done, order, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		strv_take(&paths, path_join(t.dir, t.modules[order[i]].path));
		if (!file_exists(paths.v[i])) {
			r = err_set(e, -ENOENT, "%s/modules.dep names %s, which is not there", dir,
				t.modules[order[i]].path);
			err_hint(e, "Run depmod (package kmod) for that kernel.");
		}
	}
	if (r < 0)
		return r;
	strv_addv(ret_paths, &paths);
	if (ret_missing)
		strv_addv(ret_missing, &missing);
	return 0;
}

char modules_find(const char *dir, const char *name)
{
	_cleanup_modtree_ struct modtree t = { 0 };

	if (modtree_open(dir, false, &t, NULL) < 0)
		return 'n';
	return modtree_builtin(&t, name) ? 'y' : modtree_find(&t, name) >= 0 ? 'm' : 'n';
}

int modules_files(const char *dir, struct strv *ret, struct err *e)
{
	_cleanup_modtree_ struct modtree t = { 0 };
	int r = modtree_open(dir, false, &t, e);

	for (size_t i = 0; r == 0 && i < t.n; i++)
		strv_take(ret, path_join(t.dir, t.modules[i].path));
	return r;
}
