/* SPDX-License-Identifier: MIT */
/* JUnit files, checked by xmllint against the schema. A missing xmllint is a failure, not a skip. */
#include "base/proc.h"
#include "sample.h"

static void assert_valid(const char *folder, const struct records *r, const struct report_info *i)
{
	_cleanup_free_ char *path = path_join(folder, "junit.xml");
	const char *xsd = getenv("JUNIT_XSD");
	const char *argv[] = { "xmllint", "--noout", "--huge", "--schema", xsd, path, NULL };
	_cleanup_buf_ struct buf xml = BUF_INIT, out = BUF_INIT, errors = BUF_INIT;
	struct err e = ERR_INIT;
	int status;

	assert_non_null(xsd);
	report_junit(&xml, r, i);
	assert_int_equal(file_write_atomic(path, xml.data, xml.len, 0644, NULL), 0);
	if (proc_capture(argv, NULL, &out, &errors, 60000, &status, &e) < 0)
		fail_msg("%s", err_text(&e));
	if (status != 0)
		fail_msg("%.2000s", buf_str(&errors));
}

static void one_of_everything_is_valid(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	fill_records(&r);
	r.v[0].started = xstrdup("2026-11-21T00:06:04.123Z");
	r.v[0].release = xstrdup("6.1.0");
	i = whole_run(&r);
	assert_valid(*state, &r, &i);
	report_junit(&b, &r, &i);
	assert_contains(b.data,
		"<testsuites name=\"demo\" tests=\"15\" failures=\"5\" errors=\"4\" skipped=\"2\" time=\"14.200\">");
	assert_contains(b.data,
		"<testsuite name=\"net/bind\" tests=\"4\" failures=\"3\" errors=\"0\" skipped=\"0\"");
	assert_contains(b.data, "<testcase classname=\"net/bind\" name=\"v6\" time=\"0.007\">");
	assert_contains(b.data, "<failure message=\"exit code 3\" type=\"fail\">");
	assert_contains(b.data, "<skipped message=\"expected failure: bug 7\"/>");
	assert_contains(b.data, "<system-out>crashed, as expected");
	assert_contains(b.data, "<property name=\"flaky-attempt\" value=\"2\"/>");
	records_release(&r);
}

static void an_incomplete_run_is_an_error(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i = { .planned = 3, .duration_ms = -1 };

	assert_valid(*state, &r, &i);
	report_junit(&b, &r, &i);
	assert_contains(b.data, "errors=\"1\"");
	assert_contains(b.data, "name=\"vmrig/run-incomplete\"");
}

static void hostile_text_is_valid(void **state)
{
	struct records r = { 0 };
	struct report_info i;
	char bytes[256];
	struct record *c;

	for (int k = 1; k < 256; k++)
		bytes[k - 1] = (char)k;
	bytes[255] = 0;
	c = add_record(&r, HOSTILE, VERDICT_FAIL, false);
	c->reason = xstrdup(bytes);
	c->tail = xstrdup(bytes);
	c->console_tail = xstrdup(HOSTILE);
	c->release = xstrdup(bytes);
	add_splat(c, bytes, HOSTILE);
	add_subtest(c, bytes, VERDICT_FAIL, HOSTILE);
	add_subtest(c, "", VERDICT_SKIP, "");
	c = add_record(&r, "", VERDICT_CRASH, true);
	add_splat(c, HOSTILE, bytes);
	i = whole_run(&r);
	i.suite = bytes;
	assert_valid(*state, &r, &i);
	records_release(&r);
}

static void control_bytes_become_replacement_characters(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;

	add_record(&r, "x", VERDICT_FAIL, false)->reason =
		xstrdup("a\001b\ac \033[1mbold\033[0m ]]>");
	i = whole_run(&r);
	report_junit(&b, &r, &i);
	assert_contains(b.data, "message=\"a\xef\xbf\xbd"
				"b\xef\xbf\xbd"
				"c bold ]]&gt;\"");
	records_release(&r);
}

static void long_texts_are_capped(void **state)
{
	size_t len = 10 << 20;
	char *huge = xmalloc(len + 1);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;
	struct record *c;

	for (size_t k = 0; k + 4 <= len; k += 4)
		memcpy(huge + k, "\xf0\x9f\x90\xa7", 4);
	huge[len] = 0;
	memcpy(huge + len - 4, "THE\n", 4);
	c = add_record(&r, huge, VERDICT_FAIL, false);
	c->reason = xstrdup(huge);
	c->tail = xstrdup(huge);
	c->console_tail = huge;
	add_subtest(c, huge, VERDICT_FAIL, huge);
	i = whole_run(&r);
	assert_valid(*state, &r, &i);
	report_junit(&b, &r, &i);
	assert_in_range(b.len, 100 << 10, 300 << 10);
	assert_contains(b.data, "bytes before this are left out");
	assert_contains(b.data, "THE\n");
	records_release(&r);
}

static void failures_expected_inside_a_case_are_not_failures(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct report_info i;
	struct record *c = add_record(&r, "x", VERDICT_CRASH, true);

	add_subtest(c, "a", VERDICT_FAIL, "why");
	add_subtest(c, "b", VERDICT_NONE, NULL);
	i = whole_run(&r);
	assert_valid(*state, &r, &i);
	report_junit(&b, &r, &i);
	assert_contains(b.data, "tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"2\"");
	records_release(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(one_of_everything_is_valid),
		in_folder(an_incomplete_run_is_an_error),
		in_folder(hostile_text_is_valid),
		cmocka_unit_test(control_bytes_become_replacement_characters),
		in_folder(long_texts_are_capped),
		in_folder(failures_expected_inside_a_case_are_not_failures),
	};

	return cmocka_run_group_tests_name("results/report_junit", tests, NULL, NULL);
}
