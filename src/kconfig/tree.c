/* SPDX-License-Identifier: MIT */
#include "kconfig/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "kconfig/names.h"

#define CHUNK    (64u << 10)
#define FILE_MAX (8u << 20)

/* Everything lives as long as the tree. */
struct karena {
	struct karena *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

void *ktree_alloc(struct ktree *t, size_t size)
{
	size_t step = _Alignof(max_align_t), need = (size + step - 1) / step * step;
	struct karena *a = t->arena;
	void *p;

	if (!a || a->size - a->used < need) {
		size_t room = need > CHUNK ? need : CHUNK;

		a = xmalloc(sizeof(*a) + room);
		*a = (struct karena){ t->arena, 0, room };
		t->arena = a;
	}
	p = a->data + a->used;
	a->used += need;
	memset(p, 0, need);
	return p;
}

char *ktree_strndup(struct ktree *t, const char *s, size_t n)
{
	char *p = ktree_alloc(t, n + 1);

	memcpy(p, s, n);
	return p;
}

void ktree_free(struct ktree *t)
{
	if (!t)
		return;
	while (t->arena) {
		struct karena *next = t->arena->next;

		free(t->arena);
		t->arena = next;
	}
	free(t->declared);
	free(t->slots);
	free(t);
}

/* ---- symbols ---- */

/* Where NAME is, or where it belongs. */
static struct ksymbol **slot_of(const struct ktree *t, const char *name)
{
	size_t i = name_hash(name) & (t->n_slots - 1);

	while (t->slots[i] && !streq(t->slots[i]->name, name))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void grow(struct ktree *t)
{
	struct ksymbol **old = t->slots;
	size_t n = t->n_slots;

	t->n_slots = n ? 2 * n : 1024;
	t->slots = xcalloc(t->n_slots, sizeof(struct ksymbol *));
	for (size_t i = 0; i < n; i++)
		if (old[i])
			*slot_of(t, old[i]->name) = old[i];
	free(old);
}

struct ksymbol *ktree_find(const struct ktree *t, const char *name)
{
	return t->n_slots ? *slot_of(t, name) : NULL;
}

struct ksymbol *ktree_symbol(struct ktree *t, const char *name)
{
	struct ksymbol **slot;

	if (2 * t->n_symbols >= t->n_slots)
		grow(t);
	slot = slot_of(t, name);
	if (!*slot) {
		*slot = ktree_alloc(t, sizeof(struct ksymbol));
		(*slot)->name = ktree_strndup(t, name, strlen(name));
		t->n_symbols++;
	}
	return *slot;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *ktree_nearest(struct ktree *t, const char *name)
{
	if (!t->declared) {
		t->declared = xcalloc(t->n_symbols + 1, sizeof(*t->declared));
		for (size_t i = 0; i < t->n_slots; i++)
			if (t->slots[i] && t->slots[i]->places)
				t->declared[t->n_declared++] = t->slots[i]->name;
		/* Of several that are as near the first in the alphabet, whatever the table's order. */
		qsort(t->declared, t->n_declared, sizeof(*t->declared), by_text);
	}
	return text_nearest(name, t->declared, t->n_declared);
}

/* ---- reading ---- */

/* As the kernel's Makefile has it. */
static const char *srcarch_of(const char *arch)
{
	if (streq(arch, "x86_64"))
		return "x86";
	return streq(arch, "aarch64") ? "arm64" : arch;
}

static struct ktree *new_tree(const char *arch)
{
	struct ktree *t = xcalloc(1, sizeof(*t));

	t->srcarch = srcarch_of(arch);
	t->arch = streq(arch, "x86_64") ? arch : t->srcarch;
	return t;
}

int ktree_read(int (*read)(void *arg, const char *path, struct buf *ret), void *arg,
	const char *arch, struct ktree **ret, struct err *e)
{
	__attribute__((cleanup(ktree_freep))) struct ktree *t = new_tree(arch);
	int r;

	t->read = read;
	t->read_arg = arg;
	r = ktree_parse(t, "Kconfig", e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

static int read_from(void *arg, const char *path, struct buf *ret)
{
	_cleanup_free_ char *full = path_join(arg, path);

	return file_read(full, FILE_MAX, ret, NULL);
}

int ktree_load(const char *srctree, const char *arch, struct ktree **ret, struct err *e)
{
	_cleanup_free_ char *dir = xstrdup(srctree);
	int r = ktree_read(read_from, dir, arch, ret, e);

	return r < 0 ? err_wrap(e, "%s", srctree) : 0;
}
