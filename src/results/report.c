/* SPDX-License-Identifier: MIT */
#include "results/report.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

bool record_is_ok(const struct record *r)
{
	switch (r->verdict) {
	case VERDICT_PASS:
	case VERDICT_SKIP:
	case VERDICT_XFAIL:
	case VERDICT_CRASH:
	case VERDICT_TIMEOUT:
		return r->ok;
	default:
		return false;
	}
}

enum verdict subtest_effective(const struct record *r, const struct subtest *s)
{
	switch (s->verdict) {
	case VERDICT_PASS:
	case VERDICT_SKIP:
	case VERDICT_XFAIL:
		return s->verdict;
	default:
		return record_is_ok(r) ? VERDICT_XFAIL : s->verdict;
	}
}

bool record_is_flaky(const struct record *r)
{
	return record_is_ok(r) && r->attempt > 1;
}

size_t report_missing_cases(const struct records *r, const struct report_info *i)
{
	return i->planned > r->n ? i->planned - r->n : 0;
}

const char *record_name(const struct record *r)
{
	return r->id && *r->id ? r->id : r->test && *r->test ? r->test : "(no name)";
}

const char *record_verdict_name(const struct record *r)
{
	return verdict_name(r->verdict == VERDICT_NONE ? VERDICT_LOST : r->verdict);
}

const char *record_reason(const struct record *r)
{
	if (r->reason && *r->reason)
		return r->reason;
	switch (r->verdict) {
	case VERDICT_NONE:
	case VERDICT_LOST:
		return "the guest went away before there was a verdict";
	case VERDICT_FAIL:
		return "the test failed";
	case VERDICT_XPASS:
		return "the test passed, though a failure was expected";
	case VERDICT_CRASH:
		return "the kernel crashed";
	case VERDICT_TIMEOUT:
		return "the time was up";
	case VERDICT_INFRA:
		return "the rig failed";
	default:
		return "";
	}
}

/* ---- text ---- */

void report_line(struct buf *b, const char *s, size_t max)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	size_t len;

	if (!s)
		return;
	len = strnlen(s, max + 1);
	/* Reading no more than can be shown: cleaning only makes text longer, save for escapes. */
	text_clean(&clean, s, len);
	if (clean.len > max) {
		size_t at = max;

		while (at && ((unsigned char)clean.data[at] & 0xc0) == 0x80)
			at--;
		buf_truncate(&clean, at);
		buf_adds(&clean, "…");
	}
	for (size_t i = 0; i < clean.len; i++)
		if (clean.data[i] == '\n' || clean.data[i] == '\t')
			clean.data[i] = ' ';
	buf_add(b, clean.data, clean.len);
}

const char *report_end_of(const char *s, size_t max)
{
	size_t len = strlen(s);
	const char *nl;

	if (len <= max)
		return s;
	s += len - max;
	nl = memchr(s, '\n', max);
	if (nl && nl[1] && (size_t)(nl - s) < max / 2)
		return nl + 1;
	while (((unsigned char)*s & 0xc0) == 0x80)
		s++;
	return s;
}

void report_block(struct buf *b, const char *s, size_t n, size_t max, const char *indent)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	const char *end = report_end_of(s, max), *last;
	size_t len;

	text_clean(&clean, end, strlen(end));
	last = text_last_lines(buf_str(&clean), clean.len, n, &len);
	if (end > s || last > buf_str(&clean))
		buf_addf(b, "%s…\n", indent);
	while (len) {
		const char *nl = memchr(last, '\n', len);
		size_t line = nl ? (size_t)(nl - last) : len;

		if (line) {
			buf_adds(b, indent);
			buf_add(b, last, line);
		}
		buf_addc(b, '\n');
		line += nl != NULL;
		last += line;
		len -= line;
	}
}

/* ---- totals ---- */

static void add_count(struct buf *b, size_t n, const char *one, const char *many, const char **sep)
{
	if (!n)
		return;
	buf_addf(b, "%s%zu %s", *sep, n, n == 1 ? one : many);
	*sep = ", ";
}

void report_totals(struct buf *b, const struct records *r, const struct report_info *i)
{
	size_t ok[VERDICT_INFRA + 1] = { 0 }, bad[VERDICT_INFRA + 1] = { 0 }, n_ok = 0, flaky = 0;
	const char *sep = " (";

	for (size_t k = 0; k < r->n; k++) {
		bool good = record_is_ok(&r->v[k]);

		n_ok += good;
		(good ? ok : bad)[r->v[k].verdict]++;
		flaky += record_is_flaky(&r->v[k]);
	}
	if (report_missing_cases(r, i))
		buf_addf(b, "%zu of %zu cases: %zu ok", r->n, i->planned, n_ok);
	else
		buf_addf(b, "%zu %s: %zu ok", r->n, r->n == 1 ? "case" : "cases", n_ok);
	add_count(b, ok[VERDICT_SKIP], "skipped", "skipped", &sep);
	add_count(b, ok[VERDICT_XFAIL], "expected failure", "expected failures", &sep);
	add_count(b, ok[VERDICT_CRASH], "expected crash", "expected crashes", &sep);
	add_count(b, ok[VERDICT_TIMEOUT], "expected timeout", "expected timeouts", &sep);
	add_count(b, flaky, "flaky", "flaky", &sep);
	buf_adds(b, *sep == ',' ? ")" : "");
	sep = ", ";
	/* A pass or a skip that is not ok was not what the suite wanted. */
	add_count(b, bad[VERDICT_FAIL] + bad[VERDICT_PASS] + bad[VERDICT_SKIP] + bad[VERDICT_XFAIL],
		"failed", "failed", &sep);
	add_count(b, bad[VERDICT_XPASS], "passed unexpectedly", "passed unexpectedly", &sep);
	add_count(b, bad[VERDICT_CRASH], "crashed", "crashed", &sep);
	add_count(b, bad[VERDICT_TIMEOUT], "timed out", "timed out", &sep);
	add_count(b, bad[VERDICT_LOST] + bad[VERDICT_NONE], "lost", "lost", &sep);
	add_count(b, bad[VERDICT_INFRA], "failed by the rig", "failed by the rig", &sep);
	if (i->duration_ms >= 0) {
		buf_adds(b, " in ");
		duration_format(b, i->duration_ms);
	}
}
