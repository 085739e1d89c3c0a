/* SPDX-License-Identifier: MIT */
/*
 * JUnit XML, as Jenkins, GitLab and the readers for GitHub take it; tests/data/junit.xsd is the schema.
 *
 *	fail, xpass, timeout	<failure>
 *	crash, lost, infra	<error>
 *	skip			<skipped>
 *	xfail			<skipped message="expected failure: …">, as pytest writes it: the format has
 *				no word for it, and a bare pass would hide that something is broken
 *	expected crash, timeout	passed; <system-out> tells what happened
 *
 * A case with subtests is a suite of its own: its subtests, and behind them the case itself, whose verdict
 * knows more than they do. A run that is not complete has an <error> of its own.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "results/report.h"

#define MAX_ATTRIBUTE 1000
#define MAX_TEXT      (64 << 10)

enum outcome { PASSED, FAILURE, ERROR, SKIPPED };

struct tally {
	size_t tests, by[SKIPPED + 1];
	int64_t ms;
};

/* ---- XML ---- */

/*
 * Text as XML 1.0 may hold it. Control bytes become U+FFFD, invalid UTF-8 is shown as \xNN (text_clean()),
 * and so are the two code points that XML forbids though UTF-8 has them.
 */
static void add_escaped(struct buf *b, const char *s, bool attribute)
{
	_cleanup_buf_ struct buf bare = BUF_INIT, clean = BUF_INIT;
	const char *p;

	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 && !strchr("\t\n\r\033", *s))
			buf_adds(&bare, "\xef\xbf\xbd");
		else
			buf_addc(&bare, *s);
	}
	text_clean(&clean, buf_str(&bare), bare.len);
	for (p = buf_str(&clean); *p; p++) {
		if (*p == '&')
			buf_adds(b, "&amp;");
		else if (*p == '<')
			buf_adds(b, "&lt;");
		else if (*p == '>')
			buf_adds(b, "&gt;");
		else if (*p == '"')
			buf_adds(b, "&quot;");
		else if (attribute && (*p == '\n' || *p == '\t'))
			buf_addf(b, "&#%d;", *p);
		else if (str_starts(p, "\xef\xbf\xbe") || str_starts(p, "\xef\xbf\xbf"))
			buf_adds(b, "\xef\xbf\xbd"), p += 2;
		else
			buf_addc(b, *p);
	}
}

static void add_attribute(struct buf *b, const char *name, const char *value)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	size_t len = strnlen(value, MAX_ATTRIBUTE);

	while (len == MAX_ATTRIBUTE && ((unsigned char)value[len] & 0xc0) == 0x80)
		len--;
	buf_add(&line, value, len);
	buf_addf(b, " %s=\"", name);
	add_escaped(b, buf_str(&line), true);
	buf_adds(b, value[len] ? "…\"" : "\"");
}

/* A name, of which cleaning may leave nothing. */
static void add_name(struct buf *b, const char *attribute, const char *value)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	report_line(&line, value, MAX_ATTRIBUTE);
	add_attribute(b, attribute, line.len ? value : "(no name)");
}

static void add_time(struct buf *b, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	buf_addf(b, " time=\"%lld.%03d\"", (long long)(ms / 1000), (int)(ms % 1000));
}

/* Appends a headed part of an element's text; of long ones the end, where the reason is. */
static void add_part(struct buf *b, const char *head, const char *text)
{
	const char *end;

	if (!text || !*text)
		return;
	if (head) {
		add_escaped(b, head, false);
		buf_adds(b, "\n");
	}
	end = report_end_of(text, MAX_TEXT);
	if (end != text)
		buf_addf(b, "(%zu bytes before this are left out)\n", (size_t)(end - text));
	add_escaped(b, end, false);
	if (!str_ends(end, "\n"))
		buf_addc(b, '\n');
}

/* ---- outcomes ---- */

static enum outcome verdict_outcome(enum verdict v)
{
	switch (v) {
	case VERDICT_PASS:
		return PASSED;
	case VERDICT_SKIP:
	case VERDICT_XFAIL:
		return SKIPPED;
	case VERDICT_FAIL:
	case VERDICT_XPASS:
	case VERDICT_TIMEOUT:
		return FAILURE;
	default:
		return ERROR;
	}
}

static enum outcome case_outcome(const struct record *r)
{
	if (!record_is_ok(r))
		return verdict_outcome(r->verdict) == ERROR ? ERROR : FAILURE;
	return r->verdict == VERDICT_SKIP || r->verdict == VERDICT_XFAIL ? SKIPPED : PASSED;
}

/* A subtest that was planned and never came is a failure; the case itself says why. */
static enum outcome subtest_outcome(const struct record *r, const struct subtest *s)
{
	enum verdict v = subtest_effective(r, s);

	return v == VERDICT_NONE ? FAILURE : verdict_outcome(v);
}

static void count(struct tally *t, enum outcome o)
{
	t->tests++;
	t->by[o]++;
}

static void count_case(struct tally *t, const struct record *r)
{
	count(t, case_outcome(r));
	t->ms += r->duration_ms > 0 ? r->duration_ms : 0;
}

static void add_tally(struct buf *b, const struct tally *t)
{
	buf_addf(b, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", t->tests,
		t->by[FAILURE], t->by[ERROR], t->by[SKIPPED]);
	add_time(b, t->ms);
}

/* ---- elements ---- */

static void add_property(struct buf *b, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_adds(b, "        <property");
	add_name(b, "name", name);
	add_attribute(b, "value", value);
	buf_adds(b, "/>\n");
}

static void add_properties(struct buf *b, const struct record *r)
{
	_cleanup_buf_ struct buf p = BUF_INIT;
	char attempt[32];

	snprintf(attempt, sizeof(attempt), "%lld", (long long)r->attempt);
	add_property(&p, "kernel", r->release ? r->release : r->kernel);
	add_property(&p, "machine", r->machine_type ? r->machine_type : r->machine);
	add_property(&p, "engine", r->engine);
	add_property(&p, "accel", r->accel);
	add_property(&p, "isolate", r->isolate);
	add_property(&p, "deterministic", r->deterministic ? "true" : NULL);
	if (r->attempt > 1)
		add_property(&p, record_is_ok(r) ? "flaky-attempt" : "attempt", attempt);
	if (p.len)
		buf_addf(b, "      <properties>\n%s      </properties>\n", p.data);
}

/* <failure>, <error> or <skipped>, open: the text and the end tag are the caller's. */
static const char *add_outcome(struct buf *b, enum outcome o, enum verdict v, const char *reason)
{
	static const char *const tags[] = {
		[FAILURE] = "failure", [ERROR] = "error", [SKIPPED] = "skipped"
	};
	_cleanup_buf_ struct buf message = BUF_INIT;

	if (v == VERDICT_XFAIL)
		buf_adds(&message, "expected failure: ");
	buf_adds(&message, reason ? reason : "");
	buf_addf(b, "      <%s", tags[o]);
	add_attribute(b, "message", buf_str(&message));
	if (o != SKIPPED)
		add_attribute(b, "type", v == VERDICT_NONE ? "lost" : verdict_name(v));
	return tags[o];
}

static void add_case_text(struct buf *b, const struct record *r)
{
	_cleanup_free_ char *problems = strv_join(&r->problems, "\n");

	add_part(b, NULL, record_reason(r));
	add_part(b, "the report of the tests is not sound:", problems);
	for (size_t i = 0; i < r->n_splats; i++)
		add_part(b, r->splats[i].title, r->splats[i].text);
	add_part(b, "console:", r->console_tail);
	add_part(b, "run it again:", r->rerun);
	add_part(b, "go to that moment:", r->resume);
}

static void add_case(struct buf *b, const struct record *r, const char *suite)
{
	enum outcome o = case_outcome(r);

	buf_adds(b, "    <testcase");
	add_name(b, "classname", suite);
	add_name(b, "name", record_name(r));
	add_time(b, r->duration_ms);
	buf_adds(b, ">\n");
	add_properties(b, r);
	if (o != PASSED) {
		const char *tag = add_outcome(b, o, r->verdict, record_reason(r));

		if (o == SKIPPED) {
			buf_adds(b, "/>\n");
		} else {
			buf_addc(b, '>');
			add_case_text(b, r);
			buf_addf(b, "</%s>\n", tag);
		}
	}
	if (o == FAILURE || o == ERROR) {
		if (r->tail && *r->tail) {
			buf_adds(b, "      <system-out>");
			add_part(b, NULL, r->tail);
			buf_adds(b, "</system-out>\n");
		}
	} else if (r->verdict == VERDICT_CRASH || r->verdict == VERDICT_TIMEOUT) {
		buf_addf(b, "      <system-out>%s, as expected\n",
			r->verdict == VERDICT_CRASH ? "crashed" : "timed out");
		add_case_text(b, r);
		buf_adds(b, "</system-out>\n");
	}
	buf_adds(b, "    </testcase>\n");
}

static void add_subtest(struct buf *b, const struct record *r, const struct subtest *s)
{
	enum outcome o = subtest_outcome(r, s);

	buf_adds(b, "    <testcase");
	add_name(b, "classname", record_name(r));
	add_name(b, "name", s->name);
	add_time(b, s->duration_ms);
	if (o == PASSED) {
		buf_adds(b, "/>\n");
		return;
	}
	buf_adds(b, ">\n");
	add_outcome(b, o, subtest_effective(r, s), s->reason);
	buf_adds(b, "/>\n    </testcase>\n");
}

static void open_suite(struct buf *b, const char *name, const struct tally *t, const char *started,
	const char *host)
{
	buf_adds(b, "  <testsuite");
	add_name(b, "name", name);
	add_tally(b, t);
	if (started && *started)
		add_attribute(b, "timestamp", started);
	add_name(b, "hostname", host && *host ? host : "localhost");
	buf_adds(b, ">\n");
}

static void add_suite_of_case(
	struct buf *b, const struct record *r, const char *suite, struct tally *all)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < r->n_subtests; i++)
		count(&t, subtest_outcome(r, &r->subtests[i]));
	count_case(&t, r);
	open_suite(b, record_name(r), &t, r->started, r->machine);
	for (size_t i = 0; i < r->n_subtests; i++)
		add_subtest(b, r, &r->subtests[i]);
	add_case(b, r, suite);
	buf_adds(b, "  </testsuite>\n");
	all->tests += t.tests;
	for (size_t i = 0; i <= SKIPPED; i++)
		all->by[i] += t.by[i];
}

static void add_incomplete(struct buf *b, const struct records *r, const struct report_info *i)
{
	buf_addf(b,
		"    <testcase classname=\"vmrig\" name=\"vmrig/run-incomplete\" time=\"0.000\">\n"
		"      <error message=\"the run is not complete: %zu of %zu cases did not run\" type=\"infra\"/>\n"
		"    </testcase>\n",
		report_missing_cases(r, i), i->planned);
}

void report_junit(struct buf *b, const struct records *r, const struct report_info *i)
{
	_cleanup_buf_ struct buf suites = BUF_INIT;
	const char *suite = i->suite && *i->suite ? i->suite : "vmrig", *started = NULL;
	bool incomplete = !i->complete || report_missing_cases(r, i);
	struct tally own = { 0 }, all;

	for (size_t k = 0; k < r->n; k++) {
		if (!started)
			started = r->v[k].started;
		if (!r->v[k].n_subtests)
			count_case(&own, &r->v[k]);
	}
	if (incomplete)
		count(&own, ERROR);
	open_suite(&suites, suite, &own, started, NULL);
	for (size_t k = 0; k < r->n; k++)
		if (!r->v[k].n_subtests)
			add_case(&suites, &r->v[k], suite);
	if (incomplete)
		add_incomplete(&suites, r, i);
	buf_adds(&suites, "  </testsuite>\n");
	all = own;
	for (size_t k = 0; k < r->n; k++)
		if (r->v[k].n_subtests)
			add_suite_of_case(&suites, &r->v[k], suite, &all);
	all.ms = i->duration_ms;
	buf_adds(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	add_name(b, "name", suite);
	add_tally(b, &all);
	buf_adds(b, ">\n");
	buf_add(b, buf_str(&suites), suites.len);
	buf_adds(b, "</testsuites>\n");
}
