/* SPDX-License-Identifier: MIT */
/*
 * Which diagnostics belong to a failure. KUnit and kselftest print them before its result, Perl's
 * Test::More and most TAP writers behind it. The first failure of a list that has any decides for it.
 */
#include <string.h>

#include "base/alloc.h"
#include "results/tap_tree.h"

/* What runners say around every test, whatever its outcome. */
static const char *const chatter[] = { "Subtest:", "Totals:", "selftests:", "timeout set",
	"overriding timeout", "RUN ", "OK ", "FAIL ", "PASSED:", "FAILED:", "Starting ",
	"Planned tests", "pass:", "module:" };

void tap_diag_add(struct tap_level *l, struct slice text)
{
	struct tap_diag *d = &l->diag;
	unsigned i = d->n % TAP_DIAG_LINES;

	text = slice_trim(text);
	if (!text.len)
		return;
	for (size_t k = 0; k < ARRAY_SIZE(chatter); k++)
		if (slice_starts(text, chatter[k]))
			return;
	if (text.len > TAP_DIAG_BYTES)
		text.len = TAP_DIAG_BYTES;
	memcpy(d->text[i], text.s, text.len);
	d->len[i] = (uint8_t)text.len;
	/* Keeps the place in the ring, and never wraps. */
	d->n = d->n + 1 < 2 * TAP_DIAG_LINES ? d->n + 1 : d->n + 1 - TAP_DIAG_LINES;
}

static struct tap_text joined(struct tap_tree *t, const struct tap_diag *d)
{
	unsigned n = d->n < TAP_DIAG_LINES ? d->n : TAP_DIAG_LINES;
	char line[TAP_DIAG_LINES * (TAP_DIAG_BYTES + 2)];
	size_t len = 0;

	for (unsigned k = d->n - n; k < d->n; k++) {
		unsigned i = k % TAP_DIAG_LINES;

		if (len) {
			line[len++] = ';';
			line[len++] = ' ';
		}
		memcpy(line + len, d->text[i], d->len[i]);
		len += d->len[i];
	}
	return tap_tree_text(t, (struct slice){ line, len }, TAP_MAX_REASON);
}

/* Gives what was gathered to the failure that came before it. */
static bool give_back(struct tap_tree *t, struct tap_level *l)
{
	if (l->awaiting == TAP_NO_NODE || !l->diag.n || l->diag_style == DIAG_BEFORE)
		return false;
	t->nodes[l->awaiting].reason = joined(t, &l->diag);
	l->diag_style = DIAG_AFTER;
	l->diag.n = 0;
	return true;
}

void tap_diag_result(struct tap_tree *t, struct tap_level *l, uint32_t node)
{
	struct tap_node *n = node == TAP_NO_NODE ? NULL : &t->nodes[node];

	give_back(t, l);
	l->awaiting = TAP_NO_NODE;
	if (n && n->verdict == VERDICT_FAIL && !n->reason.len) {
		if (l->diag.n && l->diag_style != DIAG_AFTER) {
			n->reason = joined(t, &l->diag);
			l->diag_style = DIAG_BEFORE;
		} else {
			l->awaiting = node;
		}
	}
	l->diag.n = 0;
}

void tap_diag_close(struct tap_tree *t, struct tap_level *l)
{
	give_back(t, l);
	l->awaiting = TAP_NO_NODE;
	l->diag.n = 0;
}
