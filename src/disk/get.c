/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "disk/disk.h"
#include "disk/keep.h"
#include "disk/store.h"
#include "disk/sums.h"
#include "fetch/fetch.h"

#define SUMS_MAX (16 << 20)

struct get {
	const struct disk_fetch *f; /* borrowed */
	struct sum sum;
	char *name, *file; /* owned: what it will be called; the URL's last part */
	char *trust; /* owned */
	char *asked; /* owned: what is locked: the sum, or the URL's where there is none */
	char sha256[HASH_HEX_LEN + 1]; /* of what came */
	const char *from; /* borrowed: the URL that it came from */
	int64_t size_max;
};

static void get_release(struct get *g)
{
	free(g->name);
	free(g->file);
	free(g->trust);
	free(g->asked);
}

static void __attribute__((format(printf, 2, 3))) say(const struct get *g, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (!g->f->said)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	g->f->said(g->f->arg, line);
}

static const char *suffix(const struct get *g)
{
	return !g->f->format ? "" : streq(g->f->format, "raw") ? ".raw" : ".qcow2";
}

/* ---- what is asked for ---- */

/* "debian-12.qcow2.xz" is "debian-12". */
static char *name_of(const char *file)
{
	static const char *const endings[] = { ".xz", ".gz", ".zst", ".bz2", ".tar", ".qcow2",
		".img", ".raw", ".iso", ".vmdk", ".vdi" };
	_cleanup_free_ char *name = xstrdup(file);
	_cleanup_buf_ struct buf safe = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_ends(name, endings[i]) && strlen(name) > strlen(endings[i]))
			name[strlen(name) - strlen(endings[i])] = '\0';
	text_file_name(&safe, name);
	if (safe.data[0] == '.')
		safe.data[0] = '_';
	return buf_detach(&safe);
}

static int no_checksum(const struct get *g, struct err *e)
{
	err_set(e, -EINVAL, "%s comes without a checksum", g->f->url);
	return err_hint(e,
		"Give the one that its publisher tells with --sha256, the file that holds it with --sums, or trust "
		"the server with --unchecked.");
}

static int prepare(struct get *g, struct err *e)
{
	const struct disk_fetch *f = g->f;
	_cleanup_free_ char *path = xstrndup(f->url, strcspn(f->url, "?#")), *safe = NULL;

	if (!strstr(f->url, "://"))
		return err_set(e, -EINVAL, "'%s' is no URL", f->url);
	if (!f->sha256 && !f->sums && !f->unchecked)
		return no_checksum(g, e);
	if ((f->gpg_key || f->keyring) && !f->sums)
		return err_set(e, -EINVAL,
			"there is no file of checksums whose signature could be "
			"verified");
	if (f->sha256 &&
		(strlen(f->sha256) != HASH_HEX_LEN || !sum_parse(f->sha256, HASH_HEX_LEN, &g->sum)))
		return err_set(e, -EINVAL, "'%s' is no SHA-256: it has 64 hex digits", f->sha256);
	g->file = xstrdup(path_base(path));
	g->name = name_of(f->name ? f->name : g->file);
	if (f->name && !streq(g->name, f->name)) {
		free(g->name);
		g->name = xstrdup(f->name);
		safe = name_of(f->name);
		if (strpbrk(f->name, "/ ") || *f->name == '.' || !str_starts(f->name, safe))
			return err_set(e, -EINVAL,
				"'%s' is no name for an image: letters, digits and . _ + - may stand in it",
				f->name);
	}
	g->size_max = f->size_max ? f->size_max : DISK_SIZE_MAX;
	g->trust = xstrdup(f->sha256 ? "a SHA-256 that was given" : "nothing: unchecked");
	return 0;
}

/* ---- the file of checksums ---- */

static int read_text(const char *from, struct buf *ret, struct err *e)
{
	const struct fetch_spec spec = { .url = from, .size_max = SUMS_MAX };

	return strstr(from, "://") ? fetch_text(&spec, ret, e) : file_read(from, SUMS_MAX, ret, e);
}

/* Beside the list, as publishers call it. */
static int find_signature(const struct get *g, struct buf *ret, struct err *e)
{
	static const char *const endings[] = { "sign", "asc", "gpg", "sig" };

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		_cleanup_free_ char *path = xasprintf("%s.%s", g->f->sums, endings[i]);

		buf_clear(ret);
		if (read_text(path, ret, NULL) == 0 && ret->len)
			return 0;
	}
	return err_set(e, -ENOENT,
		"it has no signature: neither in it nor beside it (.sign, .asc, "
		".gpg, .sig)");
}

static int check_signature(
	const struct get *g, const struct buf *text, struct buf *ret, char **ret_who, struct err *e)
{
	const char *mark = "-----BEGIN PGP SIGNED MESSAGE-----";
	const char *at = strstr(buf_str(text), mark);
	bool inside = at && (at == text->data || at[-1] == '\n');
	_cleanup_buf_ struct buf sign = BUF_INIT;
	_cleanup_free_ char *work = NULL, *key = NULL;
	_cleanup_close_ int lock = -1;
	char hex[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r = 0;

	hash_adds(h, g->f->sums);
	hash_final(h, hex);
	key = xasprintf("sums-%.16s", hex);
	if (!inside)
		r = find_signature(g, &sign, e);
	if (r == 0)
		r = lock = images_lock(key, e);
	if (r >= 0)
		r = images_aside(key, &work, e);
	if (r == 0)
		r = sums_signed(text, inside ? NULL : &sign, g->f->gpg_key, g->f->keyring, work,
			ret, ret_who, e);
	if (work)
		dir_remove(work, NULL);
	return r;
}

static int read_sums(struct get *g, struct err *e)
{
	const struct disk_fetch *f = g->f;
	_cleanup_buf_ struct buf text = BUF_INIT, verified = BUF_INIT;
	_cleanup_free_ char *who = NULL;
	struct sum found = { 0 };
	int r = read_text(f->sums, &text, e);

	if (r < 0)
		return err_wrap(e, "the checksums");
	if (f->gpg_key || f->keyring) {
		r = check_signature(g, &text, &verified, &who, e);
		if (r < 0)
			return err_wrap(e, "%s", f->sums);
	}
	r = sums_find(f->sums, buf_str(who ? &verified : &text), g->file, &found, e);
	if (r < 0)
		return r;
	if (*g->sum.sha256 && *found.sha256 && !streq(g->sum.sha256, found.sha256))
		return err_set(e, -EBADMSG, "%s has another SHA-256 of %s than was given: %s",
			f->sums, g->file, found.sha256);
	if (*found.sha256)
		memcpy(g->sum.sha256, found.sha256, sizeof(found.sha256));
	memcpy(g->sum.sha512, found.sha512, sizeof(found.sha512));
	free(g->trust);
	g->trust = who ? xasprintf("checksums signed by %s", who)
		       : xasprintf("checksums of %s, not signed", f->sums);
	say(g, who ? "%s are signed by %s" : "%s: no signature of it was asked for", f->sums, who);
	return 0;
}

/* ---- downloading ---- */

static int get_from(struct get *g, const char *url, const char *dst, struct err *e)
{
	const struct fetch_spec spec = { .url = url,
		.sha256 = *g->sum.sha256 ? g->sum.sha256 : NULL,
		.size_max = g->size_max,
		.progress = g->f->progress,
		.arg = g->f->arg };
	char sha512[SHA512_HEX_LEN + 1];
	int r;

	say(g, "downloading %s", url);
	r = fetch_file(&spec, dst, g->sha256, e);
	if (r < 0 || !*g->sum.sha512)
		return r;
	r = sha512_file(dst, sha512, e);
	if (r == 0 && !streq(sha512, g->sum.sha512))
		r = err_set(e, -EBADMSG, "%s has the SHA-512 %s, and not %s", url, sha512,
			g->sum.sha512);
	if (r < 0)
		unlink(dst);
	return r;
}

static int try_all(struct get *g, const char *dst, struct err *e)
{
	const struct strv *mirrors = g->f->mirrors;
	size_t n = mirrors ? mirrors->n : 0;
	struct err why = ERR_INIT;
	int r = 0;

	for (size_t i = 0; i <= n; i++) {
		g->from = i ? mirrors->v[i - 1] : g->f->url;
		err_release(&why);
		why = (struct err)ERR_INIT;
		r = get_from(g, g->from, dst, &why);
		if (r == 0 || r == -ENOSPC || r == -EDQUOT || i == n)
			break;
		say(g, "%s; trying the next mirror", err_text(&why));
	}
	if (r < 0) {
		err_move(e, &why);
		if (e && !strstr(err_text(e), g->from))
			err_wrap(e, "%s", g->from);
	}
	err_release(&why);
	return r;
}

static int store(struct get *g, const char *download, struct disk_image *ret, struct err *e)
{
	const struct image_come c = { .file = download,
		.ours = true,
		.from = g->from,
		.trust = g->trust,
		.sha256 = g->sha256,
		.sha512 = *g->sum.sha512 ? g->sum.sha512 : NULL,
		.format = g->f->format,
		.size_max = g->size_max,
		.said = g->f->said,
		.arg = g->f->arg };
	_cleanup_free_ char *key = images_key(&c);
	_cleanup_close_ int lock = -1;
	int r = 0;

	/* Where the SHA-256 was known this is the lock that is held already. */
	if (!streq(key, g->asked))
		r = lock = images_lock(key, e);
	if (r < 0)
		return r;
	/* Known by another sum or URL. */
	if (!g->f->force && !*g->sum.sha512 && images_load(key, ret, NULL) == 0)
		return 0;
	return images_keep(&c, ret, e);
}

static int from_cache(const struct get *g, bool tell, struct disk_image *ret)
{
	struct err why = ERR_INIT;
	int r = -ENOENT;

	if (g->f->force)
		return r;
	if (*g->sum.sha256)
		r = images_load(g->asked, ret, &why);
	else if (*g->sum.sha512)
		r = images_find_sha512(g->sum.sha512, suffix(g) + (*suffix(g) == '.'), ret);
	if (r == -EBADMSG && tell)
		say(g, "%s; fetching it again", err_text(&why));
	err_release(&why);
	return r;
}

static void name_lock(struct get *g)
{
	struct hash *h;
	char hex[HASH_HEX_LEN + 1];

	if (*g->sum.sha256) {
		g->asked = xasprintf("%s%s", g->sum.sha256, suffix(g));
		return;
	}
	h = hash_new();
	hash_adds(h, *g->sum.sha512 ? g->sum.sha512 : g->f->url);
	hash_final(h, hex);
	g->asked = xasprintf("get-%.32s%s", hex, suffix(g));
}

static int get_locked(struct get *g, struct disk_image *ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL, *dst = NULL;
	int r = from_cache(g, true, ret);

	if (r == 0)
		return 0; /* another process made it while we waited */
	r = path_cache_sub("downloads", &dir, e);
	if (r < 0)
		return r;
	dst = xasprintf("%s/image-%s", dir, g->asked);
	r = try_all(g, dst, e);
	if (r < 0)
		return r;
	if (!*g->sum.sha256 && !*g->sum.sha512)
		say(g, "unchecked: its SHA-256 is %s", g->sha256);
	r = store(g, dst, ret, e);
	unlink(dst);
	return r < 0 ? err_wrap(e, "%s", g->from) : 0;
}

int disk_fetch(const struct disk_fetch *f, struct disk_image *ret, struct err *e)
{
	__attribute__((cleanup(get_release))) struct get g = { .f = f };
	_cleanup_close_ int lock = -1;
	int r = prepare(&g, e);

	if (r == 0 && f->sums)
		r = read_sums(&g, e);
	if (r < 0)
		return r;
	images_sweep();
	name_lock(&g);
	if (from_cache(&g, false, ret) < 0) {
		r = lock = images_lock(g.asked, e);
		if (r >= 0)
			r = get_locked(&g, ret, e);
	}
	if (r >= 0)
		r = images_name(g.name, ret->key, e);
	if (r < 0)
		disk_image_release(ret);
	else if (!strv_has(&ret->names, g.name))
		strv_add(&ret->names, g.name);
	return r < 0 ? r : 0;
}
