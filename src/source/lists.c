/* SPDX-License-Identifier: MIT */
/* The lists of kernel.org, kept in the cache for an hour and for when there is no network. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "fetch/fetch.h"
#include "source/kernelorg.h"
#include "source/store.h"

#define LIST_MAX (8 << 20)
#define CDN      "https://cdn.kernel.org/pub/linux/kernel"
#define LIST_URL "https://www.kernel.org/releases.json"
#define RC_URL   "https://git.kernel.org/torvalds/t"

/* The mirror without slashes at its end; NULL: none is set. The caller owns the string. */
static char *mirror(void)
{
	const char *env = getenv("VMRIG_KERNEL_MIRROR");
	size_t n = env ? strlen(env) : 0;

	while (n && env[n - 1] == '/')
		n--;
	return n ? xstrndup(env, n) : NULL;
}

/* The folder that the tarball of R lies in. */
static char *folder_url(const struct release *r)
{
	_cleanup_free_ char *m = mirror();

	if (r->rc)
		return m ? xasprintf("%s/testing", m) : xstrdup(RC_URL);
	return xasprintf("%s/v%d.x", m ? m : CDN, r->major);
}

char *kernelorg_url(const struct release *r)
{
	_cleanup_free_ char *folder = folder_url(r), *version = release_file_text(r);

	return xasprintf("%s/linux-%s.tar.%s", folder, version, r->rc ? "gz" : "xz");
}

/* ---- a list ---- */

struct list {
	const char *url; /* borrowed */
	const struct source_options *o; /* borrowed */
	/* 0 where the text is such a list; it keeps what it read. */
	int (*read)(void *arg, const struct buf *text, struct err *e);
	void *arg;
	char **note; /* borrowed: may be NULL */
	char *path; /* owned: where it is kept */
};

/* Milliseconds since it was fetched; -1: never, or in the future. */
static int64_t age_of(const char *path)
{
	struct stat st;
	int64_t age;

	if (stat(path, &st) < 0)
		return -1;
	age = clock_wall_ns() / 1000000 - (int64_t)st.st_mtime * 1000;
	return age < 0 ? -1 : age;
}

static int read_kept(const struct list *l, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = file_read(l->path, LIST_MAX, &b, e);

	return r < 0 ? r : l->read(l->arg, &b, e);
}

static int fetch_list(const struct list *l, struct err *e)
{
	const struct fetch_spec spec = { .url = l->url, .size_max = LIST_MAX };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	source_say(l->o, "asking for %s", l->url);
	r = fetch_text(&spec, &b, e);
	if (r < 0)
		return r;
	r = l->read(l->arg, &b, e);
	if (r < 0)
		return err_wrap(e, "%s", l->url);
	/* What cannot be kept serves this once. */
	file_write_atomic(l->path, buf_str(&b), b.len, 0644, NULL);
	return 0;
}

static void note_age(const struct list *l, const char *why)
{
	_cleanup_buf_ struct buf age = BUF_INIT;
	int64_t ms = age_of(l->path);

	if (!l->note || (!why && ms >= 0 && ms < KERNELORG_FRESH_MS))
		return;
	if (ms >= 0)
		duration_format(&age, ms);
	free(*l->note);
	*l->note = xasprintf("%s is as it was fetched %s%s%s%s", l->url,
		ms >= 0 ? buf_str(&age) : "at an unknown time", ms >= 0 ? " ago" : "",
		why ? ": " : "", why ? why : "");
}

/* The kept one while it is fresh, else a new one, else the kept one with a note. */
static int get_list(struct list *l, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct err why = ERR_INIT;
	int64_t age;
	int r = store_dir("lists", &dir, e);

	if (r < 0)
		return r;
	store_hash(hex, "list", l->url, NULL);
	l->path = path_join(dir, hex);
	age = age_of(l->path);
	if (age >= 0 && age < KERNELORG_FRESH_MS && !l->o->refresh && read_kept(l, NULL) == 0)
		return 0;
	r = l->o->offline
		    ? err_set(&why, -ENETDOWN, "offline, and %s was not fetched before", l->url)
		    : fetch_list(l, &why);
	if (r < 0 && read_kept(l, NULL) == 0) {
		note_age(l, l->o->offline ? NULL : err_text(&why));
		r = 0;
	}
	if (r < 0)
		err_move(e, &why);
	err_release(&why);
	return r;
}

/* ---- the two kinds ---- */

static int read_releases(void *arg, const struct buf *text, struct err *e)
{
	return release_list_parse(buf_str(text), text->len, arg, e);
}

int kernelorg_list(
	const struct source_options *o, struct release_list *ret, char **ret_note, struct err *e)
{
	_cleanup_free_ char *m = mirror(),
			    *url = m ? xasprintf("%s/releases.json", m) : xstrdup(LIST_URL);
	struct list l = { .url = url, .o = o, .read = read_releases, .arg = ret, .note = ret_note };
	int r = get_list(&l, e);

	free(l.path);
	if (r == -ENOENT && m)
		err_hint(e,
			"A mirror of kernel.org's files alone has no list of what is stable or longterm: "
			"put a copy of " LIST_URL " there.");
	return r;
}

struct sums_reader {
	struct release_sums *sums;
	struct buf *text; /* may be NULL */
};

static int read_sums(void *arg, const struct buf *text, struct err *e)
{
	struct sums_reader *s = arg;
	int r = release_sums_parse(buf_str(text), text->len, s->sums, e);

	if (r == 0 && s->text) {
		buf_clear(s->text);
		buf_add(s->text, buf_str(text), text->len);
	}
	return r;
}

int kernelorg_sums(const struct source_options *o, const struct release *r, bool must,
	struct release_sums *ret, struct buf *ret_text, char **ret_note, struct err *e)
{
	_cleanup_free_ char *folder = folder_url(r), *url = xasprintf("%s/sha256sums.asc", folder);
	struct sums_reader reader = { ret, ret_text };
	struct source_options anew = *o;
	struct list l = { .url = url, .o = o, .read = read_sums, .arg = &reader, .note = ret_note };
	int code = get_list(&l, e);

	if (code == 0 && must && !o->offline && !o->refresh && !release_sums_find(ret, r)) {
		release_sums_release(ret);
		anew.refresh = true;
		l.o = &anew;
		free(l.path);
		code = get_list(&l, e);
	}
	free(l.path);
	return code;
}
