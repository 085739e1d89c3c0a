/* SPDX-License-Identifier: MIT */
/* Private to src/kconfig: an explanation in the making, and how far away what is missing is. */
#ifndef KCONFIG_EXPLAIN_H
#define KCONFIG_EXPLAIN_H

#include "kconfig/tree.h"

#define COST_FAR 10000

struct explain {
	struct ktree *tree;
	const struct kconfig *got;
	struct buf *out;
	size_t start; /* of this explanation in OUT */
	int chain; /* how far down it is */
	unsigned serial; /* of this explanation: each option is told once in it */
};

static inline int value_of(const struct explain *x, const struct ksymbol *s)
{
	return ksymbol_value(s, x->got);
}

static inline bool holds(const struct explain *x, const struct kexpr *e, int need)
{
	return kexpr_eval(e, x->got).low >= need;
}

/* A bool is y where a tristate could be m. */
static inline int need_of(const struct ksymbol *s, int want)
{
	return want == 2 && s->type != KTYPE_TRISTATE ? 1 : want;
}

static inline bool has_prompt(const struct ksymbol *s)
{
	for (const struct kplace *p = s->places; p; p = p->next)
		if (p->prompt)
			return true;
	return false;
}

static inline const struct kexpr *choice_cond(const struct kplace *p)
{
	return p->choice ? p->choice->prompt_cond : NULL;
}

/* ---- cost.c: in options that would have to be set; COST_FAR and more: none would help ---- */

int cost_symbol(const struct explain *x, struct ksymbol *s, int need, int depth);
int cost_expr(const struct explain *x, const struct kexpr *e, int need, int depth);
int cost_place(const struct explain *x, const struct kplace *p, int need, int depth);
int cost_default(const struct explain *x, const struct kplace *p, const struct kprop *d, int need,
	int depth);
int cost_select(const struct explain *x, const struct kselect *s, int need, int depth);
/* An "imply" of TARGET gives it what its own dependencies allow. */
int cost_imply(const struct explain *x, const struct ksymbol *target, const struct kselect *s,
	int need, int depth);

#endif
