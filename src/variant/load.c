/* SPDX-License-Identifier: MIT */
/* The key `variants` of a vmrig.yaml, and the matrix that it makes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "variant/variant.h"
#include "yaml/yaml.h"

#define FILE_NAME "vmrig.yaml"

/* As it stands in the file, before the matrix. */
struct family {
	char *name, *base, *llvm, *cross_compile;
	const struct yaml_node *arch, *source, *config; /* borrowed */
	struct strv fragments, patches;
};

/* What a branch adds to its family. */
struct branch {
	char *name, *source; /* owned; the name may be NULL */
	const struct yaml_node *config; /* borrowed; NULL */
	struct strv fragments, patches;
};

struct loader {
	struct yaml_reader reader; /* first: loader_of() */
	struct variants *v;
};

static struct loader *loader_of(struct yaml_reader *l)
{
	return (struct loader *)l;
}

static void variant_release(struct variant *v)
{
	free(v->name);
	free(v->family);
	free(v->label);
	free(v->branch);
	free(v->arch);
	free(v->source);
	free(v->base);
	free(v->llvm);
	free(v->cross_compile);
	free(v->origin);
	strv_release(&v->fragments);
	strv_release(&v->options);
	strv_release(&v->patches);
}

void variants_release(struct variants *v)
{
	for (size_t i = 0; i < v->n; i++)
		variant_release(&v->v[i]);
	free(v->v);
	free(v->path);
	free(v->dir);
	*v = (struct variants){ 0 };
}

static void family_release(struct family *f)
{
	free(f->name);
	free(f->base);
	free(f->llvm);
	free(f->cross_compile);
	strv_release(&f->fragments);
	strv_release(&f->patches);
}

static void branch_release(struct branch *b)
{
	free(b->name);
	free(b->source);
	strv_release(&b->fragments);
	strv_release(&b->patches);
}

/* ---- values ---- */

/* A part of a name: it stands on command lines and behind "variant:". */
static int read_word(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = yaml_read_name(l, k, n, field);

	if (r < 0)
		return r;
	if (strspn(n->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") !=
		strlen(n->text))
		return yaml_expected(l, n, k, "a name of letters, digits and . _ + -");
	return 0;
}

/* LLVM: true stands for "1", as make has it. */
static int read_llvm(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = yaml_read_text(l, k, n, field);

	if (r < 0)
		return r;
	if (n->plain && streq(n->text, "true"))
		str_replace(field, "1");
	if (n->plain && streq(n->text, "false")) {
		free(*(char **)field);
		*(char **)field = NULL;
	}
	return 0;
}

/* "CONFIG_X=y" in a list, or CONFIG_X: y in a mapping. */
static int read_options(struct yaml_reader *l, const struct yaml_node *n, struct strv *into)
{
	static const struct yaml_key key = { "config", NULL };
	struct kconfig_wishes unused = { 0 };
	_cleanup_strv_ struct strv got = STRV_INIT;
	int r = 0;

	if (n->kind != YAML_MAP)
		r = yaml_read_strv(l, &key, n, &got);
	for (size_t i = 0; r == 0 && n->kind == YAML_MAP && i + 1 < n->n; i += 2) {
		if (n->v[i + 1]->kind != YAML_SCALAR)
			return yaml_expected(l, n->v[i + 1], &key, "a value");
		strv_addf(&got, "%s=%s", n->v[i]->text, n->v[i + 1]->text);
	}
	for (size_t i = 0; r == 0 && i < got.n; i++) {
		const struct yaml_node *at = n->kind == YAML_LIST  ? n->v[i]
					     : n->kind == YAML_MAP ? n->v[2 * i]
								   : n;
		struct err e = ERR_INIT;

		if (kconfig_wish_option(&unused, got.v[i], "", &e) < 0)
			r = yaml_error(&l->y, at, l->e, "'config': %s", err_text(&e));
		err_release(&e);
	}
	kconfig_wishes_release(&unused);
	if (r == 0)
		strv_addv(into, &got);
	return r;
}

static int read_archs(struct yaml_reader *l, const struct yaml_node *n, struct strv *ret)
{
	static const struct yaml_key key = { "arch", NULL };
	int r;

	if (!n) {
		strv_add(ret, arch_host());
		return 0;
	}
	r = yaml_read_strv(l, &key, n, ret);
	if (r < 0)
		return r;
	if (!ret->n)
		return yaml_expected(l, n, &key, "at least one architecture");
	for (size_t i = 0; i < ret->n; i++) {
		const struct yaml_node *at = n->kind == YAML_LIST ? n->v[i] : n;
		const char *arch = arch_parse(ret->v[i]);

		if (!arch)
			return yaml_error(&l->y, at, l->e,
				"arch '%s' is neither x86_64 nor aarch64", ret->v[i]);
		str_replace(&ret->v[i], arch);
		for (size_t j = 0; j < i; j++)
			if (streq(ret->v[j], arch))
				return yaml_error(&l->y, at, l->e, "arch '%s' stands twice", arch);
	}
	return 0;
}

/* ---- branches ---- */

#define FIELD(f) offsetof(struct branch, f)
static const struct yaml_key branch_keys[] = {
	{ "name", read_word, FIELD(name), .required = true },
	{ "source", yaml_read_text, FIELD(source), .required = true },
	{ "fragments", yaml_read_strv, FIELD(fragments) },
	{ "config", yaml_read_later, FIELD(config) },
	{ "patches", yaml_read_strv, FIELD(patches) },
};
#undef FIELD

struct branches {
	struct branch *v; /* owned */
	size_t n, cap;
};

static void branches_release(struct branches *b)
{
	for (size_t i = 0; i < b->n; i++)
		branch_release(&b->v[i]);
	free(b->v);
}

static struct branch *add_branch(struct branches *b)
{
	VEC_GROW(b->v, b->n, b->cap);
	b->v[b->n] = (struct branch){ 0 };
	return &b->v[b->n++];
}

/* One that is a mere source: its name is what a file name may hold of it. */
static int plain_branch(
	struct yaml_reader *l, const struct yaml_node *n, bool named, struct branch *b)
{
	static const struct yaml_key key = { "source", NULL };
	_cleanup_buf_ struct buf name = BUF_INIT;
	int r = yaml_read_text(l, &key, n, &b->source);

	if (r < 0 || !named)
		return r;
	text_file_name(&name, b->source);
	b->name = buf_detach(&name);
	return 0;
}

/* { NAME: SOURCE, … } */
static int map_branches(struct yaml_reader *l, const struct yaml_node *n, struct branches *ret)
{
	static const struct yaml_key key = { "source", NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < n->n; i += 2) {
		struct branch *b = add_branch(ret);

		r = read_word(l, &key, n->v[i], &b->name);
		if (r == 0)
			r = plain_branch(l, n->v[i + 1], false, b);
	}
	return r;
}

/* [ SOURCE, { name: …, source: …, patches: … }, … ] */
static int list_branches(struct yaml_reader *l, const struct yaml_node *n, struct branches *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n; i++) {
		struct branch *b = add_branch(ret);

		if (n->v[i]->kind == YAML_MAP)
			r = yaml_read_map(
				l, n->v[i], "a branch", branch_keys, ARRAY_SIZE(branch_keys), b);
		else
			r = plain_branch(l, n->v[i], n->n > 1, b);
	}
	return r;
}

static int read_branches(struct yaml_reader *l, const struct yaml_node *n, struct branches *ret)
{
	static const struct yaml_key key = { "source", NULL };
	int r;

	if (n->kind == YAML_MAP)
		r = map_branches(l, n, ret);
	else if (n->kind == YAML_LIST)
		r = list_branches(l, n, ret);
	else
		r = plain_branch(l, n, false, add_branch(ret));
	if (r == 0 && !ret->n)
		r = yaml_expected(l, n, &key, "at least one source");
	return r;
}

/* ---- the matrix ---- */

static int add_variant(struct yaml_reader *l, const struct yaml_node *at, const struct family *f,
	const struct branch *b, const char *arch, const char *name)
{
	struct variants *all = loader_of(l)->v;
	const struct yaml_node *config = f->config ? f->config : b->config;
	struct variant *v;
	int r = 0;

	for (size_t i = 0; i < all->n; i++)
		if (streq(all->v[i].name, name) || streq(all->v[i].family, name))
			return yaml_error(&l->y, at, l->e,
				"two variants are called '%s'; the other stands in line %d", name,
				all->v[i].line);
	all->v = xrealloc(all->v, (all->n + 1) * sizeof(*all->v));
	v = &all->v[all->n++];
	*v = (struct variant){
		.name = xstrdup(name),
		.family = xstrdup(f->name),
		.label = xasprintf(VARIANT_PREFIX "%s", name),
		.branch = xstrdup(b->name),
		.arch = xstrdup(arch),
		.source = xstrdup(b->source),
		.base = xstrdup(f->base),
		.llvm = xstrdup(f->llvm),
		.cross_compile = xstrdup(f->cross_compile),
		.origin =
			xasprintf("%s:%d", path_base(l->y.path), config ? config->line : at->line),
		.line = at->line,
	};
	strv_copy(&v->fragments, &f->fragments);
	strv_addv(&v->fragments, &b->fragments);
	strv_copy(&v->patches, &f->patches);
	strv_addv(&v->patches, &b->patches);
	if (f->config)
		r = read_options(l, f->config, &v->options);
	if (r == 0 && b->config)
		r = read_options(l, b->config, &v->options);
	return r;
}

/* Only what there are several of is part of a name. */
static int expand(struct yaml_reader *l, const struct yaml_node *at, const struct family *f,
	const struct strv *archs, const struct branches *branches)
{
	int r = 0;

	for (size_t i = 0; i < archs->n; i++)
		for (size_t j = 0; r == 0 && j < branches->n; j++) {
			const struct branch *b = &branches->v[j];
			_cleanup_free_ char *name = xasprintf("%s%s%s%s%s", f->name,
				archs->n > 1 ? "-" : "", archs->n > 1 ? archs->v[i] : "",
				branches->n > 1 ? "-" : "", branches->n > 1 ? b->name : "");

			r = add_variant(l, at, f, b, archs->v[i], name);
		}
	return r;
}

#define FIELD(f) offsetof(struct family, f)
static const struct yaml_key family_keys[] = {
	{ "name", read_word, FIELD(name), .required = true },
	{ "arch", yaml_read_later, FIELD(arch) },
	{ "source", yaml_read_later, FIELD(source), .required = true },
	{ "base", yaml_read_text, FIELD(base) },
	{ "fragments", yaml_read_strv, FIELD(fragments) },
	{ "config", yaml_read_later, FIELD(config) },
	{ "patches", yaml_read_strv, FIELD(patches) },
	{ "llvm", read_llvm, FIELD(llvm) },
	{ "cross_compile", yaml_read_text, FIELD(cross_compile) },
};
#undef FIELD

/* Two families must not share a name, though their matrices may have other ones. */
static int check_family(struct yaml_reader *l, const struct yaml_node *n, const char *name)
{
	const struct variants *all = loader_of(l)->v;

	for (size_t i = 0; i < all->n; i++)
		if (streq(all->v[i].family, name) || streq(all->v[i].name, name))
			return yaml_error(&l->y, n, l->e,
				"two variants are called '%s'; the other stands in line %d", name,
				all->v[i].line);
	return 0;
}

static int load_family(struct yaml_reader *l, const struct yaml_node *n)
{
	_cleanup_strv_ struct strv archs = STRV_INIT;
	struct branches branches = { 0 };
	struct family f = { 0 };
	int r = yaml_read_map(l, n, "a variant", family_keys, ARRAY_SIZE(family_keys), &f);

	if (r == 0)
		r = check_family(l, n, f.name);
	if (r == 0)
		r = read_archs(l, f.arch, &archs);
	if (r == 0)
		r = read_branches(l, f.source, &branches);
	if (r == 0)
		r = expand(l, n, &f, &archs, &branches);
	branches_release(&branches);
	family_release(&f);
	return r;
}

/* The suite's own keys are read by others. */
static const struct yaml_node *find_variants(const struct yaml *y)
{
	const struct yaml_node *root = y->root;

	for (size_t i = 0; root && root->kind == YAML_MAP && i + 1 < root->n; i += 2)
		if (streq(root->v[i]->text, "variants"))
			return root->v[i + 1];
	return NULL;
}

int variants_load(const char *path, struct variants *ret, struct err *e)
{
	struct variants v = { 0 };
	struct loader l = { .reader.e = e, .v = &v };
	const struct yaml_node *list;
	int r = yaml_load(path, &l.reader.y, e);

	if (r < 0)
		return r;
	v.path = path_absolute(path, NULL);
	v.dir = path_dir(v.path);
	l.reader.dir = v.dir;
	list = find_variants(&l.reader.y);
	if (list)
		r = yaml_read_list(&l.reader, list, "'variants'", load_family);
	yaml_release(&l.reader.y);
	if (r < 0) {
		variants_release(&v);
		return r;
	}
	*ret = v;
	return 0;
}

int variants_find(const char *cwd, struct variants *ret, struct err *e)
{
	_cleanup_free_ char *start = path_absolute(".", cwd), *dir = NULL, *file = NULL;

	if (file_exists(start) && !dir_exists(start))
		return variants_load(start, ret, e);
	dir = path_upwards(start, FILE_NAME);
	if (!dir)
		return err_set(e, -ENOENT, "no %s in %s or above it", FILE_NAME, start);
	file = path_join(dir, FILE_NAME);
	return variants_load(file, ret, e);
}
