/* SPDX-License-Identifier: MIT */
/* The reports for people, for TAP readers and for GitHub. */
#include "sample.h"

typedef void (*report_fn)(struct buf *b, const struct records *r, const struct report_info *i);

static void text_plain(struct buf *b, const struct records *r, const struct report_info *i)
{
	report_text(b, r, i, false);
}

static void one_hostile_record(struct records *r)
{
	struct record *c = add_record(r, HOSTILE, VERDICT_FAIL, false);

	c->reason = xstrdup(HOSTILE);
	c->tail = xstrdup(HOSTILE "\n</pre></details>\n");
	c->console_tail = xstrdup(HOSTILE);
	c->rerun = xstrdup(HOSTILE);
	c->limit = xstrdup(HOSTILE);
	c->expected = xstrdup(HOSTILE);
	strv_add(&c->problems, HOSTILE);
	add_splat(c, HOSTILE, HOSTILE);
	add_subtest(c, HOSTILE, VERDICT_FAIL, HOSTILE);
}

static void the_end_of_a_run_is_told_plainly(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	fill_records(&r);
	i = whole_run(&r);
	report_text(&b, &r, &i, false);
	assert_contains(b.data, "FAIL  net/bind  1.24 s\n  exit code 3\n");
	assert_contains(b.data, "    fail  v6: no route\n");
	assert_contains(b.data, "  last lines\n    first\n    second\n");
	assert_contains(b.data, "  console\n    [ 1.0] eth0: up\n");
	assert_contains(b.data, "  run it again: vmrig test --filter net/bind\n");
	assert_contains(b.data,
		"  KASAN: use-after-free in foo\n    Call Trace:\n     foo+0x12/0x34 (net/foo.c:12)\n");
	assert_contains(b.data, "FLAKY  shaky  ok at attempt 2\n");
	assert_contains(b.data,
		"12 cases: 5 ok (1 skipped, 1 expected failure, 1 expected crash, 1 flaky), 1 failed, "
		"1 passed unexpectedly, 1 crashed, 1 timed out, 2 lost, 1 failed by the rig in ");
	assert_contains(b.data, "results: results/7\n");
	assert_null(strstr(b.data, "\033"));
	assert_null(strstr(b.data, "boot"));
	records_release(&r);
}

static void a_case_whose_guest_was_like_others_on_purpose_says_so(void **state)
{
	static const struct {
		report_fn report;
		const char *says;
	} table[] = {
		{ report_tap, "# deterministic: a clone" },
		{ report_junit, "<property name=\"deterministic\" value=\"true\"/>" },
		{ report_html, ", deterministic</td>" },
	};
	struct records r = { 0 };
	struct report_info i;

	fill_records(&r);
	i = whole_run(&r);
	for (int on = 0; on < 2; on++) {
		r.v[0].deterministic = on;
		for (size_t k = 0; k < ARRAY_SIZE(table); k++) {
			_cleanup_buf_ struct buf b = BUF_INIT;

			table[k].report(&b, &r, &i);
			assert_int_equal(strstr(buf_str(&b), table[k].says) != NULL, on);
		}
	}
	records_release(&r);
}

static void color_is_only_where_it_was_asked_for(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	fill_records(&r);
	i = whole_run(&r);
	report_text(&b, &r, &i, true);
	assert_contains(b.data, "\033[1;31mFAIL\033[0m");
	records_release(&r);
}

static void a_stopped_run_says_so_everywhere(void **state)
{
	static const struct {
		report_fn report;
		const char *says;
	} table[] = {
		{ text_plain, "the run was stopped: 5 of 6 cases were not run" },
		{ report_tap, "1..6\n" },
		{ report_tap, "Bail out! the run was stopped, 5 of 6 cases did not run" },
		{ report_junit, "vmrig/run-incomplete" },
		{ report_github_annotations,
			"::error title=the run is not complete::5 of 6 cases did not run" },
		{ report_github_summary, "5 of 6 cases did not run" },
		{ report_html, "5 of 6 cases did not run" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(table); k++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct records r = { 0 };
		struct report_info i;

		add_record(&r, "a", VERDICT_PASS, true);
		i = whole_run(&r);
		i.planned = 6;
		i.complete = false;
		table[k].report(&b, &r, &i);
		assert_contains(b.data, table[k].says);
		records_release(&r);
	}
}

/* Where the next of TEXT's tags begins that a page of ours does not have; NULL: there is none. */
static const char *foreign_tag(const char *html)
{
	static const char *const ours[] = { "!doctype html>", "html", "head>", "meta ", "title>",
		"style>", "body>", "h1>", "p>", "b>", "b class=\"v ", "table>", "tr>", "th>", "td>",
		"td class=\"n\">", "a href=\"", "a>", "details", "summary>", "pre>", "code>",
		"figure>", "figcaption>", "img loading=\"lazy\" alt=\"\" src=\"./" };

	for (const char *p = strchr(html, '<'); p; p = strchr(p + 1, '<')) {
		const char *name = p[1] == '/' ? p + 2 : p + 1;
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			known |= str_starts(name, ours[i]);
		if (!known)
			return p;
	}
	return NULL;
}

static void the_page_has_every_case_and_the_screens_that_were_kept(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;
	struct record *c;

	fill_records(&r);
	c = add_record(&r, "menu", VERDICT_PASS, true);
	c->dir = xstrdup("cases/menu");
	strv_add(&c->artifacts, "screens/boot.png");
	strv_add(&c->artifacts, "registers.txt");
	i = whole_run(&r);
	report_html(&b, &r, &i);
	assert_contains(b.data, "src=\"./cases/menu/screens/boot.png\"");
	assert_contains(b.data, "<a href=\"./cases/menu/registers.txt\">registers.txt</a>");
	assert_contains(b.data, "exit code 3");
	assert_contains(b.data, "no route");
	assert_contains(b.data, "1 crashed");
	for (size_t k = 0; k < r.n; k++)
		assert_contains(b.data, r.v[k].id);
	assert_null(foreign_tag(b.data));
	records_release(&r);
}

static void no_record_gets_a_tag_or_a_link_out_of_the_folder_into_the_page(void **state)
{
	static const char *const files[] = { "../../../up.png", "a/../../../up.txt",
		"x\"><script>.png", "javascript:x.png", "a b%#?.png" };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	one_hostile_record(&r);
	for (size_t k = 0; k < 2; k++) {
		struct record *c = add_record(&r, "<script>", VERDICT_FAIL, false);

		c->dir = xstrdup(k ? "/etc" : "cases/x");
		for (size_t n = 0; n < ARRAY_SIZE(files); n++)
			strv_add(&c->artifacts, files[n]);
	}
	i = whole_run(&r);
	report_html(&b, &r, &i);
	if (foreign_tag(b.data))
		fail_msg("%.200s", foreign_tag(b.data));
	assert_null(strstr(b.data, "=\"./cases/x/../"));
	assert_null(strstr(b.data, "=\"./cases/x/a/../"));
	assert_null(strstr(b.data, "=\"./etc"));
	assert_null(strstr(b.data, "=\".//etc"));
	assert_contains(b.data, "src=\"./cases/x/javascript%3Ax.png\"");
	assert_contains(b.data, "src=\"./cases/x/a%20b%25%23%3F.png\"");
	records_release(&r);
}

static enum verdict read_back(const struct records *r, const struct report_info *i)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_tap_ struct tap *t = NULL;

	report_tap(&b, r, i);
	t = tap_of(b.data, b.len);
	/* The report bails out by itself, and has no other problem. */
	if (tap_problems(t)->n && !strstr(tap_problems(t)->v[0], "bailed out"))
		fail_msg("%s\n%s", tap_problems(t)->v[0], b.data);
	return tap_verdict(t);
}

static void the_tap_report_is_sound(void **state)
{
	struct records all = { 0 }, good = { 0 }, none = { 0 }, hostile = { 0 };
	struct report_info i;
	struct record *c;

	fill_records(&all);
	i = whole_run(&all);
	assert_int_equal(read_back(&all, &i), VERDICT_FAIL);
	add_record(&good, "a # TODO \\ b", VERDICT_PASS, true);
	c = add_record(&good, "crash", VERDICT_CRASH, true);
	add_subtest(c, "s # SKIP", VERDICT_NONE, NULL);
	add_subtest(c, "f", VERDICT_FAIL, NULL);
	add_record(&good, "x", VERDICT_XFAIL, true);
	i = whole_run(&good);
	assert_int_equal(read_back(&good, &i), VERDICT_PASS);
	i.complete = false;
	assert_int_equal(read_back(&good, &i), VERDICT_FAIL);
	i = whole_run(&none);
	assert_int_equal(read_back(&none, &i), VERDICT_SKIP);
	one_hostile_record(&hostile);
	i = whole_run(&hostile);
	assert_int_equal(read_back(&hostile, &i), VERDICT_FAIL);
	records_release(&all);
	records_release(&good);
	records_release(&hostile);
}

static void names_survive_the_tap_report(void **state)
{
	static const char name[] = "a # TODO \\ b \\# c";
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_tap_ struct tap *t = NULL;
	struct records r = { 0 };
	struct report_info i;

	add_record(&r, name, VERDICT_PASS, true);
	i = whole_run(&r);
	report_tap(&b, &r, &i);
	t = tap_of(b.data, b.len);
	assert_string_equal(tap_at(t, 0)->name, name);
	records_release(&r);
}

static void an_unexpected_pass_is_not_ok_to_any_tap_reader(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	add_record(&r, "fixed", VERDICT_XPASS, false);
	i = whole_run(&r);
	report_tap(&b, &r, &i);
	assert_contains(b.data, "\nnot ok 1 - fixed\n");
	records_release(&r);
}

static size_t occurrences(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

static void annotations_are_at_most_ten_and_a_count(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	for (int k = 0; k < 25; k++)
		add_record(&r, "x", VERDICT_FAIL, false);
	i = whole_run(&r);
	report_github_annotations(&b, &r, &i);
	assert_int_equal(occurrences(b.data, "::error "), 10);
	assert_contains(b.data, "::15 more cases are not ok");
	records_release(&r);
}

static void annotations_cannot_be_broken_out_of(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;
	struct record *c = add_record(&r, "a:b,c%d\n::error::x", VERDICT_FAIL, false);

	c->reason = xstrdup("50%\r\n::set-output name=x::y");
	i = whole_run(&r);
	report_github_annotations(&b, &r, &i);
	assert_string_equal(b.data,
		"::error title=a%3Ab%2Cc%25d %3A%3Aerror%3A%3Ax::fail: 50%25 ::set-output name=x::y\n");
	records_release(&r);
}

static void the_summary_stays_below_a_mebibyte(void **state)
{
	char *huge = xmalloc(200001);
	struct records r = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct report_info i;

	memset(huge, '<', 200000);
	huge[200000] = 0;
	for (int k = 0; k < 3000; k++) {
		struct record *c =
			add_record(&r, "case", k % 2 ? VERDICT_FAIL : VERDICT_PASS, !(k % 2));

		c->reason = xstrndup(huge, 3000);
		c->tail = xstrdup(k < 100 ? huge : "x");
	}
	i = whole_run(&r);
	report_github_summary(&b, &r, &i);
	assert_in_range(b.len, 500 << 10, (1 << 20) - 1);
	assert_contains(b.data, "left out of this table");
	assert_contains(b.data, "a summary must stay below 1 MiB");
	records_release(&r);
	free(huge);
}

static void the_summary_cannot_be_broken_out_of(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	one_hostile_record(&r);
	i = whole_run(&r);
	report_github_summary(&b, &r, &i);
	assert_int_equal(occurrences(b.data, "</details>"), 1);
	assert_int_equal(occurrences(b.data, "<pre>"), occurrences(b.data, "</pre>"));
	assert_null(strstr(b.data, "<a"));
	assert_non_null(strstr(b.data, "&#124; &#96;x&#96;"));
	records_release(&r);
}

static void nothing_from_outside_reaches_a_terminal_raw(void **state)
{
	static const report_fn reports[] = { text_plain, report_tap, report_github_annotations,
		report_github_summary, report_junit };

	for (size_t k = 0; k < ARRAY_SIZE(reports); k++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct records r = { 0 };
		struct report_info i;

		one_hostile_record(&r);
		i = whole_run(&r);
		i.suite = i.dir = HOSTILE;
		reports[k](&b, &r, &i);
		for (size_t p = 0; p < b.len; p++)
			if (((unsigned char)b.data[p] < 0x20 && b.data[p] != '\n' &&
				    b.data[p] != '\t') ||
				b.data[p] == 0x7f)
				fail_msg("report %zu: byte %#x", k, (unsigned char)b.data[p]);
		records_release(&r);
	}
}

static void a_run_with_nothing_is_a_report_too(void **state)
{
	static const report_fn reports[] = { text_plain, report_tap, report_github_annotations,
		report_github_summary, report_junit };

	for (size_t k = 0; k < ARRAY_SIZE(reports); k++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct records r = { 0 };
		struct report_info i = { .complete = true, .duration_ms = -1 };

		reports[k](&b, &r, &i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_run_is_told_plainly),
		cmocka_unit_test(a_case_whose_guest_was_like_others_on_purpose_says_so),
		cmocka_unit_test(color_is_only_where_it_was_asked_for),
		cmocka_unit_test(a_stopped_run_says_so_everywhere),
		cmocka_unit_test(the_page_has_every_case_and_the_screens_that_were_kept),
		cmocka_unit_test(no_record_gets_a_tag_or_a_link_out_of_the_folder_into_the_page),
		cmocka_unit_test(the_tap_report_is_sound),
		cmocka_unit_test(names_survive_the_tap_report),
		cmocka_unit_test(an_unexpected_pass_is_not_ok_to_any_tap_reader),
		cmocka_unit_test(annotations_are_at_most_ten_and_a_count),
		cmocka_unit_test(annotations_cannot_be_broken_out_of),
		cmocka_unit_test(the_summary_stays_below_a_mebibyte),
		cmocka_unit_test(the_summary_cannot_be_broken_out_of),
		cmocka_unit_test(nothing_from_outside_reaches_a_terminal_raw),
		cmocka_unit_test(a_run_with_nothing_is_a_report_too),
	};

	return cmocka_run_group_tests_name("results/report", tests, NULL, NULL);
}
