/* SPDX-License-Identifier: MIT */
/* Expressions of Kconfig: read, weighed against a configuration, and written down. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kconfig/tree.h"

#define DEPTH_MAX  400 /* "if", "menu" and lines of "depends on" nest too, by kexpr_and() */
#define NESTED_MAX 100

/* ---- making ---- */

static unsigned depth_of(const struct kexpr *x)
{
	return x ? x->depth : 0;
}

/* NULL when it would be too deep. */
static const struct kexpr *make(
	struct ktree *t, enum kop op, const struct kexpr *a, const struct kexpr *b)
{
	unsigned depth = 1 + (depth_of(a) > depth_of(b) ? depth_of(a) : depth_of(b));
	struct kexpr *x;

	if (depth > DEPTH_MAX)
		return NULL;
	x = ktree_alloc(t, sizeof(*x));
	*x = (struct kexpr){ .op = op, .depth = depth, .a = a, .b = b };
	return x;
}

const struct kexpr *kexpr_and(struct ktree *t, const struct kexpr *a, const struct kexpr *b)
{
	const struct kexpr *both;

	if (!a || !b)
		return a ? a : b;
	both = make(t, KOP_AND, a, b);
	return both ? both : a;
}

static bool is_number(const char *s)
{
	char *end;

	strtoll(s, &end, 0);
	return *s && *end == '\0';
}

static bool is_tristate(const char *s)
{
	return streq(s, "y") || streq(s, "m") || streq(s, "n");
}

const struct kexpr *kexpr_parse_operand(struct klex *l)
{
	const char *text = buf_str(&l->text);
	struct kexpr *x;

	if (l->kind != KTOKEN_WORD && l->kind != KTOKEN_STRING)
		return NULL;
	x = ktree_alloc(l->tree, sizeof(*x));
	if (strstr(text, "$("))
		x->op = KOP_MACRO;
	else if (l->kind == KTOKEN_STRING || is_number(text) || is_tristate(text))
		x->op = KOP_TEXT;
	else
		x->op = KOP_SYMBOL;
	if (x->op == KOP_SYMBOL)
		x->symbol = ktree_symbol(l->tree, text);
	else
		x->text = ktree_strndup(l->tree, text, l->text.len);
	klex_next(l);
	return x;
}

static const struct kexpr *parse_or(struct klex *l, int nested);

/* OPERAND, OPERAND = OPERAND, !X, ( X ) */
static const struct kexpr *parse_term(struct klex *l, int nested)
{
	static const enum kop ops[] = { [KTOKEN_EQ] = KOP_EQ,
		[KTOKEN_NE] = KOP_NE,
		[KTOKEN_LT] = KOP_LT,
		[KTOKEN_LE] = KOP_LE,
		[KTOKEN_GT] = KOP_GT,
		[KTOKEN_GE] = KOP_GE };
	const struct kexpr *a, *b;
	enum kop op;

	if (nested > NESTED_MAX)
		return NULL;
	if (l->kind == KTOKEN_NOT) {
		klex_next(l);
		a = parse_term(l, nested + 1);
		return a ? make(l->tree, KOP_NOT, a, NULL) : NULL;
	}
	if (l->kind == KTOKEN_OPEN) {
		klex_next(l);
		a = parse_or(l, nested + 1);
		if (l->kind == KTOKEN_CLOSE)
			klex_next(l);
		return a;
	}
	a = kexpr_parse_operand(l);
	if (!a || l->kind < KTOKEN_EQ || l->kind > KTOKEN_GE)
		return a;
	op = ops[l->kind];
	klex_next(l);
	b = kexpr_parse_operand(l);
	return b ? make(l->tree, op, a, b) : a;
}

static const struct kexpr *parse_and(struct klex *l, int nested)
{
	const struct kexpr *x = parse_term(l, nested);

	while (x && l->kind == KTOKEN_AND) {
		const struct kexpr *b;

		klex_next(l);
		b = parse_term(l, nested);
		x = b ? make(l->tree, KOP_AND, x, b) : x;
	}
	return x;
}

static const struct kexpr *parse_or(struct klex *l, int nested)
{
	const struct kexpr *x = parse_and(l, nested);

	while (x && l->kind == KTOKEN_OR) {
		const struct kexpr *b;

		klex_next(l);
		b = parse_and(l, nested);
		x = b ? make(l->tree, KOP_OR, x, b) : x;
	}
	return x;
}

const struct kexpr *kexpr_parse(struct klex *l)
{
	return parse_or(l, 0);
}

/* ---- weighing ---- */

static int tristate_of(const char *text)
{
	return streq(text, "y") ? 2 : streq(text, "m") ? 1 : 0;
}

int ksymbol_value(const struct ksymbol *s, const struct kconfig *got)
{
	const char *v = kconfig_value(got, s->name);

	return v ? tristate_of(v) : 0;
}

const char *ksymbol_text(const struct ksymbol *s, const struct kconfig *got, struct buf *tmp)
{
	const char *v = kconfig_value(got, s->name);
	bool text = s->type != KTYPE_BOOL && s->type != KTYPE_TRISTATE;

	if (!v)
		return text && s->places ? "" : "n";
	if (*v != '"')
		return v;
	buf_clear(tmp);
	for (v++; *v && *v != '"'; v++) {
		if (*v == '\\' && v[1])
			v++;
		buf_addc(tmp, *v);
	}
	return buf_str(tmp);
}

static const char *operand_text(const struct kexpr *x, const struct kconfig *got, struct buf *tmp)
{
	return x->op == KOP_SYMBOL ? ksymbol_text(x->symbol, got, tmp) : x->text;
}

/* As numbers if both are, else as text. */
static int compare(const char *a, const char *b)
{
	long long x, y;

	if (!is_number(a) || !is_number(b))
		return strcmp(a, b);
	x = strtoll(a, NULL, 0);
	y = strtoll(b, NULL, 0);
	return (x > y) - (x < y);
}

static struct kvalue eval_comparison(const struct kexpr *x, const struct kconfig *got)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	bool yes;
	int c;

	if (x->a->op == KOP_MACRO || x->b->op == KOP_MACRO)
		return (struct kvalue){ 0, 2 };
	c = compare(operand_text(x->a, got, &a), operand_text(x->b, got, &b));
	yes = x->op == KOP_EQ   ? c == 0
	      : x->op == KOP_NE ? c != 0
	      : x->op == KOP_LT ? c < 0
	      : x->op == KOP_LE ? c <= 0
	      : x->op == KOP_GT ? c > 0
				: c >= 0;
	return (struct kvalue){ yes ? 2 : 0, yes ? 2 : 0 };
}

static int min(int a, int b)
{
	return a < b ? a : b;
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

struct kvalue kexpr_eval(const struct kexpr *x, const struct kconfig *got)
{
	struct kvalue a, b;
	int v;

	if (!x)
		return (struct kvalue){ 2, 2 };
	switch (x->op) {
	case KOP_SYMBOL:
		v = ksymbol_value(x->symbol, got);
		return (struct kvalue){ v, v };
	case KOP_TEXT:
		v = tristate_of(x->text);
		/* "m" can be had with modules alone. */
		v = v == 1 && kconfig_tristate(got, "MODULES") != 'y' ? 0 : v;
		return (struct kvalue){ v, v };
	case KOP_MACRO:
		return (struct kvalue){ 0, 2 };
	case KOP_NOT:
		a = kexpr_eval(x->a, got);
		return (struct kvalue){ 2 - a.high, 2 - a.low };
	case KOP_AND:
		a = kexpr_eval(x->a, got);
		b = kexpr_eval(x->b, got);
		return (struct kvalue){ min(a.low, b.low), min(a.high, b.high) };
	case KOP_OR:
		a = kexpr_eval(x->a, got);
		b = kexpr_eval(x->b, got);
		return (struct kvalue){ max(a.low, b.low), max(a.high, b.high) };
	default:
		return eval_comparison(x, got);
	}
}

/* ---- writing ---- */

static int rank(const struct kexpr *x)
{
	return x->op == KOP_OR ? 0 : x->op == KOP_AND ? 1 : 2;
}

static void print_within(const struct kexpr *x, int outer, struct buf *ret)
{
	bool brackets = rank(x) < outer;

	if (brackets)
		buf_addc(ret, '(');
	kexpr_print(x, ret);
	if (brackets)
		buf_addc(ret, ')');
}

static void print_operand(const struct kexpr *x, struct buf *ret)
{
	bool quotes = x->op == KOP_TEXT && !is_number(x->text) && !is_tristate(x->text);

	buf_addf(ret, quotes ? "\"%s\"" : "%s", x->op == KOP_SYMBOL ? x->symbol->name : x->text);
}

void kexpr_print(const struct kexpr *x, struct buf *ret)
{
	static const char *const signs[] = { [KOP_AND] = "&&",
		[KOP_OR] = "||",
		[KOP_EQ] = "=",
		[KOP_NE] = "!=",
		[KOP_LT] = "<",
		[KOP_LE] = "<=",
		[KOP_GT] = ">",
		[KOP_GE] = ">=" };

	if (!x) {
		buf_addc(ret, 'y');
		return;
	}
	if (x->op <= KOP_MACRO) {
		print_operand(x, ret);
	} else if (x->op == KOP_NOT) {
		buf_addc(ret, '!');
		print_within(x->a, x->a->op >= KOP_AND ? 3 : 0, ret);
	} else {
		print_within(x->a, rank(x), ret);
		buf_addf(ret, " %s ", signs[x->op]);
		print_within(x->b, rank(x), ret);
	}
}
