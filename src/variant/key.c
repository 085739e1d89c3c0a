/* SPDX-License-Identifier: MIT */
/* The keys of kernels that need not be there yet. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "variant/variant.h"

#define PACKAGE_PREFIX "debian:"
#define SOURCE_PREFIX  "debian:linux-"

static int built_key(
	const struct build_spec *s, const struct build_how *how, struct strv *ret, struct err *e)
{
	struct build_plan p = { 0 };
	int r = build_plan(s, how, &p, e);

	if (r < 0)
		return r;
	if (p.key)
		strv_add(ret, p.key);
	else
		r = err_set(e, -EINVAL, "%s has no key: %s", s->source,
			p.dirty ? p.dirty : "what is built of it is not cached");
	build_plan_release(&p);
	return r;
}

static int family_keys(const char *name, const char *arch, const char *cwd,
	const struct build_how *how, struct strv *ret, struct err *e)
{
	_cleanup_free_ const struct variant **found = NULL;
	struct variants v = { 0 };
	size_t n = 0;
	int r = variants_find(cwd, &v, e);

	if (r == 0)
		r = variants_named(&v, name, arch, &found, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct build_spec s = variant_spec(&v, found[i]);

		r = built_key(&s, how, ret, e);
	}
	variants_release(&v);
	return r;
}

static int package_key(const char *spec, const char *arch, struct strv *ret, struct err *e)
{
	bool told = !arch || strchr(spec + strlen(PACKAGE_PREFIX), ':');
	_cleanup_free_ char *full =
		told ? xstrdup(spec) : xasprintf("%s:%s", spec, arch_dpkg(arch));
	char hex[65];
	int r = kernel_fetch_key(full, hex, e);

	if (r == 0)
		strv_add(ret, hex);
	return r;
}

/* An image, or a folder that holds one: it is what it is. */
static int found_key(
	const char *spec, const char *arch, const char *cwd, struct strv *ret, struct err *e)
{
	struct kernel k = { 0 };
	int r = kernel_resolve_arch(spec, arch, cwd, &k, e);

	if (r < 0)
		return r;
	strv_add(ret, k.key);
	kernel_release(&k);
	return 0;
}

int variant_keys(const char *spec, const char *arch, const char *cwd, const struct build_how *how,
	struct strv *ret, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(spec, cwd);
	_cleanup_free_ char *kconfig = path_join(path, "Kconfig");
	_cleanup_free_ char *dir = path_absolute(".", cwd);
	const struct strv none = STRV_INIT;
	const struct build_spec s = {
		.source = spec,
		.arch = arch ? arch : arch_host(),
		.fragments = &none,
		.options = &none,
		.patches = &none,
		.dir = dir,
		.modules = true,
	};

	if (str_starts(spec, VARIANT_PREFIX))
		return family_keys(spec + strlen(VARIANT_PREFIX), arch, cwd, how, ret, e);
	if (str_starts(spec, PACKAGE_PREFIX) && !str_starts(spec, SOURCE_PREFIX))
		return package_key(spec, arch, ret, e);
	if (source_is_release(spec) || strstr(spec, "://") || str_starts(spec, "git+") ||
		str_starts(spec, SOURCE_PREFIX) || file_exists(kconfig))
		return built_key(&s, how, ret, e);
	return found_key(spec, arch, cwd, ret, e);
}
