/* SPDX-License-Identifier: MIT */
#include "yaml/yaml_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

static int by_text(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;
	int r = strcmp((*x)->text, (*y)->text);

	/* Among equal ones the later comes last, so that it is the one complained of. */
	if (!r)
		r = (*x)->line != (*y)->line ? (*x)->line - (*y)->line
					     : (*x)->column - (*y)->column;
	return r;
}

static int check_keys(const struct yaml *y, const struct yaml_node *map, struct err *e)
{
	_cleanup_free_ const struct yaml_node **keys = NULL;
	size_t n = map->n / 2;

	for (size_t i = 0; i < n; i++)
		if (map->v[2 * i]->kind != YAML_SCALAR)
			return yaml_error(y, map->v[2 * i], e, "expected a key, found %s",
				yaml_describe(map->v[2 * i]));
	keys = xcalloc(n + 1, sizeof(*keys));
	for (size_t i = 0; i < n; i++)
		keys[i] = map->v[2 * i];
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 1; i < n; i++)
		if (streq(keys[i]->text, keys[i - 1]->text))
			return yaml_error(y, keys[i], e,
				"duplicate key %s: it already stands in line %d",
				yaml_describe(keys[i]), keys[i - 1]->line);
	return 0;
}

static bool has_key(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i + 1 < map->n; i += 2)
		if (streq(map->v[i]->text, key))
			return true;
	return false;
}

static int merge_one(
	struct yaml *y, struct yaml_node *map, const struct yaml_node *from, struct err *e)
{
	if (from->kind != YAML_MAP)
		return yaml_error(
			y, from, e, "'<<' merges a mapping; found %s", yaml_describe(from));
	if (map->n + from->n > 2000)
		return yaml_error(
			y, map, e, "'<<' makes this mapping too large: at most 1000 keys");
	for (size_t i = 0; i + 1 < from->n; i += 2) {
		if (has_key(map, from->v[i]->text))
			continue;
		for (size_t k = i; k < i + 2; k++) {
			VEC_GROW(map->v, map->n, map->cap);
			map->v[map->n++] = from->v[k];
		}
	}
	return 0;
}

int yaml_merge(struct yaml *y, struct yaml_node *map, struct err *e)
{
	const struct yaml_node *from;
	size_t at;
	int r = check_keys(y, map, e);

	if (r < 0)
		return r;
	for (at = 0; at < map->n; at += 2)
		if (map->v[at]->plain && streq(map->v[at]->text, "<<"))
			break;
	if (at >= map->n)
		return 0;
	from = map->v[at + 1];
	memmove(&map->v[at], &map->v[at + 2], (map->n - at - 2) * sizeof(*map->v));
	map->n -= 2;
	if (from->kind != YAML_LIST)
		return merge_one(y, map, from, e);
	for (size_t i = 0; i < from->n && r >= 0; i++)
		r = merge_one(y, map, from->v[i], e);
	return r;
}
