/* SPDX-License-Identifier: MIT */
/* What each kind of line does to the tree. */
#include "results/tap_tree.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

static unsigned level_index(const struct tap_tree *t, const struct tap_level *l)
{
	return (unsigned)(l - t->levels);
}

void tap_tree_version(struct tap_tree *t, struct tap_place at, enum tap_dialect dialect)
{
	struct tap_level *l;

	t->seen = true;
	l = tap_tree_level(t, at, BY_VERSION);
	if (l && (l->count || l->planned || level_index(t, l) + 1 < t->depth)) {
		/* The list before it is over: a document ends well, a nested test has lost its parent. */
		tap_tree_orphan(t, level_index(t, l));
		l = tap_tree_push(t, at);
	}
	if (l)
		l->dialect = dialect;
}

bool tap_tree_plan(struct tap_tree *t, struct tap_place at, const struct tap_plan *p)
{
	struct tap_level *l = tap_tree_level(t, at, BY_PLAN);

	if (!l)
		return false;
	t->seen = true;
	tap_tree_orphan(t, level_index(t, l) + 1);
	if (l->planned) {
		tap_tree_problem(t, "a second plan; the first is on line %u", l->plan_line);
		return true;
	}
	l->planned = true;
	l->plan_line = t->line;
	l->plan = p->n;
	if (p->huge || p->n > TAP_MAX_CASES) {
		tap_tree_problem(t, "the plan has more than %d tests", TAP_MAX_CASES);
		l->plan = TAP_MAX_CASES;
	}
	if (p->n == 0 && p->skip) {
		l->skip_all = true;
		l->skip_reason = tap_tree_text(t, p->reason, TAP_MAX_REASON);
	}
	if (l->count) {
		l->plan_last = true;
		if (l->count > p->n || l->max > p->n)
			tap_tree_problem(t,
				"%u tests are planned, but there were %u results, the greatest number being %u",
				p->n, l->count, l->max);
	}
	return true;
}

/*
 * kselftest's own library prints "ok N # XFAIL" for a failure that was expected
 * (tools/testing/selftests/kselftest.h), so XFAIL is one whatever stands before it; TODO is TAP's,
 * where "ok" means that the thing works after all.
 */
static enum verdict result_verdict(const struct tap_result *r)
{
	switch (r->directive) {
	case TAP_SKIP:
		return VERDICT_SKIP;
	case TAP_XFAIL:
		return VERDICT_XFAIL;
	case TAP_XPASS:
		return VERDICT_XPASS;
	case TAP_TODO:
		return r->ok ? VERDICT_XPASS : VERDICT_XFAIL;
	case TAP_TIMEOUT:
	case TAP_ERROR:
		return VERDICT_FAIL;
	case TAP_PLAIN:
		break;
	}
	return r->ok ? VERDICT_PASS : VERDICT_FAIL;
}

/* Counts a result and checks its number. */
static uint32_t take_number(struct tap_tree *t, struct tap_level *l, const struct tap_result *r)
{
	uint32_t n = r->numbered ? r->number : l->last + 1;

	l->count++;
	if (r->huge || n > TAP_MAX_CASES || n == 0) {
		tap_tree_problem(t, "%u is no number of a test", n);
		return n;
	}
	l->last = n;
	if (n > l->max)
		l->max = n;
	if (tap_level_has(l, n))
		tap_tree_problem(t, "number %u comes twice", n);
	else if (!l->planned || n <= l->plan)
		l->distinct++;
	tap_level_mark(l, n);
	if (l->plan_last)
		tap_tree_problem(
			t, "a result behind the plan that ends the tests (line %u)", l->plan_line);
	else if (l->planned && n > l->plan)
		tap_tree_problem(t, "number %u is beyond the plan of %u (line %u)", n, l->plan,
			l->plan_line);
	return n;
}

/* Joins a parent's result with the list that it closes. */
static void claim(struct tap_tree *t, const struct tap_level *child, uint32_t node,
	enum tap_directive directive)
{
	struct tap_node *n = &t->nodes[node];

	if (child->planned && child->plan == 0 && child->count == 0 && n->verdict == VERDICT_PASS) {
		if (child->skip_all) {
			n->verdict = VERDICT_SKIP;
			n->reason = child->skip_reason;
		} else {
			tap_tree_problem(t, "%s says ok, but no test inside it was planned",
				tap_tree_name(t, node));
		}
	}
	switch (n->verdict) {
	case VERDICT_PASS:
	case VERDICT_SKIP:
		if (child->bad)
			tap_tree_problem(t, "%s says %s, but a test inside it failed",
				tap_tree_name(t, node), n->verdict == VERDICT_PASS ? "ok" : "skip");
		break;
	case VERDICT_XFAIL:
		n->forgives = true;
		n->leaf_too = !child->bad;
		break;
	default:
		n->leaf_too = !child->bad || n->verdict == VERDICT_XPASS ||
			      directive == TAP_TIMEOUT || directive == TAP_ERROR;
	}
}

bool tap_tree_result(struct tap_tree *t, struct tap_place at, const struct tap_result *r)
{
	struct tap_level *l, *child = NULL;
	uint32_t node, number;
	struct tap_node *n;
	enum verdict v;

	if (!r->numbered && t->depth && t->levels[t->depth - 1].dialect == TAP_KERNEL)
		return false;
	l = tap_tree_level(t, at, r->numbered ? BY_RESULT : BY_BARE_RESULT);
	if (!l)
		return false;
	t->seen = true;
	tap_tree_orphan(t, level_index(t, l) + 2);
	if (level_index(t, l) + 1 < t->depth) {
		child = &t->levels[--t->depth];
		tap_level_finish(t, child);
	}
	number = take_number(t, l, r);
	v = result_verdict(r);
	node = child ? child->node : tap_tree_node(t, l->node, v);
	if (node != TAP_NO_NODE) {
		n = &t->nodes[node];
		n->verdict = v;
		n->number = number;
		n->line = t->line;
		n->duration_ms = r->duration_ms;
		n->name = tap_tree_words(t, l->dialect, r->name, TAP_MAX_NAME);
		n->reason = tap_tree_words(t, l->dialect, r->reason, TAP_MAX_REASON);
		if (!n->reason.len && r->directive == TAP_TIMEOUT)
			n->reason =
				tap_tree_text(t, (struct slice){ "timeout", 7 }, TAP_MAX_REASON);
		if (child)
			claim(t, child, node, r->directive);
		v = n->verdict;
	}
	if (v == VERDICT_FAIL || v == VERDICT_XPASS)
		l->bad = true;
	tap_diag_result(t, l, node);
	t->last_node = node;
	t->header_len = 0;
	return true;
}

bool tap_tree_bail(struct tap_tree *t, struct tap_place at, struct slice reason)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (at.hashes && !tap_tree_has_level(t, at) &&
		!(t->depth && t->levels[t->depth - 1].runner))
		return false;
	text_clean(&b, reason.s, reason.len < TAP_MAX_REASON ? reason.len : TAP_MAX_REASON);
	tap_tree_problem(t, "bailed out%s%s", b.len ? ": " : "", buf_str(&b));
	t->seen = true;
	t->bailed = true;
	return true;
}

void tap_tree_diagnostic(struct tap_tree *t, struct tap_place at, struct slice text)
{
	struct tap_level *l = NULL;

	for (unsigned i = t->depth; i > 0 && !l; i--)
		if (tap_same_place(t->levels[i - 1].at, at))
			l = &t->levels[i - 1];
	text = slice_trim(text);
	if (slice_starts(text, "Subtest:")) {
		struct slice name = slice_trim(slice_skip(text, strlen("Subtest:")));

		/* KUnit names a list inside it, TAP 14 above it. */
		if (l && l->node != TAP_NO_NODE && !l->count && !t->nodes[l->node].name.len) {
			t->nodes[l->node].name = tap_tree_text(t, name, TAP_MAX_NAME);
			return;
		}
		t->header_len = name.len < TAP_MAX_NAME ? name.len : TAP_MAX_NAME;
		memcpy(t->header, name.s, t->header_len);
		return;
	}
	if (!l)
		return;
	if (slice_starts(text, "selftests: "))
		l->runner = true;
	tap_diag_add(l, text);
}

void tap_tree_duration(struct tap_tree *t, int64_t ms)
{
	if (t->last_node != TAP_NO_NODE && t->last_node < t->n_nodes)
		t->nodes[t->last_node].duration_ms = ms;
}

void tap_tree_end(struct tap_tree *t)
{
	t->ending = true;
	tap_tree_orphan(t, 0);
	if (t->dropped)
		tap_tree_problem(
			t, "more than %d tests; %zu are not listed", TAP_MAX_CASES, t->dropped);
	if (t->n_problems > TAP_MAX_PROBLEMS)
		strv_addf(&t->problems, "and %zu more problems", t->n_problems - TAP_MAX_PROBLEMS);
}
