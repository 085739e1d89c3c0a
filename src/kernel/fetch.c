/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/cache.h"
#include "kernel/debian_spec.h"
#include "kernel/fetch.h"
#include "kernel/folder.h"

struct fetch {
	const char *spec;
	struct debian_spec want; /* owned */
	void (*progress)(void *arg, const char *line);
	void *arg;
};

static void __attribute__((format(printf, 2, 3))) say(const struct fetch *f, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (!f->progress)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	f->progress(f->arg, line);
}

int cache_find_debian(const struct debian_spec *want, struct cache_entry *ret, struct strv *damaged,
	struct err *e)
{
	struct cache_entry *entries;
	size_t n;
	int r = cache_scan(&entries, &n, damaged, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!entries[i].package || !debian_spec_matches(want, entries[i].package))
			continue;
		*ret = entries[i];
		entries[i] = (struct cache_entry){ 0 };
		r = 1;
	}
	cache_entries_free(entries, n);
	return r;
}

/* Of what the package is, so it is known before the download. */
static void package_key(const struct debian_package *p, char hex[static HASH_HEX_LEN + 1])
{
	struct hash *h = hash_new();

	hash_adds(h, "kernel by its package, 1");
	hash_adds(h, p->name);
	hash_adds(h, p->version);
	hash_adds(h, p->sha256);
	hash_final(h, hex);
}

/* Unpacked in the entry's own folder, which is what appears later. */
static int unpack(const struct fetch *f, const struct debian_package *p, struct cache_build *b,
	struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *download = path_join(b->aside, "download"), *deb = NULL;
	int r = dir_make(download, 0755, e);

	if (r < 0)
		return r;
	say(f, "downloading %s %s (%lld MiB)", p->name, p->version,
		p->size ? strtoll(p->size, NULL, 10) >> 20 : 0);
	r = debian_download(p, download, &deb, e);
	if (r < 0)
		return r;
	say(f, "unpacking %s", path_base(deb));
	r = debian_unpack_kernel(deb, b->aside, e);
	if (r == 0)
		r = dir_remove(download, e);
	if (r == 0)
		r = kernel_from_folder(b->aside, &c->kernel, e);
	if (r == 0 && c->kernel.modules_dir)
		r = modules_index(c->kernel.modules_dir, e);
	if (r < 0)
		return err_wrap(e, "package %s", p->name);
	c->package = xstrdup(p->name);
	c->version = xstrdup(p->version);
	c->kernel.label = debian_label(&f->want, p->name);
	return 0;
}

static int build_entry(const struct fetch *f, const struct debian_package *p, const char *key,
	struct cache_entry *ret, struct err *e)
{
	struct cache_build b = CACHE_BUILD_INIT;
	struct cache_entry c = { 0 };
	struct err old = ERR_INIT;
	int r = cache_begin(key, f->progress, f->arg, &b, e);

	if (r < 0)
		return r;
	/* Another process may have built it while we waited. */
	r = cache_load(key, ret, &old);
	if (r < 0) {
		if (r == -EBADMSG)
			say(f, "%s; fetching it again", err_text(&old));
		r = unpack(f, p, &b, &c, e);
		if (r == 0)
			r = cache_commit(&b, &c, e);
		if (r == 0)
			r = cache_load(key, ret, e);
	}
	err_release(&old);
	cache_entry_release(&c);
	cache_end(&b);
	return r;
}

static int fetch_package(
	const struct fetch *f, bool own_state, struct cache_entry *ret, struct err *e)
{
	struct debian_package p = { 0 };
	char key[HASH_HEX_LEN + 1];
	int r;

	say(f, own_state ? "fetching the lists of packages" : "asking apt for %s", f->spec);
	r = debian_spec_find(&f->want, own_state, &p, e);
	if (r < 0)
		return r;
	package_key(&p, key);
	r = cache_load(key, ret, NULL);
	if (r < 0)
		r = build_entry(f, &p, key, ret, e);
	debian_package_release(&p);
	return r;
}

/* The machine's own lists may be empty, stale (their package is gone), or unreadable: then ours. */
static int fetch_any_state(
	const struct fetch *f, bool force, struct cache_entry *ret, struct err *e)
{
	struct err first = ERR_INIT, second = ERR_INIT;
	_cleanup_free_ char *apt = NULL;
	bool own = force || debian_spec_is_foreign(&f->want);
	int r = own ? -ENOENT : fetch_package(f, false, ret, &first);

	if (r < 0 && (own || path_program("apt-get", &apt) == 0)) {
		if (!own)
			say(f, "%s", err_text(&first));
		r = fetch_package(f, true, ret, &second);
	}
	if (r < 0)
		err_move(e, second.code ? &second : &first);
	err_release(&first);
	err_release(&second);
	return r;
}

static int fetch(const struct fetch *f, bool force, struct cache_entry *ret, struct err *e)
{
	_cleanup_strv_ struct strv damaged = STRV_INIT;

	if (!force) {
		int r = cache_find_debian(&f->want, ret, &damaged, e);

		if (r != 0)
			return r < 0 ? r : 0;
		for (size_t i = 0; i < damaged.n; i++)
			say(f, "%s", damaged.v[i]);
	}
	return fetch_any_state(f, force, ret, e);
}

int kernel_fetch(const char *spec, bool force, void (*progress)(void *arg, const char *line),
	void *arg, struct kernel *ret, struct err *e)
{
	struct fetch f = { .spec = spec, .progress = progress, .arg = arg };
	struct cache_entry c = { 0 };
	int r = debian_spec_parse(spec, &f.want, e);

	if (r < 0)
		return err_wrap(e, "cannot fetch a kernel");
	r = fetch(&f, force, &c, e);
	debian_spec_release(&f.want);
	if (r < 0)
		return err_wrap(e, "kernel %s", spec);
	if (c.kernel.modules_dir && !kernel_binary_indexes(c.kernel.modules_dir, c.kernel.release))
		say(&f, "depmod failed for %s: modprobe may not work in the guest",
			c.kernel.release);
	cache_take_kernel(&c, spec, ret);
	return 0;
}

int kernel_fetch_key(const char *spec, char ret_hex[static HASH_HEX_LEN + 1], struct err *e)
{
	struct debian_package p = { 0 };
	struct debian_spec want;
	int r = debian_spec_parse(spec, &want, e);

	if (r < 0)
		return r;
	r = debian_spec_is_foreign(&want) ? -ENOENT : debian_spec_find(&want, false, &p, NULL);
	if (r < 0)
		r = debian_spec_find(&want, true, &p, e);
	debian_spec_release(&want);
	if (r < 0)
		return err_wrap(e, "kernel %s", spec);
	package_key(&p, ret_hex);
	debian_package_release(&p);
	return 0;
}
