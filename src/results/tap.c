/* SPDX-License-Identifier: MIT */
/*
 * The reader's front: bytes to lines, lines to what they say. A line that says nothing costs a memchr()
 * and a look at its first bytes. What is true of lines in a row is tap_tree.c's business.
 *
 * Formats: Documentation/dev-tools/ktap.rst (KTAP 1), testanything.org (TAP 12 to 14), and
 * tools/testing/selftests/kselftest/runner.sh, whose "# " prefixes a test's whole output.
 */
#include <string.h>

#include "base/alloc.h"
#include "results/tap_line.h"
#include "results/tap_tree.h"

#define MAX_LINE (64 << 10)

struct tap {
	struct tap_tree tree;
	struct buf part; /* the line that is not complete; at most MAX_LINE bytes */
	bool ended;

	struct tap_place result; /* where the line before, a result, stood */
	bool after_result;
	struct tap_place yaml; /* where a YAML block began */
	bool in_yaml;

	struct subtest *leaves; /* owned */
	size_t n_leaves;
};

/* ---- lines ---- */

/*
 * A result may be followed by a YAML block, deeper than itself, from "---" to "...". A line that stands
 * less deep ends it too, so that a stray "---" cannot hide results. Returns whether the line is eaten.
 */
static bool read_yaml(struct tap *t, struct tap_place at, struct slice s)
{
	bool first = t->after_result;

	t->after_result = false;
	if (!t->in_yaml) {
		if (!first || !slice_starts(s, "---") || slice_trim(s).len != 3)
			return false;
		if (at.hashes != t->result.hashes || at.col <= t->result.col)
			return false;
		t->in_yaml = true;
		t->yaml = at;
		return true;
	}
	if (!s.len)
		return true;
	if (at.hashes < t->yaml.hashes || at.col < t->yaml.col) {
		t->in_yaml = false;
		return false;
	}
	if (tap_same_place(at, t->yaml) && slice_starts(s, "...") && slice_trim(s).len == 3)
		t->in_yaml = false;
	else if (slice_starts(s, "duration_ms:"))
		tap_tree_duration(&t->tree, tap_read_duration(s));
	return true;
}

/* Whether the line said anything that counts (diagnostics do not). */
static bool read_protocol(struct tap *t, struct tap_place at, struct slice s)
{
	struct tap_result result;
	struct tap_plan plan;
	struct slice reason;
	enum tap_dialect dialect;

	switch (*s.s) {
	case 'o':
	case 'n':
		if (!tap_read_result(s, &result) || !tap_tree_result(&t->tree, at, &result))
			return false;
		t->after_result = true;
		t->result = at;
		return true;
	case '1':
		return tap_read_plan(s, &plan) && tap_tree_plan(&t->tree, at, &plan);
	case 'T':
	case 'K':
		if (!tap_read_version(s, &dialect))
			return false;
		tap_tree_version(&t->tree, at, dialect);
		return true;
	case 'B':
	case 'b':
		return tap_read_bail(s, &reason) && tap_tree_bail(&t->tree, at, reason);
	}
	return false;
}

/* CUT: why the line's end cannot be known; NULL where it is whole. */
static void read_line(struct tap *t, const char *data, size_t len, const char *cut)
{
	struct slice s = tap_strip((struct slice){ data, len });
	struct tap_prefix p;
	bool said = false;

	t->tree.line++;
	p = tap_prefix(&s);
	if ((t->in_yaml || t->after_result) && read_yaml(t, p.at, s))
		return;
	if (s.len && !p.comment)
		said = read_protocol(t, p.at, s);
	if (!said && (p.comment || p.at.hashes > 0)) {
		int64_t ms = tap_read_duration(s);

		tap_tree_diagnostic(&t->tree, p.outer, s);
		if (ms >= 0)
			tap_tree_duration(&t->tree, ms);
	}
	if (!cut || !t->tree.seen)
		return;
	if (said)
		tap_tree_problem(&t->tree, "%s", cut);
	else if (tap_is_stump(s) && (!p.at.hashes || tap_tree_has_level(&t->tree, p.at)))
		tap_tree_problem(&t->tree, "%s", cut);
}

static void read_long(struct tap *t, const char *data, size_t len)
{
	if (len > MAX_LINE)
		read_line(t, data, MAX_LINE, "a result longer than 64 KiB, whose end is not read");
	else
		read_line(t, data, len, NULL);
}

/* ---- the public side ---- */

struct tap *tap_new(void)
{
	struct tap *t = xcalloc(1, sizeof(*t));

	t->tree.last_node = TAP_NO_NODE;
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_leaves; i++) {
		free(t->leaves[i].name);
		free(t->leaves[i].reason);
	}
	free(t->leaves);
	tap_tree_release(&t->tree);
	buf_release(&t->part);
	free(t);
}

/* Keeps one byte more than a line may have, which tells later that it was cut. */
static void keep_part(struct tap *t, const char *data, size_t len)
{
	size_t room = MAX_LINE + 1 - t->part.len;

	buf_add(&t->part, data, len < room ? len : room);
}

void tap_feed(struct tap *t, const char *data, size_t len)
{
	const char *end = data + len;

	BUG_ON(t->ended);
	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((nl ? nl : end) - data);

		if (!nl) {
			keep_part(t, data, n);
			return;
		}
		if (t->part.len) {
			keep_part(t, data, n);
			read_long(t, t->part.data, t->part.len);
			buf_clear(&t->part);
		} else {
			read_long(t, data, n);
		}
		data = nl + 1;
	}
}

void tap_end(struct tap *t)
{
	BUG_ON(t->ended);
	t->ended = true;
	if (t->part.len)
		read_line(t, t->part.data, t->part.len < MAX_LINE ? t->part.len : MAX_LINE,
			"the output ends in the middle of a line");
	if (t->in_yaml)
		tap_tree_problem(&t->tree, "the output ends inside a YAML block");
	tap_tree_end(&t->tree);
	tap_flatten(&t->tree, &t->leaves, &t->n_leaves);
}

bool tap_seen(const struct tap *t)
{
	return t->tree.seen;
}

size_t tap_count(const struct tap *t)
{
	return t->n_leaves;
}

const struct subtest *tap_at(const struct tap *t, size_t i)
{
	BUG_ON(i >= t->n_leaves);
	return &t->leaves[i];
}

const struct strv *tap_problems(const struct tap *t)
{
	return &t->tree.problems;
}

enum verdict tap_verdict(const struct tap *t)
{
	bool passed = false, skipped = t->tree.empty_skip;

	if (!t->ended || !t->tree.seen || t->tree.n_problems)
		return VERDICT_FAIL;
	for (size_t i = 0; i < t->n_leaves; i++) {
		switch (t->leaves[i].verdict) {
		case VERDICT_PASS:
		case VERDICT_XFAIL:
			passed = true;
			break;
		case VERDICT_SKIP:
			skipped = true;
			break;
		default:
			return VERDICT_FAIL;
		}
	}
	return passed ? VERDICT_PASS : skipped ? VERDICT_SKIP : VERDICT_FAIL;
}
