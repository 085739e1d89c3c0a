/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"
#include "base/version.h"
#include "kernel/cache.h"
#include "kernel/fetch.h"
#include "kernel/folder.h"
#include "kernel/kernel.h"
#include "kernel/manifest.h"
#include "source/source.h"

#define KEY_PREFIX_MIN 8 /* digits of a key that can stand for it */

#define SOURCE_PREFIX  DEBIAN_PREFIX "linux-" /* a source package: what was built of it */
#define VARIANT_PREFIX "variant:"

#define NOT_MINE 1 /* what a try returns for "ask the next"; a note says what was looked for */

struct attempt {
	const char *spec, *cwd, *arch;
	struct strv tried; /* lines */
};

static void __attribute__((format(printf, 2, 3))) note(struct attempt *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(&a->tried, xvasprintf(fmt, ap));
	va_end(ap);
}

static int from_folder(const char *path, struct kernel *ret, struct err *e)
{
	if (tree_is_kernel(path))
		return kernel_from_tree(path, NULL, ret, e);
	if (folder_is_package(path))
		return kernel_from_folder(path, ret, e);
	err_set(e, -EINVAL, "the folder %s holds no kernel", path);
	return err_hint(e, "It should be a kernel tree that was built, or hold boot/vmlinuz-*.");
}

static int try_path(struct attempt *a, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(a->spec, a->cwd);
	struct stat st;
	int r;

	if (stat(path, &st) < 0) {
		note(a, "no file or folder %s", path);
		return NOT_MINE;
	}
	r = S_ISDIR(st.st_mode) ? from_folder(path, ret, e) : kernel_from_image(path, ret, e);
	if (r < 0)
		return r;
	if (!ret->origin)
		ret->origin = xasprintf("%s, named by its path", ret->image);
	return 0;
}

/* The newest that was built with that name. */
static int built_as(struct attempt *a, const char *label, struct kernel *ret, struct err *e)
{
	const char *arch = a->arch ? a->arch : arch_host();
	struct cache_entry c = { 0 };
	size_t others;
	int r = cache_find_built(label, arch, NULL, &c, &others, e);

	if (r < 0)
		return r;
	if (r == 0) {
		note(a, "nothing built of %s for %s in the cache", label, arch);
		return NOT_MINE;
	}
	if (others) {
		_cleanup_free_ char *origin = TAKE_PTR(c.kernel.origin);

		c.kernel.origin =
			xasprintf("%s, the newest of %zu builds of it", origin, others + 1);
	}
	cache_take_kernel(&c, a->spec, ret);
	return 0;
}

static int try_git(struct attempt *a, struct kernel *ret, struct err *e)
{
	if (!str_starts(a->spec, "git+") && !str_starts(a->spec, "http://") &&
		!str_starts(a->spec, "https://"))
		return NOT_MINE;
	return built_as(a, a->spec, ret, e);
}

/* "6.12" is the beginning of "6.12.57", and of no 6.120. */
static bool in_series(const char *version, const char *series)
{
	size_t n = strlen(series);

	return str_starts(version, series) && (version[n] == '.' || version[n] == '\0');
}

/* The highest release of SERIES that was built; NULL: none. The caller owns the string. */
static char *highest_built(const char *series, const char *arch)
{
	struct cache_entry *entries;
	char *best = NULL;
	size_t n;

	if (cache_scan_for(series, &entries, &n, NULL, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const char *source = entries[i].is_built ? entries[i].built.source : NULL;

		if (source && streq(entries[i].kernel.arch, arch) && in_series(source, series) &&
			cache_has_label(&entries[i], source) &&
			(!best || version_compare(source, best) > 0))
			str_replace(&best, source);
	}
	cache_entries_free(entries, n);
	return best;
}

/* Another release than the one that was asked for is never taken in its place. */
static int only_older(const struct attempt *a, const char *version, const char *have, struct err *e)
{
	err_set(e, -ENOENT,
		"%s is %s by the list of releases, and of that series the cache has %s alone",
		a->spec, version, have);
	return err_hint(e, "Run vmrig kernel build %s, or name %s.", a->spec, have);
}

static int try_release(struct attempt *a, struct kernel *ret, struct err *e)
{
	struct source_options offline = { .offline = true };
	_cleanup_strv_ struct strv versions = STRV_INIT;
	_cleanup_free_ char *have = NULL;
	const char *version;
	struct err why = ERR_INIT;
	int r;

	if (!source_is_release(a->spec))
		return NOT_MINE;
	if (strstr(a->spec, ".."))
		return err_set(e, -EINVAL, "%s names several kernels", a->spec);
	r = source_expand(a->spec, &offline, &versions, NULL, &why);
	if (r < 0 || !versions.n) {
		have = highest_built(a->spec, a->arch ? a->arch : arch_host());
		note(a, "%s", r < 0 ? err_text(&why) : "no such release is known");
		err_release(&why);
		return have ? built_as(a, have, ret, e) : NOT_MINE;
	}
	version = versions.v[versions.n - 1];
	if (!streq(version, a->spec))
		note(a, "%s is %s by the list of releases", a->spec, version);
	r = built_as(a, version, ret, e);
	if (r == NOT_MINE)
		have = highest_built(a->spec, a->arch ? a->arch : arch_host());
	return r == NOT_MINE && have && !streq(have, version) ? only_older(a, version, have, e) : r;
}

static int try_package(struct attempt *a, struct kernel *ret, struct err *e)
{
	struct debian_spec want = { 0 };
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	struct cache_entry c = { 0 };
	int r;

	if (!str_starts(a->spec, DEBIAN_PREFIX))
		return NOT_MINE;
	if (str_starts(a->spec, SOURCE_PREFIX))
		return built_as(a, a->spec, ret, e);
	r = debian_spec_parse(a->spec, &want, e);
	if (r < 0)
		return r;
	r = cache_find_debian(&want, &c, &damaged, e);
	debian_spec_release(&want);
	if (r < 0)
		return r;
	if (r == 1) {
		cache_take_kernel(&c, a->spec, ret);
		return 0;
	}
	note(a, "no such package in the cache");
	for (size_t i = 0; i < damaged.n; i++)
		note(a, "%s", damaged.v[i]);
	return NOT_MINE;
}

static int try_prebuilt(struct attempt *a, struct kernel *ret, struct err *e)
{
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	struct cache_entry c = { 0 };
	int r;

	if (!str_starts(a->spec, PREBUILT_PREFIX))
		return NOT_MINE;
	r = cache_find_prebuilt(a->spec, &c, &damaged, e);
	if (r < 0)
		return r;
	if (r == 1) {
		cache_take_kernel(&c, a->spec, ret);
		return 0;
	}
	note(a, "the cache has none of that name");
	for (size_t i = 0; i < damaged.n; i++)
		note(a, "%s", damaged.v[i]);
	return NOT_MINE;
}

static int try_installed(struct attempt *a, struct kernel *ret, struct err *e)
{
	int r = kernel_from_root("", a->spec, ret, e);

	if (r == -ENOENT) {
		note(a, "no /boot/vmlinuz-%s", a->spec);
		return NOT_MINE;
	}
	if (r == 0)
		ret->origin = xasprintf("%s, installed", ret->image);
	return r;
}

static bool may_be_key(const char *s)
{
	size_t n = strlen(s);

	return n >= KEY_PREFIX_MIN && n <= HASH_HEX_LEN && strspn(s, "0123456789abcdef") == n;
}

/* The only entry whose key begins so, by the names of the folders alone. */
static int whole_key(const char *begin, char **ret, struct err *e)
{
	_cleanup_free_ char *kernels = NULL, *found = NULL;
	struct dirent *f;
	DIR *d;
	int r = path_cache_sub_read("kernels", &kernels, e);

	if (r < 0)
		return r;
	d = opendir(kernels);
	while (d && r == 0 && (f = readdir(d))) {
		if (!cache_is_key(f->d_name) || !str_starts(f->d_name, begin))
			continue;
		if (found)
			r = err_set(
				e, -EINVAL, "several kernels of the cache begin with %s", begin);
		str_replace(&found, f->d_name);
	}
	if (d)
		closedir(d);
	if (r == 0)
		*ret = TAKE_PTR(found);
	return r;
}

static int try_key(struct attempt *a, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *key = NULL;
	struct cache_entry c = { 0 };
	struct err why = ERR_INIT;
	int r;

	if (!may_be_key(a->spec)) {
		note(a, "no key of the cache");
		return NOT_MINE;
	}
	r = whole_key(a->spec, &key, e);
	if (r < 0)
		return r;
	r = key ? cache_load(key, &c, &why) : -ENOENT;
	if (r == 0)
		cache_take_kernel(&c, NULL, ret);
	else
		note(a, "%s", why.code ? err_text(&why) : "no such key in the cache");
	err_release(&why);
	return r < 0 ? NOT_MINE : 0;
}

static int not_found(struct attempt *a, struct err *e)
{
	_cleanup_free_ char *tried = strv_join(&a->tried, "; ");

	err_set(e, -ENOENT, "there is no kernel %s: %s", a->spec, tried);
	if (str_starts(a->spec, VARIANT_PREFIX))
		return err_hint(e, "Variants stand in a vmrig.yaml, in this folder or above it.");
	if (str_starts(a->spec, PREBUILT_PREFIX))
		return err_hint(e, "Run vmrig kernel fetch with its URL, and --name %s.",
			a->spec + strlen(PREBUILT_PREFIX));
	if (str_starts(a->spec, DEBIAN_PREFIX) && !str_starts(a->spec, SOURCE_PREFIX))
		return err_hint(e, "Run vmrig kernel fetch %s.", a->spec);
	if (source_is_release(a->spec))
		return err_hint(e,
			"Run vmrig kernel build %s, or if Debian has it, vmrig kernel fetch "
			"debian:%s.",
			a->spec, a->spec);
	if (str_starts(a->spec, SOURCE_PREFIX) || strchr(a->spec, '+'))
		return err_hint(e, "Run vmrig kernel build %s.", a->spec);
	return err_hint(e, "vmrig kernel list shows those in the cache.");
}

static const struct place {
	const char *name;
	int (*try)(struct attempt *a, struct kernel *ret, struct err *e);
} places[] = {
	{ "a path", try_path },
	{ "a URL", try_git },
	{ "a release", try_release },
	{ "a package", try_package },
	{ "a prebuilt kernel", try_prebuilt },
	{ "an installed kernel", try_installed },
	{ "a key of the cache", try_key },
};

/* A word with a slash can only be a path or a URL, "debian:" only a package, "prebuilt:" only one of these. */
static bool worth_trying(const struct place *p, const char *spec)
{
	if (p->try == try_path || p->try == try_git)
		return true;
	if (str_starts(spec, VARIANT_PREFIX) || strchr(spec, '/'))
		return false;
	if (p->try == try_prebuilt || str_starts(spec, PREBUILT_PREFIX))
		return p->try == try_prebuilt && str_starts(spec, PREBUILT_PREFIX);
	return p->try == try_release || p->try == try_package || !str_starts(spec, DEBIAN_PREFIX);
}

/* What the place had to say, for people: "a release: …". */
static void explain(struct strv *ret, const struct place *p, const struct attempt *a, size_t from,
	int r, const struct kernel *k)
{
	for (size_t i = from; i < a->tried.n; i++)
		strv_addf(ret, "%s: %s", p->name, a->tried.v[i]);
	if (r == 0)
		strv_addf(ret, "%s: found: %s", p->name, k->origin);
	else if (r == NOT_MINE && from == a->tried.n)
		strv_addf(ret, "%s: it does not look like one", p->name);
}

static int resolve_named(const char *spec, const char *arch, const char *cwd,
	struct strv *ret_places, struct kernel *ret, struct err *e)
{
	struct attempt a = { .spec = spec, .cwd = cwd, .arch = arch };
	int r = NOT_MINE;

	for (size_t i = 0; r == NOT_MINE && i < ARRAY_SIZE(places); i++) {
		size_t from = a.tried.n;

		if (worth_trying(&places[i], spec))
			r = places[i].try(&a, ret, e);
		if (ret_places)
			explain(ret_places, &places[i], &a, from, r, ret);
		if (r == NOT_MINE && e)
			err_release(e);
	}
	if (r == NOT_MINE)
		r = not_found(&a, e);
	strv_release(&a.tried);
	if (r == 0 && !ret->label)
		ret->label = xstrdup(spec);
	return r;
}

static bool foreign(const char *arch)
{
	return arch && !streq(arch, arch_host());
}

static int resolve_newest(const char *arch, const char *cwd, struct kernel *ret, struct err *e)
{
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	_cleanup_free_ char *list = NULL;
	struct cache_entry *entries;
	size_t n, i = 0;
	int r = cache_scan(&entries, &n, &damaged, e);

	if (r < 0)
		return r;
	while (i < n && (!streq(entries[i].kernel.arch, arch) || entries[i].built.aside))
		i++;
	if (i < n) {
		_cleanup_free_ char *origin = entries[i].kernel.origin;

		entries[i].kernel.origin = xasprintf("%s, the newest there", origin);
		cache_take_kernel(&entries[i], NULL, ret);
		cache_entries_free(entries, n);
		return 0;
	}
	cache_entries_free(entries, n);
	list = strv_join(&damaged, "; ");
	err_set(e, -ENOENT, "no kernel to boot: %s does not lie in a kernel tree, and %s%s", cwd,
		damaged.n ? "" : "the cache holds none for ", damaged.n ? list : arch);
	return err_hint(e, "Run vmrig kernel fetch debian:6.1%s%s, or name a kernel with --kernel.",
		foreign(arch) ? ":" : "", foreign(arch) ? arch_dpkg(arch) : "");
}

static int resolve_default(const char *arch, const char *cwd, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *here = path_absolute(cwd ? cwd : ".", NULL), *tree = tree_find(here);
	int r;

	if (!tree)
		return resolve_newest(arch ? arch : arch_host(), here, ret, e);
	r = kernel_from_tree(tree, NULL, ret, e);
	if (r == 0)
		str_replace(&ret->label, tree);
	return r;
}

/* "debian:6.1" for aarch64 is "debian:6.1:aarch64"; a package that names its own stays as it is. */
static char *spec_for(const char *spec, const char *arch)
{
	if (!spec || !foreign(arch) || !str_starts(spec, DEBIAN_PREFIX) ||
		strchr(spec + strlen(DEBIAN_PREFIX), ':'))
		return xstrdup(spec);
	return xasprintf("%s:%s", spec, arch_dpkg(arch));
}

int kernel_resolve_explain(const char *spec, const char *arch, const char *cwd,
	struct strv *ret_places, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *full = spec_for(spec, arch);
	struct kernel k = { 0 };
	int r;

	if (spec && !*spec)
		return err_set(e, -EINVAL, "the name of the kernel is empty");
	if (full) {
		r = resolve_named(full, arch, cwd, ret_places, &k, e);
	} else {
		r = resolve_default(arch, cwd, &k, e);
		if (ret_places && r == 0)
			strv_addf(ret_places, "no name: found: %s", k.origin);
	}
	if (r == 0 && arch && !streq(k.arch, arch))
		r = err_set(
			e, -EINVAL, "kernel %s is one for %s, not for %s", k.label, k.arch, arch);
	if (r == 0 && !k.key)
		r = kernel_set_key(&k, e);
	if (r < 0) {
		kernel_release(&k);
		return r;
	}
	*ret = k;
	return 0;
}

int kernel_resolve_arch(
	const char *spec, const char *arch, const char *cwd, struct kernel *ret, struct err *e)
{
	return kernel_resolve_explain(spec, arch, cwd, NULL, ret, e);
}

int kernel_resolve(const char *spec, const char *cwd, struct kernel *ret, struct err *e)
{
	return kernel_resolve_arch(spec, NULL, cwd, ret, e);
}

int kernel_list(struct kernel **ret, size_t *ret_n, struct strv *ret_damaged, struct err *e)
{
	struct cache_entry *entries;
	struct kernel *kernels;
	size_t n;
	int r = cache_scan(&entries, &n, ret_damaged, e);

	if (r < 0)
		return r;
	kernels = xcalloc(n + 1, sizeof(*kernels));
	for (size_t i = 0; i < n; i++)
		cache_take_kernel(&entries[i], NULL, &kernels[i]);
	cache_entries_free(entries, n);
	*ret = kernels;
	*ret_n = n;
	return 0;
}

int kernel_config(const struct kernel *k, struct kconfig **ret, struct err *e)
{
	return k->config ? kconfig_load(k->config, ret, e) : kconfig_extract(k->image, ret, e);
}
