/* SPDX-License-Identifier: MIT */
#include <ctype.h>
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
#include "kernel/cache.h"
#include "kernel/fetch.h"
#include "kernel/folder.h"
#include "kernel/kernel.h"

#define KEY_PREFIX_MIN 8 /* digits of a key that can stand for it */

#define NOT_MINE 1 /* what a try returns for "ask the next"; a note says what was looked for */

struct attempt {
	const char *spec, *cwd;
	struct buf tried; /* owned */
};

static void __attribute__((format(printf, 2, 3))) note(struct attempt *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_adds(&a->tried, a->tried.len ? "; " : "");
	buf_vaddf(&a->tried, fmt, ap);
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

static int try_package(struct attempt *a, struct kernel *ret, struct err *e)
{
	struct debian_spec want = { 0 };
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	struct cache_entry c = { 0 };
	int r;

	if (!str_starts(a->spec, DEBIAN_PREFIX))
		return NOT_MINE;
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

static int pick_by_key(
	const char *key, struct cache_entry *entries, size_t n, struct kernel *ret, struct err *e)
{
	struct cache_entry *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!str_starts(entries[i].kernel.key, key))
			continue;
		if (found)
			return err_set(
				e, -EINVAL, "several kernels of the cache begin with %s", key);
		found = &entries[i];
	}
	if (!found)
		return NOT_MINE;
	cache_take_kernel(found, NULL, ret);
	return 0;
}

static int try_key(struct attempt *a, struct kernel *ret, struct err *e)
{
	struct cache_entry *entries;
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	size_t n;
	int r;

	if (!may_be_key(a->spec)) {
		note(a, "no key of the cache");
		return NOT_MINE;
	}
	r = cache_scan(&entries, &n, &damaged, e);
	if (r < 0)
		return r;
	r = pick_by_key(a->spec, entries, n, ret, e);
	cache_entries_free(entries, n);
	if (r == NOT_MINE)
		note(a, "no such key in the cache");
	for (size_t i = 0; r == NOT_MINE && i < damaged.n; i++)
		note(a, "%s", damaged.v[i]);
	return r;
}

static int not_found(struct attempt *a, struct err *e)
{
	err_set(e, -ENOENT, "there is no kernel %s: %s", a->spec, buf_str(&a->tried));
	if (str_starts(a->spec, DEBIAN_PREFIX))
		return err_hint(e, "Run vmrig kernel fetch %s.", a->spec);
	if (isdigit((unsigned char)a->spec[0]) && !strchr(a->spec, '/') && !may_be_key(a->spec))
		return err_hint(e, "If Debian has it: vmrig kernel fetch debian:%s.", a->spec);
	return err_hint(e, "vmrig kernel list shows those in the cache.");
}

static int resolve_named(const char *spec, const char *cwd, struct kernel *ret, struct err *e)
{
	static int (*const tries[])(struct attempt *, struct kernel *, struct err *) = { try_path,
		try_package, try_installed, try_key };
	struct attempt a = { .spec = spec, .cwd = cwd };
	int r = NOT_MINE;

	for (size_t i = 0; r == NOT_MINE && i < ARRAY_SIZE(tries); i++) {
		/* A word with a slash can only be a path, "debian:" only a package. */
		if (i > 0 && strchr(spec, '/'))
			break;
		if (i > 1 && str_starts(spec, DEBIAN_PREFIX))
			break;
		r = tries[i](&a, ret, e);
		if (r == NOT_MINE && e)
			err_release(e);
	}
	if (r == NOT_MINE)
		r = not_found(&a, e);
	buf_release(&a.tried);
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
	while (i < n && !streq(entries[i].kernel.arch, arch))
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
		ret->label = TAKE_PTR(tree);
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

int kernel_resolve_arch(
	const char *spec, const char *arch, const char *cwd, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *full = spec_for(spec, arch);
	struct kernel k = { 0 };
	int r;

	if (spec && !*spec)
		return err_set(e, -EINVAL, "the name of the kernel is empty");
	r = full ? resolve_named(full, cwd, &k, e) : resolve_default(arch, cwd, &k, e);
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
