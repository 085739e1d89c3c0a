/* SPDX-License-Identifier: MIT */
/* Selection: which cases of a plan are wanted. */
#include <fnmatch.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "suite/plan.h"

static bool matches(const struct plan_case *c, const char *glob)
{
	return fnmatch(glob, c->id, 0) == 0 || fnmatch(glob, c->test->name, 0) == 0;
}

static bool wanted_by_filters(const struct plan_case *c, const struct selection *sel)
{
	bool any_positive = false, ret = false;

	for (size_t i = 0; i < sel->n_filters; i++) {
		const char *f = sel->filters[i];

		if (*f == '!') {
			if (matches(c, f + 1))
				return false;
			continue;
		}
		any_positive = true;
		ret = ret || matches(c, f);
	}
	return ret || !any_positive;
}

static bool wanted_by_tags(const struct plan_case *c, const struct selection *sel)
{
	for (size_t i = 0; i < sel->n_tags; i++)
		if (strv_has(&c->test->tags, sel->tags[i]))
			return true;
	return !sel->n_tags;
}

static int filter_matches_nothing(const struct plan *p, const char *filter, struct err *e)
{
	_cleanup_free_ const char **names = xcalloc(2 * p->n + 1, sizeof(*names));
	const char *glob = filter + (*filter == '!'), *near;

	for (size_t i = 0; i < p->n; i++) {
		names[i] = p->v[i].test->name;
		names[p->n + i] = p->v[i].id;
	}
	near = text_nearest(glob, names, 2 * p->n);
	if (near)
		return err_set(e, -ENOENT, "filter '%s' matches nothing; did you mean '%s'?",
			filter, near);
	err_set(e, -ENOENT, "filter '%s' matches nothing", filter);
	return err_hint(e, "`vmrig list` shows every name.");
}

static int check_filters(const struct plan *p, const struct selection *sel, struct err *e)
{
	for (size_t i = 0; i < sel->n_filters; i++) {
		const char *f = sel->filters[i];
		size_t n = 0;

		for (size_t k = 0; k < p->n; k++)
			n += matches(&p->v[k], f + (*f == '!'));
		if (!n)
			return filter_matches_nothing(p, f, e);
	}
	return 0;
}

static int check_tags(const struct plan *p, const struct selection *sel, struct err *e)
{
	for (size_t i = 0; i < sel->n_tags; i++) {
		struct strv all = STRV_INIT;
		const char *near;
		int r = 0;

		for (size_t k = 0; k < p->n; k++)
			for (size_t t = 0; t < p->v[k].test->tags.n; t++)
				if (!strv_has(&all, p->v[k].test->tags.v[t]))
					strv_add(&all, p->v[k].test->tags.v[t]);
		if (!strv_has(&all, sel->tags[i])) {
			near = text_nearest(sel->tags[i], (const char *const *)all.v, all.n);
			r = near ? err_set(e, -ENOENT,
					   "no test has the tag '%s'; did you mean '%s'?",
					   sel->tags[i], near)
				 : err_set(e, -ENOENT, "no test has the tag '%s'", sel->tags[i]);
		}
		strv_release(&all);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_select(struct plan *p, const struct selection *sel, struct err *e)
{
	size_t n = 0;
	int r = check_filters(p, sel, e);

	if (r >= 0)
		r = check_tags(p, sel, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++) {
		if (wanted_by_filters(&p->v[i], sel) && wanted_by_tags(&p->v[i], sel))
			p->v[n++] = p->v[i];
		else
			free(p->v[i].id);
	}
	p->n = n;
	return 0;
}
