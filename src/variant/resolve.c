/* SPDX-License-Identifier: MIT */
/* Variants by name, and what the cache has of them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"
#include "variant/variant.h"

struct build_spec variant_spec(const struct variants *v, const struct variant *one)
{
	return (struct build_spec){
		.label = one->label,
		.source = one->source,
		.arch = one->arch,
		.base = one->base,
		.fragments = &one->fragments,
		.options = &one->options,
		.options_origin = one->origin,
		.patches = &one->patches,
		.cross_compile = one->cross_compile,
		.llvm = one->llvm,
		.dir = v->dir,
		.modules = true,
	};
}

/* ---- by name ---- */

static int no_such(const struct variants *v, const char *name, const char *arch, struct err *e)
{
	_cleanup_strv_ struct strv all = STRV_INIT;
	_cleanup_free_ char *names = NULL;
	const char *near;

	for (size_t i = 0; i < v->n; i++) {
		strv_add(&all, v->v[i].name);
		if (arch && streq(v->v[i].family, name))
			return err_set(
				e, -ENOENT, "%s has no variant '%s' for %s", v->path, name, arch);
	}
	if (!all.n)
		return err_set(
			e, -ENOENT, "%s has no variant '%s': it declares none", v->path, name);
	near = text_nearest(name, (const char *const *)all.v, all.n);
	names = strv_join(&all, ", ");
	err_set(e, -ENOENT, "%s has no variant '%s'", v->path, name);
	return near ? err_hint(e, "Did you mean '%s'? There are %s.", near, names)
		    : err_hint(e, "There are %s.", names);
}

int variants_named(const struct variants *v, const char *name, const char *arch,
	const struct variant ***ret, size_t *ret_n, struct err *e)
{
	const struct variant **found = xcalloc(v->n + 1, sizeof(*found));
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if ((streq(v->v[i].name, name) || streq(v->v[i].family, name)) &&
			(!arch || streq(v->v[i].arch, arch)))
			found[n++] = &v->v[i];
	if (!n) {
		free(found);
		return no_such(v, name, arch, e);
	}
	*ret = found;
	*ret_n = n;
	return 0;
}

static int only_one(const struct variants *v, const char *name, const char *arch,
	const struct variant **ret, struct err *e)
{
	_cleanup_free_ const struct variant **found = NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *all = NULL;
	size_t n;
	int r = variants_named(v, name, NULL, &found, &n, e);

	if (r == 0 && n > 1) {
		free(found);
		found = NULL;
		r = variants_named(v, name, arch ? arch : arch_host(), &found, &n, e);
	}
	if (r < 0)
		return r;
	if (n == 1) {
		*ret = found[0];
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		strv_add(&names, found[i]->name);
	all = strv_join(&names, ", ");
	err_set(e, -EINVAL, "'%s' stands for %zu variants", name, n);
	return err_hint(e, "Name one of %s.", all);
}

/* ---- in the cache ---- */

/* Why the entry is not what the variant is now; NULL: it is. The caller owns the string. */
static char *other_now(const struct cache_entry *c, const struct variant *one, const char *recipe)
{
	if (!c->built.recipe || !streq(c->built.recipe, recipe))
		return xasprintf("the configuration of variant %s is another now", one->name);
	if (!c->built.asked || !streq(c->built.asked, one->source))
		return xasprintf("the source of variant %s is %s now, it was built of %s",
			one->name, one->source, c->built.asked ? c->built.asked : "?");
	return NULL;
}

/* A series may have a newer release by the list that the cache has: then this is not it. */
static char *newer_release(const struct cache_entry *c, const struct variant *one)
{
	struct source_options offline = { .offline = true };
	_cleanup_strv_ struct strv versions = STRV_INIT;

	if (!source_is_release(one->source) || strstr(one->source, "..") ||
		source_expand(one->source, &offline, &versions, NULL, NULL) < 0 || !versions.n)
		return NULL;
	if (c->built.source && streq(c->built.source, versions.v[versions.n - 1]))
		return NULL;
	return xasprintf("%s is %s by the list of releases, it was built of %s", one->source,
		versions.v[versions.n - 1], c->built.source ? c->built.source : "?");
}

static int find(
	const struct variants *v, const struct variant *one, struct cache_entry *ret, struct err *e)
{
	struct build_spec s = variant_spec(v, one);
	char recipe[HASH_HEX_LEN + 1];
	_cleanup_free_ char *why = NULL;
	struct cache_entry c = { 0 };
	int r = build_recipe(&s, recipe, e);

	if (r < 0)
		return r;
	r = cache_find_built(one->label, one->arch, recipe, &c, NULL, e);
	if (r == 0)
		r = cache_find_built(one->label, one->arch, NULL, &c, NULL, e);
	if (r < 0)
		return r;
	if (r == 0) {
		err_set(e, -ENOENT, "variant %s is not built", one->name);
		return err_hint(e, "Run vmrig kernel build --variant %s.", one->name);
	}
	why = other_now(&c, one, recipe);
	if (!why)
		why = newer_release(&c, one);
	if (why) {
		cache_entry_release(&c);
		err_set(e, -ENOENT, "what was built of variant %s is stale: %s", one->name, why);
		return err_hint(e, "Run vmrig kernel build --variant %s.", one->name);
	}
	*ret = c;
	return 0;
}

static int resolve(
	const char *name, const char *arch, const char *cwd, struct kernel *ret, struct err *e)
{
	struct variants v = { 0 };
	const struct variant *one = NULL;
	struct cache_entry c = { 0 };
	int r = variants_find(cwd, &v, e);

	if (r < 0)
		return r;
	r = only_one(&v, name, arch, &one, e);
	if (r == 0)
		r = find(&v, one, &c, e);
	if (r == 0)
		cache_take_kernel(&c, one->label, ret);
	variants_release(&v);
	return r;
}

int variant_resolve(const char *spec, const char *arch, const char *cwd, struct strv *ret_places,
	struct kernel *ret, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!spec || !str_starts(spec, VARIANT_PREFIX)) {
		/* CWD may be a suite's file. */
		path = cwd ? path_absolute(cwd, NULL) : NULL;
		return kernel_resolve_explain(spec, arch, path, ret_places, ret, e);
	}
	r = resolve(spec + strlen(VARIANT_PREFIX), arch, cwd, ret, &why);
	if (ret_places)
		strv_addf(ret_places, "a variant: %s%s",
			r < 0 ? "" : "found: ", r < 0 ? err_text(&why) : ret->origin);
	if (r < 0)
		err_move(e, &why);
	if (r == 0 && arch && !streq(ret->arch, arch)) {
		r = err_set(
			e, -EINVAL, "kernel %s is one for %s, not for %s", spec, ret->arch, arch);
		kernel_release(ret);
	}
	err_release(&why);
	return r;
}

/* ---- states ---- */

/* Compilers are asked once for each way to name them. */
struct known {
	char *how, *text; /* owned; text NULL: they are not here */
};

struct judge {
	struct variants v;
	char (*recipes)[HASH_HEX_LEN + 1]; /* owned; "" where it cannot be told */
	struct known *known; /* owned */
	size_t n_known, cap_known;
};

static const char *toolchain_now(struct judge *j, const struct cache_entry *c)
{
	bool btf = strstr(c->built.toolchain, "\npahole") != NULL;
	_cleanup_free_ char *how =
		xasprintf("%s|%s|%s|%d", c->kernel.arch, c->built.llvm ? c->built.llvm : "",
			c->built.cross_compile ? c->built.cross_compile : "", btf);
	_cleanup_strv_ struct strv options = STRV_INIT;
	struct build_spec s = {
		.arch = c->kernel.arch,
		.llvm = c->built.llvm,
		.cross_compile = c->built.cross_compile,
		.options = &options,
	};
	struct known *k;

	for (size_t i = 0; i < j->n_known; i++)
		if (streq(j->known[i].how, how))
			return j->known[i].text;
	strv_add(&options, btf ? "CONFIG_DEBUG_INFO_BTF=y" : "CONFIG_DEBUG_INFO_BTF=n");
	VEC_GROW(j->known, j->n_known, j->cap_known);
	k = &j->known[j->n_known++];
	*k = (struct known){ .how = TAKE_PTR(how) };
	if (build_toolchain(&s, &k->text, NULL) < 0)
		k->text = NULL;
	return k->text;
}

/* The reason by the variants that the entry is called by; NULL: none, or one of them is content. */
static char *stale_variant(const struct judge *j, const struct cache_entry *c)
{
	char *why = NULL;

	for (size_t i = 0; i < j->v.n; i++) {
		const struct variant *one = &j->v.v[i];
		char *other;

		if (!*j->recipes[i] || !cache_has_label(c, one->label) ||
			!streq(c->kernel.arch, one->arch))
			continue;
		other = other_now(c, one, j->recipes[i]);
		free(why);
		why = other;
		if (!why)
			return NULL;
	}
	return why;
}

/* The first line that differs, as it was and as it is. */
static char *stale_toolchain(struct judge *j, const struct cache_entry *c)
{
	const char *then = c->built.toolchain, *now = then ? toolchain_now(j, c) : NULL;

	if (!now || streq(then, now))
		return NULL;
	while (*then && *then == *now && strcspn(then, "\n") == strcspn(now, "\n") &&
		strncmp(then, now, strcspn(then, "\n")) == 0) {
		then += strcspn(then, "\n") + 1;
		now += strcspn(now, "\n") + 1;
	}
	return xasprintf("built with %.*s; here is %.*s", (int)strcspn(then, "\n"), then,
		(int)strcspn(now, "\n"), now);
}

static void judge_init(struct judge *j, const char *cwd)
{
	if (variants_find(cwd, &j->v, NULL) < 0)
		j->v = (struct variants){ 0 };
	j->recipes = xcalloc(j->v.n + 1, sizeof(*j->recipes));
	for (size_t i = 0; i < j->v.n; i++) {
		struct build_spec s = variant_spec(&j->v, &j->v.v[i]);

		if (build_recipe(&s, j->recipes[i], NULL) < 0)
			j->recipes[i][0] = '\0';
	}
}

void variant_judge(struct cache_entry *entries, size_t n, const char *cwd)
{
	struct judge j = { 0 };

	judge_init(&j, cwd);
	for (size_t i = 0; i < n; i++) {
		struct cache_entry *c = &entries[i];

		if (c->state != CACHE_FRESH || !c->is_built)
			continue;
		c->why = stale_variant(&j, c);
		if (!c->why)
			c->why = stale_toolchain(&j, c);
		if (c->why)
			c->state = CACHE_STALE;
	}
	for (size_t i = 0; i < j.n_known; i++) {
		free(j.known[i].how);
		free(j.known[i].text);
	}
	free(j.known);
	free(j.recipes);
	variants_release(&j.v);
}
