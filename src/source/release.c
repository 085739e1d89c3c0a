/* SPDX-License-Identifier: MIT */
#include "source/release.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

#define NUMBER_MAX 9999 /* of each part */
#define FIRST      3 /* what came before 3.0 was counted otherwise */

/* Reads digits at *P, without a leading zero. False: there are none, or too many. */
static bool number(const char **p, int *ret)
{
	size_t n = strspn(*p, "0123456789");

	if (n == 0 || n > 4 || (n > 1 && **p == '0'))
		return false;
	*ret = atoi(*p);
	*p += n;
	return *ret <= NUMBER_MAX;
}

bool release_parse(const char *s, struct release *ret)
{
	struct release r = { .patch = -1 };

	if (!number(&s, &r.major) || r.major < FIRST || *s++ != '.' || !number(&s, &r.minor))
		return false;
	if (*s == '.') {
		s++;
		if (!number(&s, &r.patch))
			return false;
	} else if (str_starts(s, "-rc")) {
		s += strlen("-rc");
		if (!number(&s, &r.rc) || r.rc == 0)
			return false;
	}
	*ret = r;
	return *s == '\0';
}

bool release_same_series(const struct release *a, const struct release *b)
{
	return a->major == b->major && a->minor == b->minor;
}

int release_order(const struct release *a, const struct release *b)
{
	int p = a->patch < 0 ? 0 : a->patch, q = b->patch < 0 ? 0 : b->patch;

	if (!release_same_series(a, b))
		return a->major != b->major ? a->major - b->major : a->minor - b->minor;
	return p != q ? p - q : (a->rc ? a->rc : INT_MAX) - (b->rc ? b->rc : INT_MAX);
}

char *release_text(const struct release *r)
{
	if (r->rc)
		return xasprintf("%d.%d-rc%d", r->major, r->minor, r->rc);
	return xasprintf("%d.%d.%d", r->major, r->minor, r->patch < 0 ? 0 : r->patch);
}

char *release_file_text(const struct release *r)
{
	return r->rc || r->patch > 0 ? release_text(r) : xasprintf("%d.%d", r->major, r->minor);
}

/* ---- releases.json ---- */

void release_list_release(struct release_list *l)
{
	free(l->v);
	*l = (struct release_list){ 0 };
}

static bool kind_of(const char *moniker, enum release_kind *ret)
{
	static const char *const names[] = { "mainline", "stable", "longterm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(moniker, names[i])) {
			*ret = (enum release_kind)i;
			return true;
		}
	return false;
}

static void add_entry(struct release_list *l, const json_t *o)
{
	const char *moniker = json_string_value(json_object_get(o, "moniker"));
	const char *version = json_string_value(json_object_get(o, "version"));
	struct release_entry entry = { .eol = json_is_true(json_object_get(o, "iseol")) };

	if (!moniker || !version || !kind_of(moniker, &entry.kind) ||
		!release_parse(version, &entry.release))
		return;
	VEC_GROW(l->v, l->n, l->cap);
	l->v[l->n++] = entry;
}

int release_list_parse(const char *text, size_t len, struct release_list *ret, struct err *e)
{
	struct release_list l = { 0 };
	_cleanup_json_ json_t *root = NULL;
	const json_t *entry;
	const char *latest;
	size_t i;
	int r = json_parse(text, len, "the list of releases", &root, e);

	if (r < 0)
		return err_set(e, -EBADMSG, "the list of releases is no JSON");
	json_array_foreach (json_object_get(root, "releases"), i, entry)
		add_entry(&l, entry);
	latest = json_string_value(
		json_object_get(json_object_get(root, "latest_stable"), "version"));
	l.has_latest_stable =
		latest && release_parse(latest, &l.latest_stable) && !l.latest_stable.rc;
	if (l.n == 0) {
		release_list_release(&l);
		return err_set(e, -EBADMSG, "the list of releases names no release");
	}
	*ret = l;
	return 0;
}

/* ---- sha256sums.asc ---- */

void release_sums_release(struct release_sums *s)
{
	free(s->v);
	*s = (struct release_sums){ 0 };
}

/* The release of "linux-VERSION.tar.xz". */
static bool file_release(const char *name, struct release *ret)
{
	_cleanup_free_ char *version = NULL;
	size_t n = strlen(name);

	if (!str_starts(name, "linux-") ||
		(!str_ends(name, ".tar.xz") && !str_ends(name, ".tar.gz")))
		return false;
	version = xstrndup(name + 6, n - 6 - strlen(".tar.xz"));
	return release_parse(version, ret);
}

/* "HEX  NAME", as sha256sum(1) writes; false: another line. */
static bool sum_line(const char *line, size_t len, struct release_sum *ret, bool *ret_xz)
{
	_cleanup_free_ char *name = NULL;
	struct release_sum s = { 0 };

	if (len < HASH_HEX_LEN + 3 || line[HASH_HEX_LEN] != ' ' ||
		!strchr(" *", line[HASH_HEX_LEN + 1]))
		return false;
	for (size_t i = 0; i < HASH_HEX_LEN; i++) {
		s.sha256[i] = (char)tolower((unsigned char)line[i]);
		if (!isxdigit((unsigned char)line[i]))
			return false;
	}
	name = xstrndup(line + HASH_HEX_LEN + 2, len - HASH_HEX_LEN - 2);
	if (!file_release(name, &s.release))
		return false;
	*ret_xz = str_ends(name, ".xz");
	*ret = s;
	return true;
}

static int by_release(const void *a, const void *b)
{
	const struct release_sum *x = a, *y = b;

	return release_order(&x->release, &y->release);
}

/* Sorted, so that doubles stand beside each other. */
static int sort_sums(struct release_sums *s, struct err *e)
{
	if (s->n == 0)
		return err_set(e, -EBADMSG, "the list of checksums names no release");
	qsort(s->v, s->n, sizeof(*s->v), by_release);
	for (size_t i = 1; i < s->n; i++)
		if (by_release(&s->v[i - 1], &s->v[i]) == 0 &&
			!streq(s->v[i - 1].sha256, s->v[i].sha256)) {
			_cleanup_free_ char *text = release_file_text(&s->v[i].release);

			return err_set(
				e, -EBADMSG, "the list of checksums has two of linux-%s", text);
		}
	return 0;
}

static void add_sums(struct release_sums *s, const char *text, size_t len, bool want_xz)
{
	const char *end = text + len;

	for (const char *p = text, *next; p < end; p = next) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct release_sum sum;
		size_t n;
		bool xz;

		stop = stop ? stop : end;
		next = stop + 1;
		n = (size_t)(stop - p);
		if (n && p[n - 1] == '\r')
			n--;
		if (n >= 9 && memcmp(p, "-----BEGIN PGP SIGNATURE", n < 24 ? n : 24) == 0)
			return; /* what stands behind it is not signed */
		if (!sum_line(p, n, &sum, &xz) || xz != want_xz)
			continue;
		VEC_GROW(s->v, s->n, s->cap);
		s->v[s->n++] = sum;
	}
}

int release_sums_parse(const char *text, size_t len, struct release_sums *ret, struct err *e)
{
	static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
	struct release_sums s = { 0 };
	const char *start = memmem(text, len, begin, strlen(begin));
	int r;

	/* Nor is what stands before it. */
	if (start) {
		len -= (size_t)(start - text);
		text = start;
	}
	add_sums(&s, text, len, true);
	if (s.n == 0)
		add_sums(&s, text, len, false);
	r = sort_sums(&s, e);
	if (r < 0)
		release_sums_release(&s);
	else
		*ret = s;
	return r;
}

const struct release_sum *release_sums_find(const struct release_sums *s, const struct release *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (release_order(&s->v[i].release, r) == 0)
			return &s->v[i];
	return NULL;
}
