/* SPDX-License-Identifier: MIT */
/*
 * GitHub Actions: workflow commands on stdout, and Markdown for the job's summary. The runner shows ten
 * annotations of a kind for a step and refuses a summary above 1 MiB.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "results/report.h"

#define MAX_ANNOTATIONS 10
#define MAX_SUMMARY     (1000 << 10)
#define MAX_ROWS        (400 << 10) /* bytes of the table, so that details keep their share */
#define MAX_LINE        500

/* ---- annotations ---- */

/* Data of a command; PROPERTY: what stands before "::", where ':' and ',' have a meaning too. */
static void add_data(struct buf *b, const char *s, size_t len, bool property)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
			buf_addf(b, "%%%02X", (unsigned char)c);
		else
			buf_addc(b, c);
	}
}

static void add_command(
	struct buf *b, const char *kind, const struct buf *title, const struct buf *text)
{
	buf_addf(b, "::%s title=", kind);
	add_data(b, buf_str(title), title->len, true);
	buf_adds(b, "::");
	add_data(b, buf_str(text), text->len, false);
	buf_addc(b, '\n');
}

static void annotate_case(struct buf *b, const char *kind, const struct record *r)
{
	_cleanup_buf_ struct buf title = BUF_INIT, text = BUF_INIT;

	report_line(&title, record_name(r), MAX_LINE);
	if (record_is_flaky(r)) {
		buf_addf(&text, "flaky: ok at attempt %lld", (long long)r->attempt);
	} else {
		buf_addf(&text, "%s: ", record_verdict_name(r));
		report_line(&text, record_reason(r), MAX_LINE);
	}
	if (r->n_splats && r->splats[0].title) {
		buf_addc(&text, '\n');
		report_line(&text, r->splats[0].title, MAX_LINE);
	}
	if (r->rerun) {
		buf_adds(&text, "\nrun it again: ");
		report_line(&text, r->rerun, MAX_LINE);
	}
	add_command(b, kind, &title, &text);
}

static void annotate(struct buf *b, const char *kind, const char *title, struct buf *text)
{
	_cleanup_buf_ struct buf t = BUF_INIT;

	buf_adds(&t, title);
	add_command(b, kind, &t, text);
}

void report_github_annotations(struct buf *b, const struct records *r, const struct report_info *i)
{
	size_t shown = 0, bad = 0, flaky = 0, missing = report_missing_cases(r, i);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!i->complete || missing) {
		buf_addf(&text, "%zu of %zu cases did not run", missing, i->planned);
		annotate(b, "error", "the run is not complete", &text);
		shown++;
	}
	for (size_t k = 0; k < r->n; k++) {
		if (record_is_ok(&r->v[k]))
			continue;
		bad++;
		if (shown < MAX_ANNOTATIONS) {
			annotate_case(b, "error", &r->v[k]);
			shown++;
		}
	}
	bad -= shown - (!i->complete || missing);
	for (size_t k = 0; k < r->n; k++)
		if (record_is_flaky(&r->v[k]) && flaky++ < MAX_ANNOTATIONS)
			annotate_case(b, "warning", &r->v[k]);
	if (!bad)
		return;
	buf_clear(&text);
	buf_addf(&text, "%zu more %s not ok; the summary and the results list them", bad,
		bad == 1 ? "case is" : "cases are");
	annotate(b, "notice", "more failures", &text);
}

/* ---- summary ---- */

/* Text in which neither HTML nor Markdown finds anything to read. */
static void add_literal(struct buf *b, const char *s, size_t len, bool markdown)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (strchr("<>&\"", c) || (markdown && strchr("\\`*_{}[]()#+!|~:@$'", c)))
			buf_addf(b, "&#%d;", c);
		else
			buf_addc(b, c);
	}
}

static void add_cell(struct buf *b, const char *s)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	report_line(&line, s, MAX_LINE);
	add_literal(b, buf_str(&line), line.len, true);
}

static void add_row(struct buf *b, const struct record *r)
{
	bool ok = record_is_ok(r),
	     expected = r->verdict == VERDICT_CRASH || r->verdict == VERDICT_TIMEOUT;

	buf_addf(b, "| %s%s%s | ", ok ? "" : "❌ ", record_verdict_name(r),
		ok && expected ? ", expected" : "");
	add_cell(b, record_name(r));
	buf_adds(b, " | ");
	if (r->duration_ms >= 0)
		duration_format(b, r->duration_ms);
	buf_adds(b, " | ");
	if (record_is_flaky(r))
		buf_addf(b, "flaky: ok at attempt %lld. ", (long long)r->attempt);
	add_cell(b, record_reason(r));
	buf_adds(b, " |\n");
}

/* Rows of the cases that are, or are not, ok; those that do not fit are counted. */
static size_t add_rows(struct buf *b, const struct records *r, bool ok, size_t limit)
{
	_cleanup_buf_ struct buf row = BUF_INIT;
	size_t left_out = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (record_is_ok(&r->v[i]) != ok)
			continue;
		buf_clear(&row);
		if (!left_out)
			add_row(&row, &r->v[i]);
		if (left_out || b->len + row.len > limit)
			left_out++;
		else
			buf_add(b, row.data, row.len);
	}
	return left_out;
}

static void add_pre(struct buf *b, const char *head, const char *text)
{
	_cleanup_buf_ struct buf block = BUF_INIT;

	if (!text || !*text)
		return;
	report_block(&block, text, 60, 6 << 10, "");
	buf_addf(b, "\n%s\n\n<pre>", head);
	add_literal(b, buf_str(&block), block.len, false);
	buf_adds(b, "</pre>\n");
}

static void add_detail(struct buf *b, const struct record *r)
{
	buf_addf(b, "<details><summary>%s: ", record_verdict_name(r));
	add_cell(b, record_name(r));
	buf_adds(b, "</summary>\n\n");
	add_cell(b, record_reason(r));
	buf_addc(b, '\n');
	for (size_t i = 0; i < r->n_splats && i < 2; i++) {
		_cleanup_buf_ struct buf title = BUF_INIT;

		add_cell(&title, r->splats[i].title);
		if (r->splats[i].text)
			add_pre(b, buf_str(&title), r->splats[i].text);
		else
			buf_addf(b, "\n%s\n", buf_str(&title));
	}
	add_pre(b, "last lines", r->tail);
	add_pre(b, "console", r->console_tail);
	add_pre(b, "run it again", r->rerun);
	add_pre(b, "go to that moment", r->resume);
	buf_adds(b, "\n</details>\n\n");
}

void report_github_summary(struct buf *b, const struct records *r, const struct report_info *i)
{
	size_t left_out, no_detail = 0, missing = report_missing_cases(r, i);
	_cleanup_buf_ struct buf out = BUF_INIT, detail = BUF_INIT;

	buf_adds(&out, "## ");
	add_cell(&out, i->suite ? i->suite : "vmrig");
	buf_adds(&out, "\n\n");
	report_totals(&out, r, i);
	buf_adds(&out, "\n\n");
	if (!i->complete || missing)
		buf_addf(&out, "**The run is not complete: %zu of %zu cases did not run.**\n\n",
			missing, i->planned);
	if (r->n)
		buf_adds(&out, "| verdict | case | time | reason |\n|---|---|---|---|\n");
	left_out = add_rows(&out, r, false, MAX_ROWS);
	left_out += add_rows(&out, r, true, MAX_ROWS);
	if (left_out)
		buf_addf(&out, "\n%zu more %s left out of this table, which would be too long.\n",
			left_out, left_out == 1 ? "case is" : "cases are");
	buf_addc(&out, '\n');
	for (size_t k = 0; k < r->n; k++) {
		if (record_is_ok(&r->v[k]))
			continue;
		buf_clear(&detail);
		if (!no_detail)
			add_detail(&detail, &r->v[k]);
		if (no_detail || out.len + detail.len > MAX_SUMMARY)
			no_detail++;
		else
			buf_add(&out, detail.data, detail.len);
	}
	if (no_detail)
		buf_addf(&out,
			"The details of %zu more %s are left out: a summary must stay below 1 MiB.\n",
			no_detail, no_detail == 1 ? "case" : "cases");
	buf_add(b, out.data, out.len);
}
