/* SPDX-License-Identifier: MIT */
/*
 * What the guest knows of a share, kept with a saved guest: its nodes by number, place and identity. Descriptors and
 * listings are opened again when they are asked for. A file that is another one by now answers with ESTALE, as ever.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "share/ops.h"
#include "share/share.h"

#define FORM "share-1"

void share_save(const struct share *s, struct buf *ret)
{
	const struct nodes *t = &s->nodes;

	buf_addf(ret, FORM " %d %u %" PRIu64 " %zu", s->ready, s->flags, t->next_id, t->n_devs);
	for (size_t i = 0; i < t->n_devs; i++)
		buf_addf(ret, " %" PRIu64, (uint64_t)t->devs[i]);
	buf_addc(ret, '\0');
	for (size_t i = 0; i < t->n_buckets; i++)
		for (const struct node *n = t->by_id[i]; n; n = n->next_id) {
			buf_addf(ret,
				"%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %o %" PRIu64 "/",
				n->id, n->parent ? n->parent->id : 0, (uint64_t)n->dev,
				(uint64_t)n->ino, (unsigned)n->type, n->lookups);
			buf_add(ret, n->name, strlen(n->name) + 1);
		}
}

static int read_head(struct share *s, const char *p)
{
	struct nodes *t = &s->nodes;
	int ready, at = 0;
	size_t n = 0;

	if (sscanf(p, FORM " %d %u %" SCNu64 " %zu%n", &ready, &s->flags, &t->next_id, &n, &at) !=
		4)
		return -EBADMSG;
	s->ready = ready;
	t->n_devs = 0;
	for (p += at; n; n--) {
		uint64_t dev;

		if (sscanf(p, " %" SCNu64 "%n", &dev, &at) != 1)
			return -EBADMSG;
		VEC_GROW(t->devs, t->n_devs, t->cap_devs);
		t->devs[t->n_devs++] = (dev_t)dev;
		p += at;
	}
	return 0;
}

/* The parents of those that were read before theirs are found afterwards. */
struct child {
	struct node *node; /* borrowed */
	uint64_t parent;
};

static int read_node(struct share *s, const char *p, struct child *ret)
{
	uint64_t id, parent, dev, ino, lookups;
	struct node *n;
	unsigned type;
	int at = 0;

	if (sscanf(p, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %o %" SCNu64 "/%n", &id,
		    &parent, &dev, &ino, &type, &lookups, &at) != 6 ||
		!at)
		return -EBADMSG;
	n = nodes_restore(&s->nodes, id, (dev_t)dev, (ino_t)ino, (mode_t)type, p + at);
	if (!n)
		return -EBADMSG;
	n->lookups = lookups;
	*ret = (struct child){ n, parent };
	return 0;
}

static int link_all(struct share *s, const struct child *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct node *parent;

		if (v[i].node == s->nodes.root)
			continue;
		parent = nodes_by_id(&s->nodes, v[i].parent);
		if (!parent || parent == v[i].node)
			return -EBADMSG;
		v[i].node->parent = parent;
		parent->refs++;
	}
	return 0;
}

int share_restore(struct share *s, const char *data, size_t len)
{
	_cleanup_free_ struct child *v = NULL;
	const char *end = data + len, *p = data;
	size_t n = 0, cap = 0;
	int r;

	if (!len || data[len - 1] != '\0')
		return -EBADMSG;
	r = read_head(s, p);
	for (p += strlen(p) + 1; r == 0 && p < end; p += strlen(p) + 1) {
		VEC_GROW(v, n, cap);
		r = read_node(s, p, &v[n]);
		n += r == 0;
	}
	return r == 0 ? link_all(s, v, n) : r;
}
