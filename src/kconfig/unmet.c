/* SPDX-License-Identifier: MIT */
/* Which wishes a configuration does not grant, and why. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "kconfig/tree.h"

struct unmet {
	const struct kconfig *got;
	const char *srctree, *arch;
	struct ktree *tree; /* owned; read for the first wish that is not granted */
};

/* "n" where the option is not there. */
static const char *value_of(const struct kconfig *k, const char *option)
{
	const char *v = kconfig_value(k, option);

	return v ? v : "n";
}

/* Without the tree: what the configuration itself mentions. */
static bool is_known(const struct unmet *u, const char *option)
{
	const struct ksymbol *s;

	if (!u->tree)
		return kconfig_mentions(u->got, option);
	s = ktree_find(u->tree, option);
	return s && s->places;
}

static int tell(struct unmet *u, const struct kconfig_wish *w, struct strv *ret, struct err *e)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	int r = 0;

	if (u->srctree && !u->tree)
		r = ktree_load(u->srctree, u->arch, &u->tree, e);
	if (r < 0)
		return r;
	if (w->if_known && !is_known(u, w->option))
		return 0;
	buf_addf(&line, "CONFIG_%s=%s (%s) is %s", w->option, w->value, w->origin,
		value_of(u->got, w->option));
	if (u->tree) {
		buf_adds(&line, ": ");
		kexplain(u->tree, u->got, w->option, w->value, &line);
	}
	strv_take(ret, buf_detach(&line));
	return 0;
}

int kconfig_unmet(const struct kconfig_wishes *w, const struct kconfig *got, const char *srctree,
	const char *arch, struct strv *ret, struct err *e)
{
	struct unmet u = { got, srctree, arch, NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (!streq(value_of(got, w->v[i].option), w->v[i].value))
			r = tell(&u, &w->v[i], ret, e);
	ktree_free(u.tree);
	return r;
}
