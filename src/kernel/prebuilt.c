/* SPDX-License-Identifier: MIT */
/* Kernels that somebody else built, fetched from a URL into the cache. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "debian/debian.h"
#include "fetch/fetch.h"
#include "kernel/cache.h"
#include "kernel/debian_spec.h"
#include "kernel/fetch.h"
#include "kernel/folder.h"

#define LOCK_WAIT_MS (60 * 60 * 1000) /* another process downloads it */

struct download {
	const struct kernel_download *d; /* borrowed */
	char *sha256; /* owned: in small letters; NULL: not known yet */
	char *label; /* owned */
	void (*progress)(void *arg, const char *line);
	void *arg;
};

static void download_release(struct download *f)
{
	free(f->sha256);
	free(f->label);
}

static void __attribute__((format(printf, 2, 3)))
say(const struct download *f, const char *fmt, ...)
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

int cache_find_prebuilt(
	const char *spec, struct cache_entry *ret, struct strv *damaged, struct err *e)
{
	struct cache_entry *entries, *best = NULL;
	size_t n;
	int r = cache_scan(&entries, &n, damaged, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (cache_has_label(&entries[i], spec) &&
			(!best || strcmp(entries[i].made, best->made) > 0))
			best = &entries[i];
	r = best ? cache_load(best->kernel.key, ret, e) : 0;
	cache_entries_free(entries, n);
	return r < 0 ? r : best ? 1 : 0;
}

/* ---- what is asked for ---- */

static int parse_sum(const char *s, char **ret, struct err *e)
{
	_cleanup_free_ char *sum = xstrdup(s);

	for (char *p = sum; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strlen(sum) != HASH_HEX_LEN || strspn(sum, "0123456789abcdef") != HASH_HEX_LEN)
		return err_set(e, -EINVAL, "'%s' is no SHA-256: it has 64 hex digits", s);
	*ret = TAKE_PTR(sum);
	return 0;
}

/* "https://x/6.1/vmlinux.bin.zst?a=b" is "vmlinux". */
static char *name_of_url(const char *url)
{
	static const char *const endings[] = { ".zst", ".gz", ".xz", ".tar", ".bin", ".deb" };
	_cleanup_free_ char *path = xstrndup(url, strcspn(url, "?#"));
	char *name = xstrdup(path_base(path));

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_ends(name, endings[i]) && strlen(name) > strlen(endings[i]))
			name[strlen(name) - strlen(endings[i])] = '\0';
	return name;
}

static int prepare(const struct kernel_download *d, struct download *f, struct err *e)
{
	_cleanup_free_ char *name = d->name ? xstrdup(d->name) : name_of_url(d->url);
	_cleanup_buf_ struct buf safe = BUF_INIT;

	if (!d->sha256 && !d->unchecked) {
		err_set(e, -EINVAL, "%s comes without a checksum", d->url);
		return err_hint(e,
			"Give the one that its publisher tells with --sha256, or trust the server with --unchecked.");
	}
	text_file_name(&safe, name);
	if (d->name && !streq(name, buf_str(&safe)))
		return err_set(e, -EINVAL,
			"'%s' is no name for a kernel: letters, digits and . _ + - may stand in it",
			name);
	f->label = xasprintf(PREBUILT_PREFIX "%s", buf_str(&safe));
	return d->sha256 ? parse_sum(d->sha256, &f->sha256, e) : 0;
}

/* ---- what came ---- */

/* An image alone, to where one lies in an entry. */
static int place_image(const char *file, const char *dir, struct err *e)
{
	_cleanup_free_ char *boot = path_join(dir, "boot"), *dst = NULL;
	struct image_info info = { 0 };
	int r = image_identify(file, &info, e);

	if (r < 0)
		return r;
	dst = xasprintf("%s/vmlinuz-%s", boot, info.release ? info.release : "unknown");
	image_info_release(&info);
	r = dir_make(boot, 0755, e);
	return r < 0 ? r : file_copy(file, dst, 0644, e);
}

/* By content, whatever it is called. */
static int unpack(const char *file, const char *dir, struct err *e)
{
	const struct unpack_spec spec = { .dir = dir, .place = part_of_kernel };
	_cleanup_free_ char *plain = path_join(dir, ".plain");
	struct err why = ERR_INIT, packed = ERR_INIT;
	int r;

	if (deb_is(file))
		return debian_unpack_kernel(file, dir, e);
	r = place_image(file, dir, &why);
	if (r != -ENOEXEC)
		return err_move(e, &why);
	r = unpack_tar_file(file, &spec, &packed);
	if (r == -EBADMSG && image_unpacked(file, plain, NULL) == 0)
		r = place_image(plain, dir, &packed);
	unlink(plain);
	if (r < 0)
		r = err_set(e, -EBADMSG,
			"neither a kernel image (%s), nor a Debian package, nor an archive with a kernel (%s)",
			err_text(&why), err_text(&packed));
	err_release(&why);
	err_release(&packed);
	return r;
}

static int fill(const struct download *f, const char *file, struct cache_build *b,
	struct cache_entry *c, struct err *e)
{
	_cleanup_free_ char *index = NULL;
	int r = unpack(file, b->aside, e);

	if (r == 0)
		r = cache_find_aside(b, &c->kernel, e);
	if (r < 0)
		return r;
	c->package = xstrdup(f->d->url);
	c->version = xasprintf("sha256:%s", f->sha256);
	str_replace(&c->kernel.label, f->label);
	if (!c->kernel.modules_dir)
		return 0;
	index = path_join(c->kernel.modules_dir, "modules.dep");
	return file_exists(index) ? 0 : modules_index(c->kernel.modules_dir, e);
}

/* Of the content, not of where it came from: one kernel of two mirrors is one entry. */
static void key_of(const struct download *f, char ret[static HASH_HEX_LEN + 1])
{
	struct hash *h = hash_new();

	hash_adds(h, "kernel by its file, 1");
	hash_adds(h, f->sha256);
	hash_final(h, ret);
}

static int store(const struct download *f, const char *file, struct cache_entry *ret, struct err *e)
{
	struct cache_build b = CACHE_BUILD_INIT;
	struct cache_entry c = { 0 };
	char key[HASH_HEX_LEN + 1];
	int r;

	key_of(f, key);
	r = cache_begin(key, f->progress, f->arg, &b, e);
	if (r < 0)
		return r;
	r = f->d->force ? -ENOENT : cache_load(key, ret, NULL);
	if (r < 0) {
		r = fill(f, file, &b, &c, e);
		if (r == 0)
			r = cache_commit(&b, &c, e);
		if (r == 0)
			r = cache_load(key, ret, e);
	}
	cache_entry_release(&c);
	cache_end(&b);
	return r;
}

static int download(struct download *f, struct cache_entry *ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL, *file = NULL, *lock = NULL;
	struct hash *h = hash_new();
	char name[HASH_HEX_LEN + 1], sha256[HASH_HEX_LEN + 1];
	struct fetch_spec spec = { .url = f->d->url, .sha256 = f->sha256 };
	_cleanup_close_ int held = -1;
	int r;

	hash_adds(h, f->d->url);
	hash_final(h, name);
	r = path_cache_sub("downloads", &dir, e);
	if (r < 0)
		return r;
	file = path_join(dir, name);
	lock = xasprintf("%s.lock", file);
	held = lock_take(lock, false, clock_ms() + LOCK_WAIT_MS, e);
	if (held < 0)
		return held;
	say(f, "downloading %s", f->d->url);
	r = fetch_file(&spec, file, sha256, e);
	if (r < 0)
		return r;
	if (!f->sha256) {
		f->sha256 = xstrdup(sha256);
		say(f, "unchecked: its SHA-256 is %s", sha256);
	}
	r = store(f, file, ret, e);
	unlink(file);
	return r;
}

static int from_cache(const struct download *f, struct cache_entry *ret)
{
	char key[HASH_HEX_LEN + 1];

	if (!f->sha256 || f->d->force)
		return -ENOENT;
	key_of(f, key);
	return cache_load(key, ret, NULL);
}

int kernel_download(const struct kernel_download *d, void (*progress)(void *arg, const char *line),
	void *arg, struct kernel *ret, struct err *e)
{
	__attribute__((cleanup(download_release))) struct download f = {
		.d = d, .progress = progress, .arg = arg
	};
	struct cache_entry c = { 0 };
	int r = prepare(d, &f, e);

	if (r < 0)
		return r;
	if (from_cache(&f, &c) < 0) {
		r = download(&f, &c, e);
		if (r < 0)
			return e && strstr(err_text(e), d->url) ? r
								: (err_wrap(e, "%s", d->url), r);
	}
	r = cache_add_label(&c, f.label, e);
	if (r < 0) {
		cache_entry_release(&c);
		return r;
	}
	if (c.kernel.modules_dir && !kernel_binary_indexes(c.kernel.modules_dir, c.kernel.release))
		say(&f, "depmod failed for %s: modprobe may not work in the guest",
			c.kernel.release);
	cache_take_kernel(&c, f.label, ret);
	return 0;
}
