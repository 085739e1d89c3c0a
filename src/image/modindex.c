/* SPDX-License-Identifier: MIT */
/* What depmod writes, as far as it can be had from .modinfo: modules.{dep,softdep,alias}. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "image/image.h"
#include "image/modtree.h"

struct index {
	struct buf dep, softdep, alias;
};

static void index_release(struct index *x)
{
	buf_release(&x->dep);
	buf_release(&x->softdep);
	buf_release(&x->alias);
}

/* A module that needs one which is not there gets no line: whoever wants it is told that it is
 * missing. */
static int add_module(struct modtree *t, size_t i, struct index *x, struct err *e)
{
	const struct module *m = &t->modules[i];
	_cleanup_free_ bool *done = xcalloc(t->n, sizeof(*done));
	_cleanup_free_ size_t *order = xcalloc(t->n, sizeof(*order));
	size_t n = 0;
	int r = modtree_closure(t, i, false, done, order, &n, e);

	if (r == -ENOENT) {
		if (e)
			err_release(e);
		return 0;
	}
	if (r < 0)
		return r;
	buf_addf(&x->dep, "%s:", m->path);
	/* The module itself is the last of its closure. */
	for (size_t k = n - 1; k-- > 0;)
		buf_addf(&x->dep, " %s", t->modules[order[k]].path);
	buf_addc(&x->dep, '\n');
	if (m->soft.n) {
		_cleanup_free_ char *names = strv_join(&m->soft, " ");

		buf_addf(&x->softdep, "softdep %s pre: %s\n", m->name, names);
	}
	for (size_t k = 0; k < m->aliases.n; k++)
		buf_addf(&x->alias, "alias %s %s\n", m->aliases.v[k], m->name);
	return 0;
}

static int write_file(const char *dir, const char *name, const struct buf *text, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return file_write_atomic(path, buf_str(text), text->len, 0644, e);
}

int modules_index(const char *dir, struct err *e)
{
	_cleanup_modtree_ struct modtree t = { 0 };
	__attribute__((cleanup(index_release))) struct index x = { 0 };
	int r = modtree_open(dir, true, &t, e);

	for (size_t i = 0; r == 0 && i < t.n; i++)
		r = add_module(&t, i, &x, e);
	if (r == 0)
		r = write_file(dir, "modules.softdep", &x.softdep, e);
	if (r == 0)
		r = write_file(dir, "modules.alias", &x.alias, e);
	/* Last: it is what says that the others are there. */
	if (r == 0)
		r = write_file(dir, "modules.dep", &x.dep, e);
	return r;
}
