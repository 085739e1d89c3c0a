/* SPDX-License-Identifier: MIT */
/* The stack of lists: where one begins, what ends it, and whether it was complete. */
#include <string.h>

#include "base/alloc.h"
#include "results/tap_tree.h"

/* ---- numbers ---- */

bool tap_level_has(const struct tap_level *l, uint32_t n)
{
	return n / 8 < l->seen.len && ((unsigned char)l->seen.data[n / 8] >> n % 8 & 1);
}

void tap_level_mark(struct tap_level *l, uint32_t n)
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

		if (tap_level_has(l, n))
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

bool tap_tree_has_level(const struct tap_tree *t, struct tap_place at)
{
	for (unsigned i = 0; i < t->depth; i++)
		if (tap_same_place(t->levels[i].at, at))
			return true;
	return false;
}

void tap_level_finish(struct tap_tree *t, struct tap_level *l)
{
	tap_diag_close(t, l);
	if (l->planned)
		report_missing(t, l, l->plan);
	else
		report_missing(t, l, l->max);
	buf_clear(&l->seen);
}

void tap_tree_orphan(struct tap_tree *t, unsigned depth)
{
	while (t->depth > depth) {
		struct tap_level *l = &t->levels[t->depth - 1];

		tap_level_finish(t, l);
		t->depth--;
		if (t->depth > 0) {
			struct tap_level *up = &t->levels[t->depth - 1];

			up->bad = true;
			if (l->node != TAP_NO_NODE && !t->nodes[l->node].number)
				t->nodes[l->node].number = up->count + 1;
			if (!t->bailed)
				tap_tree_problem(t, "%s the nested test that begins on line %u",
					t->ending ? "the output ends inside"
						  : "there is no result for",
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

struct tap_level *tap_tree_push(struct tap_tree *t, struct tap_place at)
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
	l->dialect = up->dialect;
	l->node = tap_tree_node(t, up->node, VERDICT_NONE);
	if (l->node != TAP_NO_NODE) {
		t->nodes[l->node].line = t->line;
		t->nodes[l->node].name =
			tap_tree_text(t, (struct slice){ t->header, t->header_len }, TAP_MAX_NAME);
	}
	t->header_len = 0;
	return l;
}

/* Whether a line may begin a list of tests nested in UP (NULL: the document). */
static bool may_open(const struct tap_level *up, struct tap_place at, enum tap_opener by)
{
	if (by == BY_VERSION)
		return true;
	if (at.hashes > (up ? up->at.hashes : 0))
		return up && up->runner && by != BY_BARE_RESULT;
	if (by == BY_PLAN)
		return true;
	if (!up)
		return at.col == 0;
	return by == BY_RESULT && (at.col == up->at.col + 2 || (at.col - up->at.col) % 4 == 0);
}

struct tap_level *tap_tree_level(struct tap_tree *t, struct tap_place at, enum tap_opener by)
{
	unsigned i;

	for (i = t->depth; i > 0; i--)
		if (tap_same_place(t->levels[i - 1].at, at))
			return &t->levels[i - 1];
	for (i = t->depth; i > 0; i--)
		if (t->levels[i - 1].at.hashes <= at.hashes && t->levels[i - 1].at.col < at.col)
			break;
	if (!may_open(i ? &t->levels[i - 1] : NULL, at, by))
		return NULL;
	tap_tree_orphan(t, i);
	/* TAP without headers: a list may begin with a nested test, whose own list begins with another. */
	for (; i > 0 && by != BY_VERSION && t->levels[i - 1].dialect != TAP_KERNEL; i++) {
		struct tap_place up = t->levels[i - 1].at;

		up.col += 4;
		if (up.hashes != at.hashes || at.col <= up.col || (at.col - up.col) % 4 != 0)
			break;
		if (!tap_tree_push(t, up))
			return NULL;
	}
	return tap_tree_push(t, at);
}
