/* SPDX-License-Identifier: MIT */
/* How far away something is, in options that would have to be set. */
#include "kconfig/explain.h"

#define COST_DEEP 40 /* chains in real trees are shorter */

static int sum(int a, int b)
{
	return a + b < COST_FAR ? a + b : COST_FAR;
}

static int lesser(int a, int b)
{
	return a < b ? a : b;
}

int cost_expr(const struct explain *x, const struct kexpr *e, int need, int depth)
{
	if (!e || holds(x, e, need))
		return 0;
	switch (e->op) {
	case KOP_SYMBOL:
		return cost_symbol(x, e->symbol, need, depth);
	case KOP_AND:
		return sum(cost_expr(x, e->a, need, depth), cost_expr(x, e->b, need, depth));
	case KOP_OR:
		return lesser(cost_expr(x, e->a, need, depth), cost_expr(x, e->b, need, depth));
	case KOP_NOT:
		return e->a->op == KOP_SYMBOL && has_prompt(e->a->symbol) ? 5 : 50;
	case KOP_TEXT:
		return COST_FAR;
	default:
		return 100;
	}
}

int cost_place(const struct explain *x, const struct kplace *p, int need, int depth)
{
	int c = sum(
		cost_expr(x, p->prompt_cond, need, depth), cost_expr(x, p->visible, need, depth));

	c = sum(c, cost_expr(x, choice_cond(p), need, depth));
	return sum(1 + c, cost_expr(x, p->dep, need, depth));
}

int cost_default(
	const struct explain *x, const struct kplace *p, const struct kprop *d, int need, int depth)
{
	int c = sum(cost_expr(x, d->cond, need, depth), cost_expr(x, d->value, need, depth));

	return sum(1 + c, cost_expr(x, p->dep, need, depth));
}

int cost_select(const struct explain *x, const struct kselect *s, int need, int depth)
{
	return sum(
		1 + cost_expr(x, s->cond, need, depth), cost_symbol(x, s->by->symbol, need, depth));
}

int cost_imply(const struct explain *x, const struct ksymbol *target, const struct kselect *s,
	int need, int depth)
{
	int own = COST_FAR;

	for (const struct kplace *p = target->places; p; p = p->next)
		own = lesser(own, cost_expr(x, p->dep, need, depth));
	return sum(own, cost_select(x, s, need, depth));
}

int cost_symbol(const struct explain *x, struct ksymbol *s, int need, int depth)
{
	int best = COST_FAR;

	if (value_of(x, s) >= need)
		return 0;
	if (!s->places || s->busy || depth > COST_DEEP)
		return COST_FAR;
	if (s->cost)
		return s->cost;
	need = need_of(s, need);
	s->busy = true;
	for (const struct kplace *p = s->places; p; p = p->next) {
		if (p->prompt)
			best = lesser(best, cost_place(x, p, need, depth + 1));
		for (const struct kprop *d = p->props; d; d = d->next)
			if (d->kind == KPROP_DEFAULT)
				best = lesser(best, cost_default(x, p, d, need, depth + 1));
	}
	for (const struct kselect *sel = s->selects; sel; sel = sel->next)
		best = lesser(best, cost_select(x, sel, need, depth + 1));
	for (const struct kselect *imp = s->implies; imp; imp = imp->next)
		best = lesser(best, cost_imply(x, s, imp, need, depth + 1));
	s->busy = false;
	s->cost = best;
	return best;
}
