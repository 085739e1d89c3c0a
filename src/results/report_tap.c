/* SPDX-License-Identifier: MIT */
/*
 * TAP 14. A case with subtests is a parent test. What failed as expected is "not ok # TODO", an expected
 * crash is "ok". An unexpected pass is "not ok": "ok # TODO" is a success to most readers. A run that was
 * stopped keeps its plan and bails out, so no reader can take it for whole.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "results/report.h"

#define MAX_LINE   1000
#define MAX_BYTES  (16 << 10)
#define TAIL_LINES 30

/* A description or the text of a directive: '#' and '\' escaped, as TAP 14 has it. */
static void add_words(struct buf *b, const char *s)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	report_line(&line, s, MAX_LINE);
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '#' || line.data[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, line.data[i]);
	}
}

static void add_point(struct buf *b, const char *indent, size_t number, enum verdict v,
	const char *name, const char *reason)
{
	bool ok = v == VERDICT_PASS || v == VERDICT_SKIP;
	const char *directive = NULL;

	if (v == VERDICT_SKIP)
		directive = " # SKIP";
	else if (v == VERDICT_XFAIL)
		directive = " # TODO";
	buf_addf(b, "%s%s %zu - ", indent, ok ? "ok" : "not ok", number);
	add_words(b, name);
	if (directive) {
		buf_adds(b, directive);
		if (reason && *reason) {
			buf_addc(b, ' ');
			add_words(b, reason);
		}
	}
	buf_addc(b, '\n');
}

/* A JSON string, which YAML reads as a double-quoted scalar. */
static void add_yaml_text(struct buf *b, const char *key, const char *s)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	_cleanup_json_ json_t *j = NULL;

	if (!s || !*s)
		return;
	report_line(&line, s, MAX_LINE);
	j = json_text(buf_str(&line), line.len);
	buf_addf(b, "  %s: ", key);
	json_line(b, j);
	buf_addc(b, '\n');
}

static void add_yaml_block(struct buf *b, const char *key, const char *s)
{
	if (!s || !*s)
		return;
	buf_addf(b, "  %s: |2\n", key);
	report_block(b, s, TAIL_LINES, MAX_BYTES, "    ");
}

static void add_yaml(struct buf *b, const struct record *r)
{
	buf_adds(b, "  ---\n");
	add_yaml_text(b, "verdict", record_verdict_name(r));
	add_yaml_text(b, "message", record_reason(r));
	add_yaml_text(b, "limit", r->limit);
	if (r->duration_ms >= 0)
		buf_addf(b, "  duration_ms: %lld\n", (long long)r->duration_ms);
	if (r->n_splats)
		add_yaml_text(b, "splat", r->splats[0].title);
	for (size_t i = 0; i < r->problems.n && i < 1; i++)
		add_yaml_text(b, "problem", r->problems.v[i]);
	add_yaml_block(b, "output", r->tail);
	add_yaml_block(b, "console", r->console_tail);
	add_yaml_text(b, "rerun", r->rerun);
	add_yaml_text(b, "resume", r->resume);
	buf_adds(b, "  ...\n");
}

static void add_subtests(struct buf *b, const struct record *r)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	report_line(&name, record_name(r), MAX_LINE);
	buf_addf(b, "# Subtest: %s\n    1..%zu\n", buf_str(&name), r->n_subtests);
	for (size_t i = 0; i < r->n_subtests; i++) {
		const struct subtest *s = &r->subtests[i];

		add_point(b, "    ", i + 1, subtest_effective(r, s), s->name, s->reason);
	}
}

/* What the case's own line says: an expected crash or timeout is a success. */
static enum verdict shown(const struct record *r)
{
	if (!record_is_ok(r))
		return VERDICT_FAIL;
	return r->verdict == VERDICT_SKIP || r->verdict == VERDICT_XFAIL ? r->verdict
									 : VERDICT_PASS;
}

void report_tap(struct buf *b, const struct records *r, const struct report_info *i)
{
	size_t planned = i->planned > r->n ? i->planned : r->n;

	buf_addf(b, "TAP version 14\n1..%zu%s\n", planned,
		planned ? "" : " # SKIP no case was selected");
	for (size_t k = 0; k < r->n; k++) {
		const struct record *c = &r->v[k];

		if (c->n_subtests)
			add_subtests(b, c);
		add_point(b, "", k + 1, shown(c), record_name(c), record_reason(c));
		if (!record_is_ok(c))
			add_yaml(b, c);
		else if (c->verdict == VERDICT_CRASH || c->verdict == VERDICT_TIMEOUT)
			buf_addf(b, "# %s, as expected\n",
				c->verdict == VERDICT_CRASH ? "crashed" : "timed out");
		if (c->deterministic)
			buf_adds(b,
				"# deterministic: a clone that began like all others of its template\n");
		if (record_is_flaky(c))
			buf_addf(b, "# flaky: ok at attempt %lld\n", (long long)c->attempt);
	}
	if (!i->complete)
		buf_addf(b, "Bail out! the run was stopped, %zu of %zu cases did not run\n",
			report_missing_cases(r, i), planned);
	buf_adds(b, "# ");
	report_totals(b, r, i);
	buf_addc(b, '\n');
}
