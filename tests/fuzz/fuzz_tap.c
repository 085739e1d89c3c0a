/* SPDX-License-Identifier: MIT */
/*
 * The TAP reader over any bytes. The first byte chooses how the rest is chopped up; the result must not
 * depend on it. What passes has a plan, no problem, and no leaf that is worse.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "results/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tap *read_whole(const char *text, size_t len)
{
	struct tap *t = tap_new();

	tap_feed(t, text, len);
	tap_end(t);
	return t;
}

/* Each piece lies in memory of its own, so that reading past its end is seen. */
static struct tap *read_pieces(const char *text, size_t len, unsigned state)
{
	struct tap *t = tap_new();

	while (len) {
		size_t n = 1 + state % 61;
		char *piece;

		n = n < len ? n : len;
		piece = xmemdup(text, n);
		tap_feed(t, piece, n);
		free(piece);
		text += n;
		len -= n;
		state = state * 1103515245u + 12345u;
	}
	tap_end(t);
	return t;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void compare(const struct tap *a, const struct tap *b)
{
	BUG_ON(tap_seen(a) != tap_seen(b));
	BUG_ON(tap_verdict(a) != tap_verdict(b));
	BUG_ON(tap_count(a) != tap_count(b));
	for (size_t i = 0; i < tap_count(a); i++) {
		const struct subtest *x = tap_at(a, i), *y = tap_at(b, i);

		BUG_ON(strcmp(x->name, y->name) != 0 || !same_text(x->reason, y->reason));
		BUG_ON(x->verdict != y->verdict || x->line != y->line);
		BUG_ON(x->duration_ms != y->duration_ms);
	}
	BUG_ON(tap_problems(a)->n != tap_problems(b)->n);
	for (size_t i = 0; i < tap_problems(a)->n; i++)
		BUG_ON(strcmp(tap_problems(a)->v[i], tap_problems(b)->v[i]) != 0);
}

/* A pass without a plan in the text would be a lie, whatever else is there. */
static void check(const struct tap *t, const char *text, size_t len)
{
	bool passed = false;

	if (tap_verdict(t) == VERDICT_FAIL)
		return;
	BUG_ON(!tap_seen(t) || tap_problems(t)->n);
	BUG_ON(!memmem(text, len, "1..", 3));
	BUG_ON(tap_count(t) > TAP_MAX_CASES);
	for (size_t i = 0; i < tap_count(t); i++) {
		enum verdict v = tap_at(t, i)->verdict;

		BUG_ON(v != VERDICT_PASS && v != VERDICT_SKIP && v != VERDICT_XFAIL);
		BUG_ON(!tap_at(t, i)->name || tap_at(t, i)->line == 0);
		passed |= v != VERDICT_SKIP;
	}
	BUG_ON((tap_verdict(t) == VERDICT_PASS) != passed);
}

/* Without its last newline a text that passes could have gone on in a worse way. */
static void check_cut(const struct tap *t, const char *text, size_t len)
{
	struct tap *cut;

	if (tap_verdict(t) == VERDICT_FAIL || !len || text[len - 1] != '\n')
		return;
	cut = read_whole(text, len - 1);
	BUG_ON(tap_verdict(cut) != VERDICT_FAIL && tap_verdict(cut) != tap_verdict(t));
	tap_free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct tap *whole, *pieces;

	if (size == 0)
		return 0;
	whole = read_whole(text, size - 1);
	pieces = read_pieces(text, size - 1, data[0]);
	compare(whole, pieces);
	check(whole, text, size - 1);
	check_cut(whole, text, size - 1);
	tap_free(whole);
	tap_free(pieces);
	return 0;
}
