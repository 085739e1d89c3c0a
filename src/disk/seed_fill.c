/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "disk/seed_parts.h"

/* The length of "@NAME@" at P; 0: it is none. */
static size_t variable_at(const char *p)
{
	size_t n = strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return p[0] == '@' && n && p[1] >= 'A' && p[1] <= 'Z' && p[1 + n] == '@' ? n + 2 : 0;
}

static const char *value_of(const struct strv *vars, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; vars && i < vars->n; i++)
		if (strncmp(vars->v[i], name, n) == 0 && vars->v[i][n] == '=')
			return vars->v[i] + n + 1;
	return NULL;
}

static int unknown(
	const char *path, size_t line, const char *name, const struct strv *vars, struct err *e)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	const char *near;

	for (size_t i = 0; vars && i < vars->n; i++)
		strv_addf(&names, "%.*s", (int)strcspn(vars->v[i], "="), vars->v[i]);
	near = names.n ? text_nearest(name, (const char *const *)names.v, names.n) : NULL;
	err_set(e, -EINVAL, "%s:%zu: the variable @%s@ has no value%s%s%s", path, line, name,
		near ? "; did you mean @" : "", near ? near : "", near ? "@?" : "");
	return err_hint(
		e, "Give it by --var %s=VALUE, or write @@%s@ for the text itself.", name, name);
}

int seed_fill(const char *path, const struct buf *text, const struct strv *vars, struct strv *used,
	struct buf *ret, struct err *e)
{
	size_t line = 1;

	for (const char *p = buf_str(text), *end = p + text->len; p < end;) {
		size_t n = *p == '@' && p[1] != '@' ? variable_at(p) : 0;

		line += *p == '\n';
		if (*p == '@' && p[1] == '@' && variable_at(p + 1)) {
			n = variable_at(p + 1);
			buf_add(ret, p + 1, n);
			p += n + 1;
		} else if (n) {
			_cleanup_free_ char *name = xstrndup(p + 1, n - 2);
			const char *value = value_of(vars, name);

			if (!value)
				return unknown(path, line, name, vars, e);
			if (used && !strv_has(used, name))
				strv_add(used, name);
			buf_adds(ret, value);
			p += n;
		} else {
			buf_addc(ret, *p++);
		}
	}
	return 0;
}
