/* SPDX-License-Identifier: MIT */
/* Readers of single values. */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "yaml/yaml.h"

int yaml_read_text(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	if (n->kind != YAML_SCALAR || yaml_is_null(n))
		return yaml_expected(l, n, k, "a text");
	str_replace(field, n->text);
	return 0;
}

/* Names stand in file names, tables and on command lines: one line, nothing unprintable. */
int yaml_read_name(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	if (n->kind != YAML_SCALAR || yaml_is_null(n))
		return yaml_expected(l, n, k, "a name");
	for (const char *p = n->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return yaml_expected(l, n, k, "a name of one line");
	if (!*n->text || *n->text == ' ' || *n->text == '!' || strlen(n->text) > 200)
		return yaml_expected(l, n, k,
			"a name of 1 to 200 bytes that does not begin with a blank or '!'");
	str_replace(field, n->text);
	return 0;
}

static int value_error(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, struct err *e)
{
	int r = yaml_error(&l->y, n, l->e, "'%s': %s", k->name, err_text(e));

	err_release(e);
	return r;
}

int yaml_read_duration(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct err e = ERR_INIT;
	int64_t ms;

	if (n->kind != YAML_SCALAR || yaml_is_null(n))
		return yaml_expected(l, n, k, "a duration such as 30s, 1m30s or none");
	if (duration_parse(n->text, &ms, &e) < 0)
		return value_error(l, k, n, &e);
	*(int64_t *)field = ms;
	return 0;
}

int yaml_read_number(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	_cleanup_free_ char *what =
		xasprintf("a whole number from %lld to %lld", (long long)k->min, (long long)k->max);
	int64_t v;

	if (n->kind != YAML_SCALAR || str_to_i64(n->text, k->min, k->max, &v) < 0)
		return yaml_expected(l, n, k, what);
	*(uint32_t *)field = (uint32_t)v;
	return 0;
}

int yaml_read_memory(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct err e = ERR_INIT;
	uint32_t mib;

	if (n->kind != YAML_SCALAR || yaml_is_null(n))
		return yaml_expected(l, n, k, "a size such as 512M or 2G");
	if (size_parse_mib(n->text, &mib, &e) < 0)
		return value_error(l, k, n, &e);
	*(uint32_t *)field = mib;
	return 0;
}

int yaml_read_enum(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int v = n->kind == YAML_SCALAR && !yaml_is_null(n) ? k->parse(n->text) : -EINVAL;

	if (v < 0)
		return yaml_expected(l, n, k, k->expected);
	*(unsigned *)field = (unsigned)v;
	return 0;
}

int yaml_read_bool(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	if (n->kind != YAML_SCALAR || !(streq(n->text, "true") || streq(n->text, "false")))
		return yaml_expected(l, n, k, "true or false");
	*(bool *)field = streq(n->text, "true");
	return 0;
}

int yaml_read_path(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	char **path = field, *absolute;
	int r = yaml_read_text(l, k, n, field);

	if (r < 0)
		return r;
	absolute = path_absolute(*path, l->dir);
	free(*path);
	*path = absolute;
	return 0;
}

int yaml_read_paths(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct strv *paths = field;
	int r = yaml_read_strv(l, k, n, field);

	if (r < 0)
		return r;
	for (size_t i = 0; i < paths->n; i++) {
		char *absolute = path_absolute(paths->v[i], l->dir);

		free(paths->v[i]);
		paths->v[i] = absolute;
	}
	return 0;
}

int yaml_read_later(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	*(const struct yaml_node **)field = n;
	return 0;
}
