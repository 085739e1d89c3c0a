/* SPDX-License-Identifier: MIT */
/* The end of a run, for a person at a terminal: what is wrong, enough to begin with, and the totals. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "results/report.h"

#define OUTPUT_LINES  20
#define CONSOLE_LINES 30
#define TRACE_LINES   40
#define MAX_SUBTESTS  10
#define MAX_BYTES     (32 << 10) /* of one block of lines */
#define MAX_LINE      2000

struct paint {
	const char *red, *yellow, *green, *bold, *dim, *off;
};

static const struct paint colors = { "\033[1;31m", "\033[1;33m", "\033[1;32m", "\033[1m", "\033[2m",
	"\033[0m" };
static const struct paint plain = { "", "", "", "", "", "" };

static void add_section(
	struct buf *b, const struct paint *p, const char *head, const char *text, size_t lines)
{
	if (!text || !*text)
		return;
	buf_addf(b, "\n  %s%s%s\n", p->dim, head, p->off);
	report_block(b, text, lines, MAX_BYTES, "    ");
}

static void add_subtests(struct buf *b, const struct paint *p, const struct record *r)
{
	size_t shown = 0, bad = 0;

	for (size_t i = 0; i < r->n_subtests; i++) {
		enum verdict v = subtest_effective(r, &r->subtests[i]);

		bad += v != VERDICT_PASS && v != VERDICT_SKIP && v != VERDICT_XFAIL;
	}
	if (!bad)
		return;
	buf_addf(b, "\n  %s%zu of %zu subtests%s\n", p->dim, bad, r->n_subtests, p->off);
	for (size_t i = 0; i < r->n_subtests && shown < MAX_SUBTESTS; i++) {
		const struct subtest *s = &r->subtests[i];
		enum verdict v = subtest_effective(r, s);

		if (v == VERDICT_PASS || v == VERDICT_SKIP || v == VERDICT_XFAIL)
			continue;
		shown++;
		buf_addf(b, "    %-5s ", v == VERDICT_NONE ? "-" : verdict_name(v));
		report_line(b, s->name, MAX_LINE);
		if (s->reason && *s->reason) {
			buf_adds(b, ": ");
			report_line(b, s->reason, MAX_LINE);
		}
		buf_addc(b, '\n');
	}
	if (bad > shown)
		buf_addf(b, "    and %zu more\n", bad - shown);
}

static void add_problems(struct buf *b, const struct paint *p, const struct record *r)
{
	if (!r->problems.n)
		return;
	buf_addf(b, "\n  %sthe report of the tests is not sound%s\n", p->dim, p->off);
	for (size_t i = 0; i < r->problems.n && i < MAX_SUBTESTS; i++) {
		buf_adds(b, "    ");
		report_line(b, r->problems.v[i], MAX_LINE);
		buf_addc(b, '\n');
	}
	if (r->problems.n > MAX_SUBTESTS)
		buf_addf(b, "    and %zu more\n", r->problems.n - MAX_SUBTESTS);
}

static void add_head(struct buf *b, const struct paint *p, const struct record *r)
{
	static const char *const words[] = {
		[VERDICT_NONE] = "LOST",
		[VERDICT_PASS] = "PASS",
		[VERDICT_FAIL] = "FAIL",
		[VERDICT_SKIP] = "SKIP",
		[VERDICT_XFAIL] = "XFAIL",
		[VERDICT_XPASS] = "XPASS",
		[VERDICT_CRASH] = "CRASH",
		[VERDICT_LOST] = "LOST",
		[VERDICT_TIMEOUT] = "TIMEOUT",
		[VERDICT_INFRA] = "INFRA",
	};

	buf_addf(b, "%s%s%s  %s", r->verdict == VERDICT_INFRA ? p->yellow : p->red,
		words[r->verdict], p->off, p->bold);
	report_line(b, record_name(r), MAX_LINE);
	buf_adds(b, p->off);
	if (r->duration_ms >= 0) {
		buf_addf(b, "  %s", p->dim);
		duration_format(b, r->duration_ms);
		buf_adds(b, p->off);
	}
	buf_addc(b, '\n');
	if (*record_reason(r)) {
		buf_adds(b, "  ");
		report_line(b, record_reason(r), MAX_LINE);
		buf_addc(b, '\n');
	}
	if (r->expected && r->verdict != VERDICT_INFRA && !streq(r->expected, "pass")) {
		buf_adds(b, "  expected: ");
		report_line(b, r->expected, MAX_LINE);
		buf_addc(b, '\n');
	}
}

static void add_command(
	struct buf *b, const struct paint *p, const char *title, const char *command)
{
	if (!command || !*command)
		return;
	buf_addf(b, "\n  %s%s%s ", p->dim, title, p->off);
	report_line(b, command, MAX_LINE);
	buf_addc(b, '\n');
}

static void add_case(struct buf *b, const struct paint *p, const struct record *r)
{
	add_head(b, p, r);
	add_subtests(b, p, r);
	add_problems(b, p, r);
	add_section(b, p, "last lines", r->tail, OUTPUT_LINES);
	for (size_t i = 0; i < r->n_splats; i++) {
		buf_addf(b, "\n  %s", p->bold);
		report_line(
			b, r->splats[i].title ? r->splats[i].title : r->splats[i].kind, MAX_LINE);
		buf_addf(b, "%s\n", p->off);
		if (r->splats[i].text)
			report_block(b, r->splats[i].text, TRACE_LINES, MAX_BYTES, "    ");
	}
	add_section(b, p, "console", r->console_tail, CONSOLE_LINES);
	add_command(b, p, "run it again:", r->rerun);
	add_command(b, p, "go to that moment:", r->resume);
	buf_addc(b, '\n');
}

void report_text(struct buf *b, const struct records *r, const struct report_info *i, bool color)
{
	const struct paint *p = color ? &colors : &plain;
	size_t missing = report_missing_cases(r, i);
	bool all_ok = i->complete && !missing;

	for (size_t k = 0; k < r->n; k++) {
		if (record_is_ok(&r->v[k]))
			continue;
		all_ok = false;
		add_case(b, p, &r->v[k]);
	}
	for (size_t k = 0; k < r->n; k++) {
		if (!record_is_flaky(&r->v[k]))
			continue;
		buf_addf(b, "%sFLAKY%s  ", p->yellow, p->off);
		report_line(b, record_name(&r->v[k]), MAX_LINE);
		buf_addf(b, "  ok at attempt %lld\n\n", (long long)r->v[k].attempt);
	}
	if (!i->complete || missing) {
		buf_addf(b, "%s%s%s", p->yellow,
			i->complete ? "not all cases ran" : "the run was stopped", p->off);
		if (missing)
			buf_addf(b, ": %zu of %zu cases %s not run", missing, i->planned,
				missing == 1 ? "was" : "were");
		buf_addc(b, '\n');
	}
	buf_adds(b, all_ok ? p->green : p->bold);
	report_totals(b, r, i);
	buf_addf(b, "%s\n", p->off);
	if (i->dir) {
		buf_adds(b, "results: ");
		report_line(b, i->dir, MAX_LINE);
		buf_addc(b, '\n');
	}
}
