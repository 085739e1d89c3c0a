/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "source/kernelorg.h"
#include "source/release.h"
#include "source/source.h"
#include "source/store.h"

static const char *const kinds[] = { "mainline", "stable", "longterm" };

struct range {
	struct release a, b;
};

static bool parse_kind(const char *spec, enum release_kind *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (streq(spec, kinds[i])) {
			*ret = (enum release_kind)i;
			return true;
		}
	return false;
}

static bool parse_range(const char *spec, struct range *ret)
{
	const char *dots = strstr(spec, "..");
	_cleanup_free_ char *a = dots ? xstrndup(spec, (size_t)(dots - spec)) : NULL;

	return a && release_parse(a, &ret->a) && release_parse(dots + 2, &ret->b);
}

/* Neither a patch nor an -rc is named: a series. */
static bool is_series(const struct release *r)
{
	return r->patch < 0 && r->rc == 0;
}

bool source_is_release(const char *spec)
{
	enum release_kind kind;
	struct release release;
	struct range range;

	return parse_kind(spec, &kind) || release_parse(spec, &release) ||
	       parse_range(spec, &range);
}

struct expansion {
	const struct source_options *o; /* borrowed */
	struct release *v; /* owned */
	size_t n, cap;
	char *note; /* owned */
};

static void expansion_release(struct expansion *x)
{
	free(x->v);
	free(x->note);
}

static void add(struct expansion *x, const struct release *r)
{
	for (size_t i = 0; i < x->n; i++)
		if (release_order(&x->v[i], r) == 0)
			return;
	VEC_GROW(x->v, x->n, x->cap);
	x->v[x->n++] = *r;
}

static void add_note(struct expansion *x, char *note)
{
	if (x->note && note) {
		char *both = xasprintf("%s; %s", x->note, note);

		free(x->note);
		free(note);
		x->note = both;
	} else if (note) {
		x->note = note;
	}
}

static int by_order(const void *a, const void *b)
{
	return release_order(a, b);
}

/* ---- stable, longterm, mainline ---- */

static int expand_kind(struct expansion *x, enum release_kind kind, struct err *e)
{
	__attribute__((cleanup(release_list_release))) struct release_list l = { 0 };
	const struct release *best = NULL;
	char *note = NULL;
	int r = kernelorg_list(x->o, &l, &note, e);

	if (r < 0)
		return r;
	add_note(x, note);
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].kind == kind && !l.v[i].eol &&
			(!best || release_order(best, &l.v[i].release) < 0))
			best = &l.v[i].release;
	/* A release that is just out stands as mainline, and is the latest stable as well. */
	if (kind == RELEASE_STABLE && l.has_latest_stable &&
		(!best || release_order(best, &l.latest_stable) < 0))
		best = &l.latest_stable;
	if (!best)
		return err_set(e, -ENOENT, "the list of releases has none that is %s", kinds[kind]);
	add(x, best);
	return 0;
}

/* ---- a series ---- */

/* The list names the newest of each series that is maintained. False: it does not name this one. */
static bool newest_listed(
	const struct release_list *l, const struct release *series, struct release *ret)
{
	bool found = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct release *r = &l->v[i].release;

		if (!release_same_series(r, series) || r->rc ||
			(found && release_order(r, ret) <= 0))
			continue;
		*ret = *r;
		found = true;
	}
	return found;
}

static bool newest_in_sums(
	const struct release_sums *s, const struct release *series, struct release *ret)
{
	bool found = false;

	for (size_t i = 0; i < s->n; i++)
		if (release_same_series(&s->v[i].release, series)) {
			*ret = s->v[i].release; /* they are in order */
			found = true;
		}
	return found;
}

/* Offline and without lists: what is here. */
static bool newest_cached(const struct release *series, struct release *ret)
{
	_cleanup_strv_ struct strv labels = STRV_INIT;
	bool found = false;

	if (store_names("release ", &labels, NULL) < 0)
		return false;
	for (size_t i = 0; i < labels.n; i++) {
		struct release r;

		if (!release_parse(labels.v[i], &r) || r.rc || !release_same_series(&r, series) ||
			(found && release_order(&r, ret) <= 0))
			continue;
		*ret = r;
		found = true;
	}
	return found;
}

static int none_in_series(const struct release_list *l, const struct release *series, struct err *e)
{
	err_set(e, -ENOENT, "there is no release of the series %d.%d", series->major,
		series->minor);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].release.rc && release_same_series(&l->v[i].release, series)) {
			_cleanup_free_ char *rc = release_text(&l->v[i].release);

			return err_hint(e, "It is in the making: %s is there.", rc);
		}
	return -ENOENT;
}

/* The list first; what it does not name (series that are no more maintained) is in the folder's sums. */
static int expand_series(struct expansion *x, const struct release *series, struct err *e)
{
	__attribute__((cleanup(release_list_release))) struct release_list l = { 0 };
	__attribute__((cleanup(release_sums_release))) struct release_sums s = { 0 };
	struct err why = ERR_INIT;
	struct release best;
	char *note = NULL;
	int r, q;

	r = kernelorg_list(x->o, &l, &note, &why);
	add_note(x, note);
	if (r == 0 && newest_listed(&l, series, &best)) {
		add(x, &best);
		return 0;
	}
	note = NULL;
	q = kernelorg_sums(x->o, series, false, &s, NULL, &note, r == 0 ? &why : NULL);
	add_note(x, note);
	if (q == 0 && newest_in_sums(&s, series, &best)) {
		add(x, &best);
		r = 0;
	} else if (x->o->offline && newest_cached(series, &best)) {
		add_note(x,
			xasprintf(
				"offline, and without a list of releases: the newest %d.%d of the "
				"cache",
				series->major, series->minor));
		add(x, &best);
		r = 0;
	} else if (q == 0) {
		r = none_in_series(&l, series, e);
	} else {
		r = err_move(e, &why);
	}
	err_release(&why);
	return r;
}

/* ---- ranges ---- */

/* A series stands for its first release at the range's start, and for its last at the end. */
static bool within(const struct release *r, const struct range *range)
{
	struct release first = range->a, last = range->b;

	if (is_series(&first))
		first.patch = 0;
	if (is_series(&last))
		last.patch = 10000;
	return release_order(&first, r) <= 0 && release_order(r, &last) <= 0;
}

static int expand_patches(struct expansion *x, const struct range *range, struct err *e)
{
	__attribute__((cleanup(release_sums_release))) struct release_sums s = { 0 };
	char *note = NULL;
	int r = kernelorg_sums(x->o, &range->b, !is_series(&range->b), &s, NULL, &note, e);

	if (r < 0)
		return r;
	add_note(x, note);
	for (size_t i = 0; i < s.n; i++)
		if (within(&s.v[i].release, range))
			add(x, &s.v[i].release);
	return 0;
}

static int expand_listed(struct expansion *x, const struct range *range, struct err *e)
{
	__attribute__((cleanup(release_list_release))) struct release_list l = { 0 };
	char *note = NULL;
	int r = kernelorg_list(x->o, &l, &note, e);

	if (r < 0)
		return r;
	add_note(x, note);
	for (size_t i = 0; i < l.n; i++) {
		const struct release *v = &l.v[i].release;

		if (within(v, range) && (!v->rc || range->b.rc))
			add(x, v);
	}
	if (!is_series(&range->a))
		add(x, &range->a);
	if (!is_series(&range->b))
		add(x, &range->b);
	return 0;
}

static int expand_range(struct expansion *x, const struct range *range, struct err *e)
{
	struct release end = range->b;
	int r;

	if (is_series(&end))
		end.patch = 10000;
	if (release_order(&range->a, &end) > 0)
		return err_set(e, -EINVAL, "its end lies before its start");
	r = release_same_series(&range->a, &range->b) && !range->a.rc && !range->b.rc
		    ? expand_patches(x, range, e)
		    : expand_listed(x, range, e);
	if (r < 0)
		return r;
	return x->n ? 0 : err_set(e, -ENOENT, "the list of releases has none between them");
}

/* ---- the door ---- */

static int expand(struct expansion *x, const char *spec, struct err *e)
{
	enum release_kind kind;
	struct release release;
	struct range range;

	if (parse_kind(spec, &kind))
		return expand_kind(x, kind, e);
	if (parse_range(spec, &range))
		return expand_range(x, &range, e);
	BUG_ON(!release_parse(spec, &release));
	if (is_series(&release))
		return expand_series(x, &release, e);
	add(x, &release);
	return 0;
}

int source_expand(const char *spec, const struct source_options *o, struct strv *ret,
	char **ret_note, struct err *e)
{
	static const struct source_options none = { 0 };
	__attribute__((cleanup(expansion_release))) struct expansion x = { .o = o ? o : &none };
	int r;

	if (ret_note)
		*ret_note = NULL;
	if (!source_is_release(spec)) {
		strv_add(ret, spec);
		return 0;
	}
	r = expand(&x, spec, e);
	if (r < 0)
		return err_wrap(e, "release %s", spec);
	qsort(x.v, x.n, sizeof(*x.v), by_order);
	for (size_t i = 0; i < x.n; i++)
		strv_take(ret, release_text(&x.v[i]));
	if (ret_note)
		*ret_note = TAKE_PTR(x.note);
	return 0;
}

void source_list_free(struct source_listed *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].version);
	free(list);
}

static int entries_by_order(const void *a, const void *b)
{
	const struct release_entry *x = a, *y = b;

	return release_order(&x->release, &y->release);
}

int source_list(const struct source_options *o, struct source_listed **ret, size_t *ret_n,
	char **ret_note, struct err *e)
{
	static const struct source_options none = { 0 };
	__attribute__((cleanup(release_list_release))) struct release_list l = { 0 };
	struct source_listed *list;
	char *note = NULL;
	int r = kernelorg_list(o ? o : &none, &l, &note, e);

	if (r < 0)
		return r;
	qsort(l.v, l.n, sizeof(*l.v), entries_by_order);
	list = xcalloc(l.n, sizeof(*list));
	for (size_t i = 0; i < l.n; i++)
		list[i] = (struct source_listed){ release_text(&l.v[i].release), kinds[l.v[i].kind],
			l.v[i].eol };
	*ret = list;
	*ret_n = l.n;
	if (ret_note)
		*ret_note = TAKE_PTR(note);
	free(note);
	return 0;
}
