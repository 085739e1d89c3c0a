/* SPDX-License-Identifier: MIT */
#include "results/tap_tree.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

void tap_tree_release(struct tap_tree *t)
{
	for (size_t i = 0; i < TAP_MAX_DEPTH; i++)
		buf_release(&t->levels[i].seen);
	free(t->nodes);
	buf_release(&t->text);
	strv_release(&t->problems);
}

void tap_tree_problem(struct tap_tree *t, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	va_list ap;

	if (t->n_problems++ >= TAP_MAX_PROBLEMS)
		return;
	buf_addf(&b, "line %u: ", t->line);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	strv_add(&t->problems, buf_str(&b));
}

/* ---- text and nodes ---- */

struct tap_text tap_tree_text(struct tap_tree *t, struct slice s, size_t max)
{
	struct tap_text r = { .at = t->text.len };
	char *p;

	if (s.len > max)
		s.len = max;
	if (t->text.len > TAP_MAX_TEXT) {
		t->dropped++;
		return r;
	}
	text_clean(&t->text, s.s, s.len);
	/* Cleaning may have made it longer; it left no byte above 0x7f that is not UTF-8. */
	r.len = t->text.len - r.at;
	if (r.len > max) {
		r.len = max;
		while (r.len && ((unsigned char)t->text.data[r.at + r.len] & 0xc0) == 0x80)
			r.len--;
		buf_truncate(&t->text, r.at + r.len);
	}
	p = t->text.data + r.at;
	for (size_t i = 0; i < r.len; i++)
		if (p[i] == '\t' || p[i] == '\n')
			p[i] = ' ';
	return r;
}

uint32_t tap_tree_node(struct tap_tree *t, uint32_t parent, enum verdict v)
{
	if (t->n_nodes >= TAP_MAX_CASES) {
		t->dropped++;
		return TAP_NO_NODE;
	}
	VEC_GROW(t->nodes, t->n_nodes, t->cap_nodes);
	t->nodes[t->n_nodes] =
		(struct tap_node){ .parent = parent, .verdict = v, .duration_ms = -1 };
	if (parent != TAP_NO_NODE)
		t->nodes[parent].has_children = true;
	return (uint32_t)t->n_nodes++;
}

const char *tap_tree_name(struct tap_tree *t, uint32_t node)
{
	static __thread char shown[80];
	const struct tap_node *n = node == TAP_NO_NODE ? NULL : &t->nodes[node];

	if (n && n->name.len)
		snprintf(shown, sizeof(shown), "\"%.*s\"", (int)n->name.len,
			t->text.data + n->name.at);
	else if (n && n->number)
		snprintf(shown, sizeof(shown), "number %u", n->number);
	else
		snprintf(shown, sizeof(shown), "a nested test");
	return shown;
}

/* ---- numbers ---- */

static bool number_seen(const struct tap_level *l, uint32_t n)
{
	return n / 8 < l->seen.len && ((unsigned char)l->seen.data[n / 8] >> n % 8 & 1);
}

static void number_mark(struct tap_level *l, uint32_t n)
{
	static const char zeros[64];

	while (n / 8 >= l->seen.len)
		buf_add(&l->seen, zeros, sizeof(zeros));
	l->seen.data[n / 8] = (char)((unsigned char)l->seen.data[n / 8] | 1 << n % 8);
}

/*
 * Says which of 1 to UPTO never came, and gives each a node without verdict. It stops when there is no
 * room for nodes, so all lists together cost no more than the lines that were read.
 */
static void report_missing(struct tap_tree *t, struct tap_level *l, uint32_t upto)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint32_t missing = upto > l->distinct ? upto - l->distinct : 0, named = 0;

	if (!missing)
		return;
	l->bad = true;
	for (uint32_t n = 1; n <= upto && t->n_nodes < TAP_MAX_CASES; n++) {
		uint32_t node;

		if (number_seen(l, n))
			continue;
		if (named++ < 8)
			buf_addf(&b, "%s%u", b.len ? ", " : ": ", n);
		node = tap_tree_node(t, l->node, VERDICT_NONE);
		t->nodes[node].number = n;
	}
	if (named < missing)
		t->dropped += missing - named;
	if (named > 8)
		buf_adds(&b, ", …");
	if (t->bailed)
		return;
	if (l->planned)
		tap_tree_problem(t, "%u of the %u tests planned on line %u never came%s", missing,
			upto, l->plan_line, buf_str(&b));
	else
		tap_tree_problem(
			t, "%u numbers up to %u are left out%s", missing, upto, buf_str(&b));
}

/* ---- levels ---- */

static bool same_place(struct tap_place a, struct tap_place b)
{
	return a.hashes == b.hashes && a.col == b.col;
}

bool tap_tree_has_level(const struct tap_tree *t, struct tap_place at)
{
	for (unsigned i = 0; i < t->depth; i++)
		if (same_place(t->levels[i].at, at))
			return true;
	return false;
}

/* Checks a level that gets no more results. What its parent says is not its business. */
static void finish_level(struct tap_tree *t, struct tap_level *l)
{
	tap_diag_close(t, l);
	if (l->planned)
		report_missing(t, l, l->plan);
	else
		report_missing(t, l, l->max);
	buf_clear(&l->seen);
}

/* Closes the levels above DEPTH, none of which was given a result by its parent. */
static void orphan_levels(struct tap_tree *t, unsigned depth)
{
	while (t->depth > depth) {
		struct tap_level *l = &t->levels[t->depth - 1];

		finish_level(t, l);
		t->depth--;
		if (t->depth > 0) {
			struct tap_level *up = &t->levels[t->depth - 1];

			up->bad = true;
			if (l->node != TAP_NO_NODE && !t->nodes[l->node].number)
				t->nodes[l->node].number = up->count + 1;
			if (!t->bailed)
				tap_tree_problem(t,
					"the nested test that begins on line %u has no result of its own",
					l->line);
			continue;
		}
		if (!l->planned && !t->bailed)
			tap_tree_problem(t,
				"the tests that begin on line %u have no plan (\"1..N\"), so none can be missed",
				l->line);
		if (l->planned && l->plan == 0 && l->count == 0) {
			if (l->skip_all)
				t->empty_skip = true;
			else
				tap_tree_problem(t,
					"no tests were planned, and no reason is given (\"1..0 # SKIP why\")");
		}
	}
}

static struct tap_level *push_level(struct tap_tree *t, struct tap_place at)
{
	struct tap_level *l, *up = t->depth ? &t->levels[t->depth - 1] : NULL;
	struct buf seen;

	if (t->depth == TAP_MAX_DEPTH) {
		tap_tree_problem(t, "tests are nested more than %d deep", TAP_MAX_DEPTH);
		return NULL;
	}
	l = &t->levels[t->depth++];
	seen = l->seen;
	*l = (struct tap_level){ .at = at,
		.line = t->line,
		.node = TAP_NO_NODE,
		.seen = seen,
		.awaiting = TAP_NO_NODE };
	if (!up)
		return l;
	l->ktap = up->ktap;
	l->node = tap_tree_node(t, up->node, VERDICT_NONE);
	if (l->node != TAP_NO_NODE) {
		t->nodes[l->node].line = t->line;
		t->nodes[l->node].name =
			tap_tree_text(t, (struct slice){ t->header, t->header_len }, TAP_MAX_NAME);
	}
	t->header_len = 0;
	return l;
}

enum opener { BY_VERSION, BY_PLAN, BY_RESULT, BY_BARE_RESULT };

/* Whether a line may begin a list of tests nested in UP (NULL: the document). */
static bool may_open(const struct tap_level *up, struct tap_place at, enum opener by)
{
	if (by == BY_VERSION)
		return true;
	if (at.hashes > (up ? up->at.hashes : 0))
		return up && up->runner && by != BY_BARE_RESULT;
	if (by == BY_PLAN)
		return true;
	if (!up)
		return at.col == 0;
	return by == BY_RESULT && (at.col == up->at.col + 2 || at.col == up->at.col + 4);
}

/*
 * The level that a line at AT belongs to, opened if need be; NULL if the line is plain output. Levels
 * above an existing one stay for the caller to close.
 */
static struct tap_level *level_at(struct tap_tree *t, struct tap_place at, enum opener by)
{
	unsigned i;

	for (i = t->depth; i > 0; i--)
		if (same_place(t->levels[i - 1].at, at))
			return &t->levels[i - 1];
	for (i = t->depth; i > 0; i--)
		if (t->levels[i - 1].at.hashes <= at.hashes && t->levels[i - 1].at.col < at.col)
			break;
	if (!may_open(i ? &t->levels[i - 1] : NULL, at, by))
		return NULL;
	orphan_levels(t, i);
	return push_level(t, at);
}

static unsigned level_index(const struct tap_tree *t, const struct tap_level *l)
{
	return (unsigned)(l - t->levels);
}

/* ---- lines ---- */

void tap_tree_version(struct tap_tree *t, struct tap_place at, bool ktap)
{
	struct tap_level *l;

	t->seen = true;
	l = level_at(t, at, BY_VERSION);
	if (l && (l->count || l->planned || level_index(t, l) + 1 < t->depth)) {
		/* The list before it is over: a document ends well, a nested test has lost its parent. */
		orphan_levels(t, level_index(t, l));
		l = push_level(t, at);
	}
	if (l)
		l->ktap = ktap;
}

bool tap_tree_plan(struct tap_tree *t, struct tap_place at, const struct tap_plan *p)
{
	struct tap_level *l = level_at(t, at, BY_PLAN);

	if (!l)
		return false;
	t->seen = true;
	orphan_levels(t, level_index(t, l) + 1);
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
	if (number_seen(l, n))
		tap_tree_problem(t, "number %u comes twice", n);
	else if (!l->planned || n <= l->plan)
		l->distinct++;
	number_mark(l, n);
	if (l->plan_last)
		tap_tree_problem(
			t, "a result behind the plan that ends the tests (line %u)", l->plan_line);
	else if (l->planned && n > l->plan)
		tap_tree_problem(t, "number %u is beyond the plan of %u (line %u)", n, l->plan,
			l->plan_line);
	return n;
}

/* Joins a parent's result with the list that it closes. */
static void claim(
	struct tap_tree *t, const struct tap_level *child, struct tap_node *n, uint32_t node)
{
	n->claimed = true;
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
		n->leaf_too = !child->bad || n->reason.len || n->verdict == VERDICT_XPASS;
	}
}

bool tap_tree_result(struct tap_tree *t, struct tap_place at, const struct tap_result *r)
{
	struct tap_level *l, *child = NULL;
	uint32_t node, number;
	struct tap_node *n;
	enum verdict v;

	if (!r->numbered && t->depth && t->levels[t->depth - 1].ktap)
		return false;
	l = level_at(t, at, r->numbered ? BY_RESULT : BY_BARE_RESULT);
	if (!l)
		return false;
	t->seen = true;
	orphan_levels(t, level_index(t, l) + 2);
	if (level_index(t, l) + 1 < t->depth) {
		child = &t->levels[--t->depth];
		finish_level(t, child);
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
		n->name = tap_tree_text(t, r->name, TAP_MAX_NAME);
		n->reason = tap_tree_text(t, r->reason, TAP_MAX_REASON);
		if (!n->reason.len && r->directive == TAP_TIMEOUT)
			n->reason =
				tap_tree_text(t, (struct slice){ "timeout", 7 }, TAP_MAX_REASON);
		if (child)
			claim(t, child, n, node);
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
		if (same_place(t->levels[i - 1].at, at))
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
	if (t->depth > 1 && !t->bailed)
		tap_tree_problem(t, "the output ends inside the nested test that begins on line %u",
			t->levels[1].line);
	orphan_levels(t, 0);
	if (t->dropped)
		tap_tree_problem(
			t, "more than %d tests; %zu are not listed", TAP_MAX_CASES, t->dropped);
	if (t->n_problems > TAP_MAX_PROBLEMS)
		strv_addf(&t->problems, "and %zu more problems", t->n_problems - TAP_MAX_PROBLEMS);
}
