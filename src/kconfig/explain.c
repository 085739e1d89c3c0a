/* SPDX-License-Identifier: MIT */
/*
 * Why an option has not the value that was asked for. Of several ways to it (places, selects, alternatives of an
 * "or") the one is told that the fewest options stand in; from there on down to options that anybody could set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kconfig/explain.h"

#define CHAIN_MAX 8
#define PARTS_MAX 16
#define NAMES_MAX 4
#define TEXT_MAX  1200

/* ---- texts ---- */

static const char *tristate_name(int v)
{
	return v == 2 ? "y" : v == 1 ? "m" : "n";
}

/* "A", "A and B", "A, B and 7 more" */
static void add_name(struct explain *x, const char *name, size_t i, size_t n)
{
	if (i >= NAMES_MAX && n > NAMES_MAX + 1) {
		if (i == NAMES_MAX)
			buf_addf(x->out, " and %zu more", n - i);
		return;
	}
	buf_addf(x->out, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ", name);
}

static bool explain_symbol(struct explain *x, struct ksymbol *s, int want);

/* Goes on with the reason why S is not WANT, if there is one: what stands before it was "S is n". */
static void go_on(struct explain *x, struct ksymbol *s, int want, bool alone)
{
	size_t before = x->out->len;

	if (!s->places || s->busy || x->chain == CHAIN_MAX || before - x->start > TEXT_MAX)
		return;
	buf_adds(x->out, alone ? ": " : " (");
	x->chain++;
	s->busy = true;
	if (!explain_symbol(x, s, want))
		buf_truncate(x->out, before);
	else if (!alone)
		buf_addc(x->out, ')');
	s->busy = false;
	x->chain--;
}

/* Further down, what was told further up is no news. */
static bool is_told(const struct explain *x, const struct ksymbol *s)
{
	return x->chain > 0 && s->told == x->serial;
}

/* What in E is less than NEED, as the parts of an "and". */
static size_t failing(const struct explain *x, const struct kexpr *e, int need,
	const struct kexpr *parts[static PARTS_MAX], size_t n)
{
	if (!e || n == PARTS_MAX || holds(x, e, need))
		return n;
	if (e->op == KOP_AND) {
		n = failing(x, e->a, need, parts, n);
		return failing(x, e->b, need, parts, n);
	}
	if (e->op == KOP_SYMBOL && is_told(x, e->symbol))
		return n;
	for (size_t i = 0; i < n; i++)
		if (parts[i] == e || (e->op == KOP_SYMBOL && parts[i]->symbol == e->symbol))
			return n;
	parts[n] = e;
	return n + 1;
}

/* What macros say cannot be known, and counts only where nothing else fails. */
static bool is_open(const struct explain *x, const struct kexpr *e, int need)
{
	return kexpr_eval(e, x->got).high >= need;
}

/* As much as it gives: a bool is y where what it depends on is m, and selects no more than that. */
static bool selects(const struct explain *x, const struct kselect *s, int need)
{
	return value_of(x, s->by->symbol) >= need && holds(x, s->by->dep, need) &&
	       holds(x, s->cond, need);
}

/* Unlike "select", never more than what the target itself depends on. */
static bool implies(
	const struct explain *x, const struct ksymbol *target, const struct kselect *s, int need)
{
	for (const struct kplace *p = target->places; p; p = p->next)
		if (holds(x, p->dep, need))
			return selects(x, s, need);
	return false;
}

static const struct ksymbol *selected_by(
	const struct explain *x, const struct ksymbol *s, int more_than)
{
	for (const struct kselect *sel = s->selects; sel; sel = sel->next)
		if (selects(x, sel, more_than + 1))
			return sel->by->symbol;
	return NULL;
}

static void add_not(struct explain *x, const struct kexpr *e)
{
	const struct ksymbol *s = e->a->symbol, *by;

	kexpr_print(e, x->out);
	if (e->a->op != KOP_SYMBOL)
		return;
	by = selected_by(x, s, 0);
	buf_addf(x->out, ", while %s is %s", s->name, tristate_name(value_of(x, s)));
	if (by)
		buf_addf(x->out, " (%s selects it)", by->name);
}

/* The nearest of the alternatives. */
static const struct kexpr *nearest(const struct explain *x, const struct kexpr *e, int need)
{
	while (e->op == KOP_OR)
		e = cost_expr(x, e->b, need, 0) < cost_expr(x, e->a, need, 0) ? e->b : e->a;
	return e;
}

static bool all_symbols(const struct kexpr *e)
{
	return e->op == KOP_SYMBOL || (e->op == KOP_OR && all_symbols(e->a) && all_symbols(e->b));
}

static void add_symbol(struct explain *x, struct ksymbol *s, int need, bool alone)
{
	if (!s->places) {
		buf_addf(x->out, "%s, which no Kconfig file declares for %s", s->name,
			x->tree->srcarch);
		return;
	}
	buf_addf(x->out, "%s, which is %s", s->name, tristate_name(value_of(x, s)));
	go_on(x, s, need, alone);
}

static void add_or(struct explain *x, const struct kexpr *e, int need, bool alone)
{
	const struct kexpr *near = nearest(x, e, need);

	kexpr_print(e, x->out);
	buf_adds(x->out, all_symbols(e) ? ", of which none is set" : ", which does not hold");
	if (near->op == KOP_SYMBOL && near->symbol->places) {
		size_t before = x->out->len;

		buf_addf(x->out, "; nearest is %s", near->symbol->name);
		need = x->out->len;
		go_on(x, near->symbol, 2, alone);
		if (x->out->len == (size_t)need)
			buf_truncate(x->out, before);
	}
}

static void add_comparison(struct explain *x, const struct kexpr *e)
{
	_cleanup_buf_ struct buf tmp = BUF_INIT;

	kexpr_print(e, x->out);
	for (int i = 0; i < 2; i++) {
		const struct kexpr *side = i ? e->b : e->a;

		if (side->op == KOP_SYMBOL)
			buf_addf(x->out, ", while %s is %s", side->symbol->name,
				ksymbol_text(side->symbol, x->got, &tmp));
	}
}

static void add_part(struct explain *x, const struct kexpr *e, int need, bool alone)
{
	switch (e->op) {
	case KOP_SYMBOL:
		add_symbol(x, e->symbol, need, alone);
		return;
	case KOP_NOT:
		add_not(x, e);
		return;
	case KOP_OR:
		add_or(x, e, need, alone);
		return;
	case KOP_MACRO:
		buf_addf(x->out, "%s, which asks the toolchain", e->text);
		return;
	case KOP_TEXT:
		buf_addf(x->out,
			streq(e->text, "m") ? "modules (MODULES is n)" : "\"%s\", and so never",
			e->text);
		return;
	default:
		add_comparison(x, e);
	}
}

/* "BEFORE A, which is n, and B, which is n". False when nothing in E fails. */
static bool add_failing(struct explain *x, const char *before, const struct kexpr *e, int need)
{
	const struct kexpr *parts[PARTS_MAX];
	size_t all = failing(x, e, need, parts, 0), n = 0;

	for (size_t i = 0; i < all; i++)
		if (!is_open(x, parts[i], need))
			parts[n++] = parts[i];
	n = n ? n : all;
	for (size_t i = 0; i < n; i++)
		if (parts[i]->op == KOP_SYMBOL)
			parts[i]->symbol->told = x->serial;
	for (size_t i = 0; i < n && i < NAMES_MAX; i++) {
		buf_addf(x->out, "%s", i == 0 ? before : i == n - 1 ? ", and on " : ", on ");
		add_part(x, parts[i], need, n == 1);
	}
	if (n > NAMES_MAX)
		buf_addf(x->out, ", and on %zu more", n - NAMES_MAX);
	return n > 0;
}

/* ---- why it is not as much as was asked ---- */

static const struct kplace *nearest_place(
	const struct explain *x, const struct ksymbol *s, int need)
{
	const struct kplace *best = NULL;
	int cost = COST_FAR + 1;

	for (const struct kplace *p = s->places; p; p = p->next) {
		int c = p->prompt ? cost_place(x, p, need, 0) : COST_FAR + 1;

		if (c < cost) {
			best = p;
			cost = c;
		}
	}
	return best;
}

static bool add_choice(struct explain *x, const struct kplace *p)
{
	if (!p->choice)
		return false;
	for (const struct kplace *m = p->choice->members; m; m = m->next_member)
		if (m->symbol != p->symbol && value_of(x, m->symbol) == 2) {
			buf_addf(x->out, "the choice \"%s\" took %s", p->choice->prompt,
				m->symbol->name);
			return true;
		}
	return false;
}

static bool explain_prompt(struct explain *x, const struct kplace *p, int need)
{
	if (add_failing(x, "it depends on ", p->dep, need))
		return true;
	if (add_failing(x, "to be asked for it depends on ", p->prompt_cond, need) ||
		add_failing(x, "to be asked for it depends on ", p->visible, need) ||
		add_failing(x, "its choice depends on ", choice_cond(p), need))
		return true;
	return add_choice(x, p);
}

/* The default that is nearest to hold. */
static bool explain_default(struct explain *x, const struct ksymbol *s, int need, int than)
{
	const struct kplace *place = NULL;
	const struct kprop *prop = NULL;

	for (const struct kplace *p = s->places; p; p = p->next)
		for (const struct kprop *d = p->props; d; d = d->next) {
			int c = d->kind == KPROP_DEFAULT ? cost_default(x, p, d, need, 0)
							 : COST_FAR;

			if (c < than) {
				place = p;
				prop = d;
				than = c;
			}
		}
	if (!prop)
		return false;
	if (prop->value->op == KOP_MACRO && holds(x, place->dep, need) &&
		holds(x, prop->cond, need)) {
		buf_addf(x->out, "it has no prompt, and is what %s says", prop->value->text);
		return true;
	}
	return add_failing(x, "it has no prompt, and by default depends on ", place->dep, need) ||
	       add_failing(x, "it has no prompt, and by default depends on ", prop->cond, need) ||
	       add_failing(x, "it has no prompt, and by default depends on ", prop->value, need);
}

/* A select or an imply of an option without a prompt. */
struct giver {
	const struct kselect *by;
	bool implies;
};

static struct giver nearest_giver(
	const struct explain *x, const struct ksymbol *s, int need, int *ret_cost)
{
	struct giver best = { NULL, false };

	*ret_cost = COST_FAR + 1;
	for (const struct kselect *sel = s->selects; sel; sel = sel->next) {
		int c = cost_select(x, sel, need, 0);

		if (c < *ret_cost) {
			best = (struct giver){ sel, false };
			*ret_cost = c;
		}
	}
	for (const struct kselect *imp = s->implies; imp; imp = imp->next) {
		int c = cost_imply(x, s, imp, need, 0);

		if (c < *ret_cost) {
			best = (struct giver){ imp, true };
			*ret_cost = c;
		}
	}
	return best;
}

static void add_givers(struct explain *x, const struct ksymbol *s, struct giver best)
{
	const struct ksymbol *by = best.by->by->symbol;
	size_t n = 0, i = 0;

	for (const struct kselect *sel = s->selects; sel; sel = sel->next)
		n++;
	for (const struct kselect *imp = s->implies; imp; imp = imp->next)
		n++;
	buf_adds(x->out,
		n == 1 ? "it has no prompt, and only " : "it has no prompt, and only one of ");
	add_name(x, by->name, i++, n);
	for (const struct kselect *sel = s->selects; sel; sel = sel->next)
		if (sel != best.by)
			add_name(x, sel->by->symbol->name, i++, n);
	for (const struct kselect *imp = s->implies; imp; imp = imp->next)
		if (imp != best.by)
			add_name(x, imp->by->symbol->name, i++, n);
	buf_addf(x->out, " could %s it; %s is %s",
		!s->implies   ? "select"
		: !s->selects ? "imply"
			      : "select or imply",
		by->name, tristate_name(value_of(x, by)));
}

static const struct kexpr *nearest_dep(const struct explain *x, const struct ksymbol *s, int need)
{
	const struct kexpr *best = NULL;
	int cost = COST_FAR + 1;

	for (const struct kplace *p = s->places; p; p = p->next) {
		int c = cost_expr(x, p->dep, need, 0);

		if (c < cost) {
			best = p->dep;
			cost = c;
		}
	}
	return best;
}

static void explain_giver(struct explain *x, const struct ksymbol *s, int need, struct giver best)
{
	struct ksymbol *by = best.by->by->symbol;

	if (value_of(x, by) < need) {
		add_givers(x, s, best);
		go_on(x, by, need, true);
		return;
	}
	if (best.implies && holds(x, best.by->cond, need)) {
		buf_addf(x->out, "it has no prompt, and %s, which is %s, implies it, but ",
			by->name, tristate_name(value_of(x, by)));
		if (!add_failing(x, "it depends on ", nearest_dep(x, s, need), need))
			buf_adds(x->out, "gives it no more");
		return;
	}
	buf_addf(x->out, "it has no prompt, and %s, which is %s, %s it only if ", by->name,
		tristate_name(value_of(x, by)), best.implies ? "implies" : "selects");
	kexpr_print(best.by->cond, x->out);
}

static void explain_without_prompt(struct explain *x, const struct ksymbol *s, int need)
{
	int cost;
	struct giver best = nearest_giver(x, s, need, &cost);

	if (explain_default(x, s, need, cost))
		return;
	if (best.by)
		explain_giver(x, s, need, best);
	else
		buf_adds(x->out, "it has no prompt, and nothing selects it");
}

/* False if it could simply be set. */
static bool explain_symbol(struct explain *x, struct ksymbol *s, int want)
{
	int need = need_of(s, want);
	const struct kplace *p = nearest_place(x, s, need);

	if (p)
		return explain_prompt(x, p, need);
	explain_without_prompt(x, s, need);
	return true;
}

/* ---- why it is more than was asked ---- */

/* "A selects it", "A and B imply it": all that hold it above WANT; false: none does. */
static bool explain_held(
	struct explain *x, const struct ksymbol *s, const struct kselect *list, int want)
{
	bool weak = list == s->implies;
	size_t n = 0, i = 0;

	for (int pass = 0; pass < 2; pass++)
		for (const struct kselect *l = list; l; l = l->next) {
			if (weak ? !implies(x, s, l, want + 1) : !selects(x, l, want + 1))
				continue;
			if (pass == 0)
				n++;
			else
				add_name(x, l->by->symbol->name, i++, n);
		}
	if (n)
		buf_adds(x->out, weak ? (n == 1 ? " implies it" : " imply it")
				      : (n == 1 ? " selects it" : " select it"));
	return n > 0;
}

static bool explain_no_modules(struct explain *x)
{
	if (kconfig_tristate(x->got, "MODULES") == 'y')
		return false;
	buf_adds(x->out, "there are no modules, since MODULES is n");
	return true;
}

static bool prompt_holds(const struct explain *x, const struct kplace *p, int need)
{
	return holds(x, p->prompt_cond, need) && holds(x, p->visible, need) &&
	       holds(x, choice_cond(p), need);
}

static bool explain_more(struct explain *x, const struct ksymbol *s, int want)
{
	const struct kplace *p = nearest_place(x, s, 1);

	if (s->selects && explain_held(x, s, s->selects, want))
		return true;
	if (!p) {
		buf_adds(x->out, "it has no prompt, and ");
		if (!s->implies || !explain_held(x, s, s->implies, want))
			buf_adds(x->out, "this is its default");
		return true;
	}
	if (p->choice) {
		buf_addf(x->out, "the choice \"%s\" must take one, and no other was asked for",
			p->choice->prompt);
		return true;
	}
	if (want == 1 && explain_no_modules(x))
		return true;
	/* Of an option that can be asked for, "imply" is a default: without its prompt it counts. */
	if (s->implies && !prompt_holds(x, p, 1) && explain_held(x, s, s->implies, want))
		buf_adds(x->out, ", and ");
	return explain_prompt(x, p, 1);
}

/* ---- values ---- */

static const char *type_name(enum ktype type)
{
	static const char *const names[] = { [KTYPE_UNKNOWN] = "of no type",
		[KTYPE_BOOL] = "a bool: y or n",
		[KTYPE_TRISTATE] = "a tristate: y, m or n",
		[KTYPE_STRING] = "a string, in double quotes",
		[KTYPE_INT] = "a number",
		[KTYPE_HEX] = "a number in hexadecimal, with 0x" };

	return names[type];
}

static bool fits(enum ktype type, const char *value)
{
	bool tristate = strchr("ymn", value[0]) && value[0] && !value[1];

	switch (type) {
	case KTYPE_BOOL:
		return tristate && value[0] != 'm';
	case KTYPE_TRISTATE:
		return tristate;
	case KTYPE_STRING:
		return value[0] == '"';
	case KTYPE_INT:
		return !tristate && value[0] != '"' && !str_starts(value, "0x");
	case KTYPE_HEX:
		return str_starts(value, "0x");
	default:
		return true;
	}
}

/* The range that counts is the first whose condition holds. */
static bool explain_range(struct explain *x, const struct ksymbol *s, const char *value)
{
	long long v = strtoll(value, NULL, 0);

	for (const struct kplace *p = s->places; p; p = p->next)
		for (const struct kprop *d = p->props; d; d = d->next) {
			_cleanup_buf_ struct buf from = BUF_INIT, to = BUF_INIT, tmp = BUF_INIT;

			if (d->kind != KPROP_RANGE || !holds(x, d->cond, 1))
				continue;
			buf_adds(&from, d->value->symbol
						? ksymbol_text(d->value->symbol, x->got, &tmp)
						: d->value->text);
			buf_adds(&to, d->to->symbol ? ksymbol_text(d->to->symbol, x->got, &tmp)
						    : d->to->text);
			if (v >= strtoll(buf_str(&from), NULL, 0) &&
				v <= strtoll(buf_str(&to), NULL, 0))
				return false;
			buf_addf(x->out, "it must lie between %s and %s", buf_str(&from),
				buf_str(&to));
			return true;
		}
	return false;
}

static bool explain_value(struct explain *x, struct ksymbol *s, const char *value)
{
	bool more = s->type == KTYPE_BOOL || s->type == KTYPE_TRISTATE || s->type == KTYPE_UNKNOWN;
	int want = value[0] == 'y' ? 2 : value[0] == 'm' ? 1 : 0;

	if (!fits(s->type, value) && !streq(value, "n")) {
		buf_addf(x->out, "it is %s", type_name(s->type));
		return true;
	}
	if (!more)
		return explain_range(x, s, value) || explain_symbol(x, s, 1);
	if (value_of(x, s) > want)
		return explain_more(x, s, want);
	return explain_symbol(x, s, want) || (want == 1 && explain_no_modules(x));
}

static void explain_unknown(struct explain *x, const char *option)
{
	const char *near = ktree_nearest(x->tree, option);

	buf_addf(x->out, "no Kconfig file declares it for %s", x->tree->srcarch);
	if (near && !streq(near, option))
		buf_addf(x->out, "; the nearest name is %s", near);
	if (x->tree->n_missing)
		buf_addf(x->out, " (%zu of them could not be read)", x->tree->n_missing);
}

void kexplain(struct ktree *t, const struct kconfig *got, const char *option, const char *value,
	struct buf *ret)
{
	struct explain x = {
		.tree = t, .got = got, .out = ret, .start = ret->len, .serial = ++t->n_explained
	};
	struct ksymbol *s = ktree_find(t, option);

	if (!s || !s->places) {
		explain_unknown(&x, option);
		return;
	}
	s->busy = true;
	s->told = x.serial;
	if (!explain_value(&x, s, value))
		buf_adds(ret, "it could be set: nothing that it depends on is missing");
	s->busy = false;
}
