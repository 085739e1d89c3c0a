/* SPDX-License-Identifier: MIT */
/* The leaves of the tree as a list, each with its path for a name, and no name twice. */
#include <string.h>

#include "base/alloc.h"
#include "results/tap_tree.h"

/* ---- names that are kept apart ---- */

struct seat {
	const char *name; /* borrowed */
	uint32_t hash;
	uint32_t next; /* the number to try when it comes again */
};

struct hall {
	struct seat *seats; /* owned */
	size_t size; /* a power of two, at least twice the names */
};

static uint32_t hash_name(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ h >> 15;
}

/* The seat that holds NAME, or the empty one where it would sit. */
static struct seat *find_seat(struct hall *h, const char *name, uint32_t hash)
{
	size_t i = hash & (h->size - 1);

	while (h->seats[i].name &&
		(h->seats[i].hash != hash || strcmp(h->seats[i].name, name) != 0))
		i = (i + 1) & (h->size - 1);
	return &h->seats[i];
}

static void take_seat(struct hall *h, char **name)
{
	uint32_t hash = hash_name(*name);
	struct seat *first = find_seat(h, *name, hash);

	if (!first->name) {
		*first = (struct seat){ *name, hash, 2 };
		return;
	}
	for (;;) {
		char *other = xasprintf("%s (%u)", *name, first->next++);
		uint32_t other_hash = hash_name(other);
		struct seat *s = find_seat(h, other, other_hash);

		if (s->name) {
			free(other);
			continue;
		}
		*s = (struct seat){ other, other_hash, 2 };
		free(*name);
		*name = other;
		return;
	}
}

static void keep_apart(struct subtest *v, size_t n)
{
	struct hall h = { .size = 16 };

	while (h.size < 2 * n)
		h.size *= 2;
	h.seats = xcalloc(h.size, sizeof(*h.seats));
	for (size_t i = 0; i < n; i++)
		take_seat(&h, &v[i].name);
	free(h.seats);
}

/* ---- leaves ---- */

static bool is_leaf(const struct tap_node *n, bool group_without_result)
{
	if (group_without_result)
		return false;
	return !n->has_children || n->leaf_too;
}

static char *path_of(const struct tap_tree *t, uint32_t node)
{
	uint32_t chain[TAP_MAX_DEPTH + 1];
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n = 0;

	for (uint32_t i = node; i != TAP_NO_NODE && n < ARRAY_SIZE(chain); i = t->nodes[i].parent)
		chain[n++] = i;
	while (n-- > 0) {
		const struct tap_node *p = &t->nodes[chain[n]];

		if (b.len)
			buf_addc(&b, '/');
		if (p->name.len)
			buf_add(&b, t->text.data + p->name.at, p->name.len);
		else
			buf_addf(&b, "#%u", p->number);
	}
	if (b.len > TAP_MAX_PATH) {
		size_t len = TAP_MAX_PATH;

		while (len && ((unsigned char)b.data[len] & 0xc0) == 0x80)
			len--;
		buf_truncate(&b, len);
	}
	return buf_detach(&b);
}

static bool forgiven(const struct tap_tree *t, uint32_t node)
{
	for (uint32_t i = t->nodes[node].parent; i != TAP_NO_NODE; i = t->nodes[i].parent)
		if (t->nodes[i].forgives)
			return true;
	return false;
}

void tap_flatten(struct tap_tree *t, struct subtest **ret, size_t *ret_n)
{
	struct subtest *v = NULL;
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		const struct tap_node *node = &t->nodes[i];
		bool orphan = node->line && node->verdict == VERDICT_NONE;
		struct subtest *s;

		if (!is_leaf(node, orphan))
			continue;
		VEC_GROW(v, n, cap);
		s = &v[n++];
		*s = (struct subtest){
			.name = path_of(t, i),
			.verdict = node->verdict,
			.line = node->line,
			.duration_ms = node->duration_ms,
		};
		if (node->reason.len)
			s->reason = xstrndup(t->text.data + node->reason.at, node->reason.len);
		else if (node->verdict == VERDICT_NONE)
			s->reason = xstrdup("planned, but never reported");
		if (s->verdict == VERDICT_FAIL && forgiven(t, i))
			s->verdict = VERDICT_XFAIL;
	}
	keep_apart(v, n);
	*ret = v;
	*ret_n = n;
}
