/* SPDX-License-Identifier: MIT */
/* Walking a mapping by its table of keys. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "yaml/yaml.h"

int yaml_expected(struct yaml_reader *l, const struct yaml_node *n, const struct yaml_key *k,
	const char *what)
{
	if (k)
		return yaml_error(&l->y, n, l->e, "'%s': expected %s, found %s", k->name, what,
			yaml_describe(n));
	return yaml_error(&l->y, n, l->e, "expected %s, found %s", what, yaml_describe(n));
}

/* Bounds the work: a file of some megabytes can name billions of values by aliases. */
static int visit(struct yaml_reader *l, const struct yaml_node *n)
{
	if (++l->visited <= YAML_NODES_MAX)
		return 0;
	return yaml_error(
		&l->y, n, l->e, "aliases make more than %d values of this file", YAML_NODES_MAX);
}

static int unknown_key(struct yaml_reader *l, const struct yaml_node *at, const char *what,
	const struct yaml_key *keys, size_t n_keys)
{
	_cleanup_free_ const char **names = xcalloc(n_keys, sizeof(*names));
	_cleanup_buf_ struct buf all = BUF_INIT;
	const char *near;

	for (size_t i = 0; i < n_keys; i++) {
		names[i] = keys[i].name;
		buf_addf(&all, "%s%s", i ? ", " : "", keys[i].name);
	}
	near = text_nearest(at->text, names, n_keys);
	if (near)
		return yaml_error(&l->y, at, l->e, "unknown key %s in %s; did you mean '%s'?",
			yaml_describe(at), what, near);
	return yaml_error(&l->y, at, l->e, "unknown key %s in %s; expected one of %s",
		yaml_describe(at), what, buf_str(&all));
}

static const struct yaml_key *find_key(const struct yaml_key *keys, size_t n_keys, const char *name)
{
	for (size_t i = 0; i < n_keys; i++)
		if (streq(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static const struct yaml_node *find_value(const struct yaml_node *map, const char *name)
{
	for (size_t i = 0; i + 1 < map->n; i += 2)
		if (streq(map->v[i]->text, name))
			return map->v[i + 1];
	return NULL;
}

int yaml_read_map(struct yaml_reader *l, const struct yaml_node *n, const char *what,
	const struct yaml_key *keys, size_t n_keys, void *object)
{
	int r;

	if (n->kind != YAML_MAP)
		return yaml_error(&l->y, n, l->e, "%s: expected a mapping (key: value), found %s",
			what, yaml_describe(n));
	for (size_t i = 0; i + 1 < n->n; i += 2) {
		const struct yaml_key *k = find_key(keys, n_keys, n->v[i]->text);

		if (!k)
			return unknown_key(l, n->v[i], what, keys, n_keys);
		r = visit(l, n->v[i]);
		if (r < 0)
			return r;
		r = k->read(l, k, n->v[i + 1], (char *)object + k->offset);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n_keys; i++)
		if (keys[i].required && !find_value(n, keys[i].name))
			return yaml_error(
				&l->y, n, l->e, "%s lacks the key '%s'", what, keys[i].name);
	return 0;
}

int yaml_read_list(struct yaml_reader *l, const struct yaml_node *n, const char *what,
	int (*item)(struct yaml_reader *l, const struct yaml_node *n))
{
	int r = 0;

	if (n->kind != YAML_LIST)
		return yaml_error(
			&l->y, n, l->e, "%s: expected a list, found %s", what, yaml_describe(n));
	if (!n->n)
		return yaml_error(
			&l->y, n, l->e, "%s: the list is empty; expected at least one entry", what);
	for (size_t i = 0; i < n->n && r >= 0; i++) {
		r = visit(l, n->v[i]);
		if (r >= 0)
			r = item(l, n->v[i]);
	}
	return r;
}

/* ---- lists inside values ---- */

static int add_text(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	const char *what, struct strv *into)
{
	int r = visit(l, n);

	if (r < 0)
		return r;
	if (n->kind != YAML_SCALAR || yaml_is_null(n))
		return yaml_expected(l, n, k, what);
	strv_add(into, n->text);
	return 0;
}

int yaml_read_strv(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	_cleanup_strv_ struct strv got = STRV_INIT;
	int r = 0;

	if (n->kind == YAML_LIST)
		for (size_t i = 0; i < n->n && r >= 0; i++)
			r = add_text(l, k, n->v[i], "a text", &got);
	else
		r = add_text(l, k, n, "a list of texts", &got);
	if (r < 0)
		return r;
	strv_release(field);
	*(struct strv *)field = got;
	got = (struct strv)STRV_INIT;
	return 0;
}

int yaml_read_command(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct strv *into = field;
	int r;

	if (n->kind == YAML_LIST) {
		if (!n->n || (n->v[0]->kind == YAML_SCALAR && !*n->v[0]->text))
			return yaml_expected(
				l, n, k, "a command: a text, or a list of at least one text");
		return yaml_read_strv(l, k, n, field);
	}
	if (n->kind != YAML_SCALAR || yaml_is_null(n) || !*n->text)
		return yaml_expected(l, n, k, "a command: a text for sh -c, or a list of texts");
	r = visit(l, n);
	if (r < 0)
		return r;
	strv_release(into);
	strv_add(into, "sh");
	strv_add(into, "-c");
	strv_add(into, n->text);
	return 0;
}

static bool env_name_ok(const char *s)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

	return *s && strchr(first, *s) &&
	       !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz_0123456789")];
}

/* Adds to what the defaults gave; a name that comes again replaces. */
int yaml_read_env(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	if (n->kind != YAML_MAP)
		return yaml_expected(l, n, k, "a mapping of NAME: value");
	/* strv_setenv() searches: keep that from becoming quadratic in junk. */
	if (n->n > 2000)
		return yaml_expected(l, n, k, "at most 1000 variables");
	for (size_t i = 0; i + 1 < n->n; i += 2) {
		const struct yaml_node *value = n->v[i + 1];
		int r = visit(l, n->v[i]);

		if (r < 0)
			return r;
		if (!env_name_ok(n->v[i]->text))
			return yaml_expected(l, n->v[i], k, "a name of letters, digits and '_'");
		if (value->kind != YAML_SCALAR)
			return yaml_expected(l, value, k, "a text");
		strv_setenv(field, n->v[i]->text, yaml_is_null(value) ? "" : value->text);
	}
	return 0;
}
