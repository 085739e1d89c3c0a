/* SPDX-License-Identifier: MIT */
#include "share/node.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"

#define BUCKETS_MIN 1024

static uint64_t key_hash(dev_t dev, ino_t ino)
{
	uint64_t h = (uint64_t)ino * 0x9e3779b97f4a7c15u ^ (uint64_t)dev * 0xc2b2ae3d27d4eb4fu;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static struct node **bucket_id(struct nodes *t, uint64_t id)
{
	return &t->by_id[id & (t->n_buckets - 1)];
}

static struct node **bucket_key(struct nodes *t, dev_t dev, ino_t ino)
{
	return &t->by_key[key_hash(dev, ino) & (t->n_buckets - 1)];
}

static void table_link(struct nodes *t, struct node *n)
{
	struct node **id = bucket_id(t, n->id), **key = bucket_key(t, n->dev, n->ino);

	n->next_id = *id;
	*id = n;
	/* In front: of two nodes with one key (an inode number used again) the later is found. */
	n->next_key = *key;
	*key = n;
}

static void table_unlink(struct nodes *t, struct node *n)
{
	struct node **p = bucket_id(t, n->id);

	while (*p != n)
		p = &(*p)->next_id;
	*p = n->next_id;
	p = bucket_key(t, n->dev, n->ino);
	while (*p != n)
		p = &(*p)->next_key;
	*p = n->next_key;
}

static void table_grow(struct nodes *t)
{
	struct node **old = t->by_id, *n, *next;
	size_t n_old = t->n_buckets;

	free(t->by_key);
	t->n_buckets = n_old ? 2 * n_old : BUCKETS_MIN;
	t->by_id = xcalloc(t->n_buckets, sizeof(struct node *));
	t->by_key = xcalloc(t->n_buckets, sizeof(struct node *));
	for (size_t i = 0; i < n_old; i++) {
		for (n = old[i]; n; n = next) {
			next = n->next_id;
			table_link(t, n);
		}
	}
	free(old);
}

static struct node *node_new(struct nodes *t, const struct stat *st)
{
	struct node *n = xcalloc(1, sizeof(*n));

	if (t->n == t->n_buckets)
		table_grow(t);
	n->id = t->next_id++;
	n->dev = st->st_dev;
	n->ino = st->st_ino;
	n->type = st->st_mode & S_IFMT;
	n->slot = (struct slot)SLOT_INIT;
	table_link(t, n);
	t->n++;
	return n;
}

static void node_free(struct nodes *t, struct node *n)
{
	slots_close(&t->slots, &n->slot);
	table_unlink(t, n);
	t->n--;
	free(n->name);
	free(n);
}

int nodes_init(struct nodes *t, int root_fd)
{
	struct stat st;

	*t = (struct nodes){ .root_fd = root_fd, .next_id = FUSE_ROOT_ID };
	slots_init(&t->slots);
	if (fstat(root_fd, &st) < 0) {
		int r = -errno;

		t->root_fd = fd_close(t->root_fd);
		return r;
	}
	table_grow(t);
	t->root = node_new(t, &st);
	t->root->name = xstrdup("");
	nodes_inode(t, st.st_dev, st.st_ino); /* the root's device is the first */
	return 0;
}

void nodes_release(struct nodes *t)
{
	struct node *n, *next;

	for (size_t i = 0; i < t->n_buckets; i++) {
		for (n = t->by_id[i]; n; n = next) {
			next = n->next_id;
			slots_close(&t->slots, &n->slot);
			free(n->name);
			free(n);
		}
	}
	free(t->by_id);
	free(t->by_key);
	free(t->devs);
	free(t->walk);
	fd_close(t->root_fd);
	*t = (struct nodes){ .root_fd = -1 };
}

struct node *nodes_by_id(const struct nodes *t, uint64_t id)
{
	struct node *n = t->by_id[id & (t->n_buckets - 1)];

	while (n && n->id != id)
		n = n->next_id;
	return n;
}

struct node *nodes_restore(
	struct nodes *t, uint64_t id, dev_t dev, ino_t ino, mode_t type, const char *name)
{
	const struct stat st = { .st_dev = dev, .st_ino = ino, .st_mode = type };
	uint64_t next = t->next_id;
	struct node *n;

	if (id == t->root->id)
		return t->root;
	if (!id || nodes_by_id(t, id))
		return NULL;
	t->next_id = id;
	n = node_new(t, &st);
	t->next_id = next;
	n->name = xstrdup(name);
	return n;
}

struct node *nodes_find(struct nodes *t, uint64_t id)
{
	struct node *n = nodes_by_id(t, id);

	/* One that is only kept for what lies below it is not the guest's to name. */
	return n && (n->lookups || n == t->root) ? n : NULL;
}

/*
 * A folder is also told by its place: the host may show one at several (bind mounts), and the guest's
 * kernel would move its one entry, with all that is mounted below, from one to the other.
 * Another type means that the number was given to a new file.
 */
static bool node_is(
	const struct node *n, const struct node *parent, const char *name, const struct stat *st)
{
	if (n->dev != st->st_dev || n->ino != st->st_ino || n->type != (st->st_mode & S_IFMT))
		return false;
	return !S_ISDIR(n->type) || (n->parent == parent && strcmp(n->name, name) == 0);
}

static void nodes_collect(struct nodes *t, struct node *n)
{
	struct node *parent;

	while (n != t->root && !n->lookups && !n->refs) {
		parent = n->parent;
		node_free(t, n);
		parent->refs--;
		n = parent;
	}
}

void nodes_forget(struct nodes *t, struct node *n, uint64_t lookups)
{
	n->lookups -= lookups < n->lookups ? lookups : n->lookups;
	if (!n->lookups)
		slots_close(&t->slots, &n->slot);
	nodes_collect(t, n);
}

/* Remembers where N was seen last: its earlier place may be gone. Only files come to another one,
 * so nothing can come to lie below itself. */
static void node_move(struct nodes *t, struct node *n, struct node *parent, const char *name)
{
	struct node *old = n->parent;

	if (old == parent && strcmp(n->name, name) == 0)
		return;
	str_replace(&n->name, name);
	n->parent = parent;
	parent->refs++;
	if (old) {
		old->refs--;
		nodes_collect(t, old);
	}
}

struct node *nodes_lookup(
	struct nodes *t, struct node *parent, const char *name, const struct stat *st)
{
	struct node *n = *bucket_key(t, st->st_dev, st->st_ino);

	while (n && !node_is(n, parent, name, st))
		n = n->next_key;
	if (!n && t->n >= SHARE_NODES_MAX)
		return NULL;
	if (!n)
		n = node_new(t, st);
	n->lookups++;
	node_move(t, n, parent, name);
	return n;
}

uint64_t nodes_inode(struct nodes *t, dev_t dev, ino_t ino)
{
	size_t i = 0;

	while (i < t->n_devs && t->devs[i] != dev)
		i++;
	if (i == t->n_devs && i < 0x8000) {
		VEC_GROW(t->devs, t->n_devs, t->cap_devs);
		t->devs[t->n_devs++] = dev;
	}
	if (i < 0x8000 && ino && (uint64_t)ino >> 48 == 0)
		return (uint64_t)i << 48 | ino;
	return key_hash(dev, ino) | 1ull << 63;
}
