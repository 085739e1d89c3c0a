/* SPDX-License-Identifier: MIT */
/*
 * A page for people, one file beside the cases' folders that it links to: no script, nothing from elsewhere. All that
 * comes from a record is text here, whatever it says, and every link stays in the run's folder.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "results/report.h"

#define LINE_MAX_BYTES 2000
#define BLOCK_LINES    60
#define BLOCK_MAX      (16 * 1024)
#define SUBTESTS_MAX   200

static const char style[] =
	":root{color-scheme:light dark;--line:#8884;--soft:#8882}"
	"body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}"
	"h1{font-size:1.4rem;margin:0}p{margin:.3rem 0}"
	"table{border-collapse:collapse;width:100%;margin:1rem 0}"
	"th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}"
	"td.n{text-align:right;white-space:nowrap}td:first-child{width:1%}"
	"pre{background:var(--soft);padding:.6rem;overflow:auto;font:12px/1.4 monospace;margin:.4rem 0}"
	"code{font:12px monospace}"
	"b.v{display:inline-block;min-width:4.5rem;text-align:center;border-radius:.3rem;color:#fff;padding:0 .4rem}"
	"b.ok{background:#2a7d3c}b.bad{background:#b3261e}b.skip{background:#777}"
	"details{border:1px solid var(--line);border-radius:.4rem;margin:.6rem 0;padding:.4rem .8rem}"
	"summary{cursor:pointer;font-weight:600}"
	"figure{display:inline-block;margin:.4rem .8rem .4rem 0;vertical-align:top}"
	"figure img{max-width:22rem;max-height:16rem;border:1px solid var(--line);background:#000}"
	"figcaption{font-size:12px}";

/* ---- text ---- */

static void put_escaped(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (s[i]) {
		case '<':
			buf_adds(b, "&lt;");
			break;
		case '>':
			buf_adds(b, "&gt;");
			break;
		case '&':
			buf_adds(b, "&amp;");
			break;
		case '"':
			buf_adds(b, "&quot;");
			break;
		default:
			buf_addc(b, s[i]);
		}
	}
}

static void put(struct buf *b, const char *s)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	report_line(&clean, s, LINE_MAX_BYTES);
	put_escaped(b, buf_str(&clean), clean.len);
}

static void put_block(struct buf *b, const char *title, const char *text)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	if (!text || !*text)
		return;
	report_block(&clean, text, BLOCK_LINES, BLOCK_MAX, "");
	buf_addf(b, "<p>%s</p><pre>", title);
	put_escaped(b, buf_str(&clean), clean.len);
	buf_adds(b, "</pre>\n");
}

/* Relative, and in the run's folder: else there is no link. */
static bool is_inside(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (*p == '/' || str_starts(p, "../") || streq(p, ".."))
			return false;
	return *path;
}

static void put_path(struct buf *b, const char *path)
{
	/* A colon in the first part would make it a scheme. */
	buf_adds(b, "./");
	for (const char *p = path; *p; p++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/",
			    *p))
			buf_addc(b, *p);
		else
			buf_addf(b, "%%%02X", (unsigned char)*p);
}

static void put_link(struct buf *b, const struct record *r, const char *file)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", r->dir, file);

	if (is_inside(path)) {
		buf_adds(b, " <a href=\"");
		put_path(b, path);
		buf_adds(b, "\">");
		put(b, file);
		buf_adds(b, "</a>");
	} else {
		buf_adds(b, " ");
		put(b, file);
	}
}

static void put_time(struct buf *b, int64_t ms)
{
	if (ms >= 0)
		duration_format(b, ms);
}

static void put_verdict(struct buf *b, const char *name, bool ok, bool skip)
{
	buf_addf(b, "<b class=\"v %s\">%s</b>", skip ? "skip" : ok ? "ok" : "bad", name);
}

/* ---- one case ---- */

static void put_picture(struct buf *b, const struct record *r, const char *file)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", r->dir, file);

	if (!is_inside(path))
		return;
	buf_adds(b, "<figure><a href=\"");
	put_path(b, path);
	buf_adds(b, "\"><img loading=\"lazy\" alt=\"\" src=\"");
	put_path(b, path);
	buf_adds(b, "\"></a><figcaption>");
	put(b, file);
	buf_adds(b, "</figcaption></figure>\n");
}

static bool is_picture(const char *file)
{
	return str_ends(file, ".png");
}

static void put_files(struct buf *b, const struct record *r)
{
	if (!r->dir)
		return;
	buf_adds(b, "<p>Files:");
	put_link(b, r, "console.log");
	put_link(b, r, "stdout");
	for (size_t i = 0; i < r->artifacts.n; i++)
		if (!is_picture(r->artifacts.v[i]))
			put_link(b, r, r->artifacts.v[i]);
	buf_adds(b, "</p>\n");
	for (size_t i = 0; i < r->artifacts.n; i++)
		if (is_picture(r->artifacts.v[i]))
			put_picture(b, r, r->artifacts.v[i]);
}

static void put_subtests(struct buf *b, const struct record *r)
{
	size_t n = r->n_subtests < SUBTESTS_MAX ? r->n_subtests : SUBTESTS_MAX;

	if (!r->n_subtests)
		return;
	buf_adds(b, "<table>\n");
	for (size_t i = 0; i < n; i++) {
		const struct subtest *s = &r->subtests[i];
		enum verdict v = subtest_effective(r, s);

		buf_adds(b, "<tr><td>");
		if (s->verdict == VERDICT_NONE)
			put_verdict(b, "missing", false, record_is_ok(r));
		else
			put_verdict(b, verdict_name(s->verdict),
				v == VERDICT_PASS || v == VERDICT_XFAIL, v == VERDICT_SKIP);
		buf_adds(b, "</td><td>");
		put(b, s->name);
		buf_adds(b, "</td><td>");
		put(b, s->reason);
		buf_adds(b, "</td><td class=\"n\">");
		put_time(b, s->duration_ms);
		buf_adds(b, "</td></tr>\n");
	}
	buf_adds(b, "</table>\n");
	if (n < r->n_subtests)
		buf_addf(b, "<p>… and %zu more</p>\n", r->n_subtests - n);
}

static bool worth_opening(const struct record *r)
{
	if (!record_is_ok(r))
		return true;
	for (size_t i = 0; i < r->artifacts.n; i++)
		if (is_picture(r->artifacts.v[i]))
			return true;
	return false;
}

static void put_details(struct buf *b, const struct record *r, size_t number)
{
	buf_addf(b, "<details id=\"c%zu\"%s><summary>", number, worth_opening(r) ? " open" : "");
	put(b, record_name(r));
	buf_adds(b, "</summary>\n<p>");
	put_verdict(b, record_verdict_name(r), record_is_ok(r),
		r->verdict == VERDICT_SKIP && record_is_ok(r));
	buf_addc(b, ' ');
	put(b, record_reason(r));
	buf_adds(b, "</p>\n");
	put_subtests(b, r);
	for (size_t i = 0; i < r->problems.n; i++) {
		buf_adds(b, "<p>");
		put(b, r->problems.v[i]);
		buf_adds(b, "</p>\n");
	}
	for (size_t i = 0; i < r->n_splats; i++) {
		buf_adds(b, "<p><b>");
		put(b, r->splats[i].title);
		buf_adds(b, "</b></p>\n");
		put_block(b, "Trace", r->splats[i].text);
	}
	if (!record_is_ok(r)) {
		put_block(b, "Last lines", r->tail);
		put_block(b, "Console", r->console_tail);
	}
	if (r->rerun && !record_is_ok(r)) {
		buf_adds(b, "<p>Run it again: <code>");
		put(b, r->rerun);
		buf_adds(b, "</code></p>\n");
	}
	put_files(b, r);
	buf_adds(b, "</details>\n");
}

/* ---- the page ---- */

static void put_row(struct buf *b, const struct record *r, size_t number)
{
	buf_adds(b, "<tr><td>");
	put_verdict(b, record_verdict_name(r), record_is_ok(r),
		r->verdict == VERDICT_SKIP && record_is_ok(r));
	buf_addf(b, "</td><td><a href=\"#c%zu\">", number);
	put(b, record_name(r));
	buf_adds(b, "</a>");
	if (record_is_flaky(r))
		buf_adds(b, " (flaky)");
	buf_adds(b, "</td><td>");
	put(b, r->release ? r->release : r->kernel);
	buf_adds(b, "</td><td>");
	put(b, r->machine_type);
	buf_adds(b, r->machine_type && r->accel ? ", " : "");
	put(b, r->accel);
	buf_adds(b, r->deterministic ? ", deterministic" : "");
	buf_adds(b, "</td><td>");
	put(b, r->verdict == VERDICT_PASS && record_is_ok(r) ? NULL : record_reason(r));
	buf_adds(b, "</td><td class=\"n\">");
	put_time(b, r->duration_ms);
	buf_adds(b, "</td></tr>\n");
}

void report_html(struct buf *b, const struct records *r, const struct report_info *i)
{
	_cleanup_buf_ struct buf totals = BUF_INIT;

	buf_adds(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		    "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	put(b, i->suite);
	buf_addf(b, "</title><style>%s</style></head><body>\n<h1>", style);
	put(b, i->suite);
	buf_adds(b, "</h1>\n<p>");
	report_totals(&totals, r, i);
	put(b, buf_str(&totals));
	buf_adds(b, "</p>\n");
	if (report_missing_cases(r, i))
		buf_addf(b, "<p><b class=\"v bad\">stopped</b> %zu of %zu cases did not run</p>\n",
			report_missing_cases(r, i), i->planned);
	buf_adds(b,
		"<table><tr><th>Verdict</th><th>Case</th><th>Kernel</th><th>Machine</th><th>Why</th>"
		"<th>Time</th></tr>\n");
	for (size_t k = 0; k < r->n; k++)
		put_row(b, &r->v[k], k);
	buf_adds(b, "</table>\n");
	for (size_t k = 0; k < r->n; k++)
		put_details(b, &r->v[k], k);
	buf_adds(b, "</body></html>\n");
}
