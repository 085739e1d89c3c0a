/* SPDX-License-Identifier: MIT */
/* Lists that are not nested: results, plans, directives, and what only looks like them. */
#include "harness.h"

static void a_met_plan_passes(void **state)
{
	assert_verdict("1..2\nok 1 - a\nok 2 - b\n", VERDICT_PASS);
	assert_verdict("ok 1 - a\nok 2 - b\n1..2\n", VERDICT_PASS);
	assert_verdict("TAP version 13\r\n1..1\r\nok 1 a\r\n", VERDICT_PASS);
	assert_verdict("KTAP version 1\n1..1\nok 1 a\n", VERDICT_PASS);
	assert_verdict("1..2\nok\nok\n", VERDICT_PASS);
	assert_leaves("1..3\nok 1 - a\nok 2 b\nok 3\n", "pass a; pass b; pass #3");
}

static void nothing_seen_is_a_failure(void **state)
{
	_cleanup_tap_ struct tap *t = tap_of("hello\nworld\n", 12);
	_cleanup_tap_ struct tap *open = tap_new();

	assert_false(tap_seen(t));
	assert_int_equal(tap_verdict(t), VERDICT_FAIL);
	assert_verdict("", VERDICT_FAIL);
	assert_verdict("TAP version 14\n", VERDICT_FAIL);
	tap_feed(open, "1..1\nok 1\n", 10);
	assert_int_equal(tap_verdict(open), VERDICT_FAIL);
}

static void a_missing_plan_entry_is_a_problem(void **state)
{
	assert_problem("1..3\nok 1\nok 3\n", "1 of the 3 tests planned on line 1 never came: 2");
	assert_leaves("1..3\nok 1 - a\n", "pass a; none #2; none #3");
	assert_problem("ok 1\nok 2\n1..3\n", "never came: 3");
	assert_problem("ok 1\nok 3\n", "left out: 2");
}

static void a_missing_plan_is_a_problem(void **state)
{
	assert_problem("TAP version 13\nok 1\nok 2\n", "no plan");
	assert_problem("KTAP version 1\nok 1 a\n", "no plan");
}

static void results_beyond_the_plan_are_a_problem(void **state)
{
	assert_problem("1..1\nok 1\nok 2\n", "line 3: number 2 is beyond the plan of 1");
	assert_problem("ok 1\nok 2\n1..1\n", "1 tests are planned");
	assert_problem("ok 1\n1..1\nok 2\n", "behind the plan");
	assert_problem("1..1\n1..1\nok 1\n", "a second plan");
	assert_problem("1..4294967297\nok 1\n", "more than 100000");
	assert_problem("1..1\nok 4294967297\n", "no number of a test");
	assert_problem("1..1\nok 0\nok 1\n", "no number of a test");
}

static void unordered_numbers_are_fine_repeated_ones_are_not(void **state)
{
	assert_verdict("KTAP version 1\n1..3\nok 3 c\nok 1 a\nok 2 b\n", VERDICT_PASS);
	assert_problem("1..2\nok 1\nok 1\nok 2\n", "number 1 comes twice");
	assert_problem("1..2\nok 1\nok 1\n", "never came: 2");
}

static void directives_change_the_outcome(void **state)
{
	assert_leaves("1..11\n"
		      "ok 1 a # SKIP no device\n"
		      "not ok 2 b # SKIP\n"
		      "not ok 3 c # TODO later\n"
		      "ok 4 d # TODO later\n"
		      "not ok 5 e # XFAIL known\n"
		      "ok 6 f # XFAIL as kselftest prints it\n"
		      "ok 7 g # TIMEOUT 45 seconds\n"
		      "not ok 8 h # error no memory\n"
		      "ok 9 i # skipped: no\n"
		      "ok 10 j #1 # x # y\n"
		      "ok 11 # XPASS fixed\n",
		"skip a; skip b; xfail c; xpass d; xfail e; xfail f; fail g; fail h; skip i; pass j #1; xpass #11");
	assert_verdict("1..1\nnot ok 1 a # TODO x\n", VERDICT_PASS);
	assert_verdict("1..1\nok 1 a # TODO x\n", VERDICT_FAIL);
	assert_verdict("1..1\nok 1 a # TIMEOUT\n", VERDICT_FAIL);
	assert_verdict("1..2\nok 1 a # SKIP\nok 2\n", VERDICT_PASS);
}

static void directives_are_words_of_their_own(void **state)
{
	assert_leaves("1..4\nok 1 a # SKIPPER\nok 2 b \\# SKIP\nok 3 c# SKIP\nnot ok 4 d # TODOS\n",
		"pass a; pass b # SKIP; pass c# SKIP; fail d");
}

static void reasons_come_from_directives(void **state)
{
	static const char text[] =
		"1..2\nok 1 a # SKIP no  device # time=5ms\nnot ok 2 b # exit=1\n";
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));

	assert_string_equal(tap_at(t, 0)->reason, "no  device");
	assert_int_equal(tap_at(t, 0)->duration_ms, 5);
	assert_string_equal(tap_at(t, 1)->reason, "exit=1");
	assert_int_equal(tap_at(t, 1)->line, 3);
}

static void reasons_come_from_the_nearest_diagnostics(void **state)
{
	static const char before[] =
		"1..2\n# a: EXPECTATION FAILED at x.c:3\nnot ok 1 a\n# b: bad\nnot ok 2 b\n";
	static const char after[] =
		"1..2\nnot ok 1 a\n#   Failed test 'a'\nnot ok 2 b\n# at line 3\n# got: 1\n";
	_cleanup_tap_ struct tap *b = tap_of(before, strlen(before)),
				 *a = tap_of(after, strlen(after));

	assert_string_equal(tap_at(b, 0)->reason, "a: EXPECTATION FAILED at x.c:3");
	assert_string_equal(tap_at(b, 1)->reason, "b: bad");
	assert_string_equal(tap_at(a, 0)->reason, "Failed test 'a'");
	assert_string_equal(tap_at(a, 1)->reason, "at line 3; got: 1");
}

static void all_skipped_is_a_skip(void **state)
{
	assert_verdict("1..0 # SKIP no hardware\n", VERDICT_SKIP);
	assert_verdict("TAP version 13\n1..0 # Skipped: no hardware\n", VERDICT_SKIP);
	assert_verdict("1..2\nok 1 # SKIP\nok 2 # skip\n", VERDICT_SKIP);
	assert_problem("1..0\n", "no tests were planned");
	assert_problem("1..0 # SKIP x\nok 1\n", "beyond the plan");
}

static void bail_out_is_a_problem(void **state)
{
	assert_problem("1..1\nok 1\nBail out! disk full\n", "bailed out: disk full");
	assert_problem("1..2\nok 1\nBail out!\n", "line 3: bailed out");
	assert_verdict("1..1\n# we never Bail out!\nok 1\n", VERDICT_PASS);
}

static void lines_that_look_alike_are_passed_over(void **state)
{
	assert_verdict(
		"okay then\nnot okay\n1..x\n1..\n1..2 apples\nok, good\nnot  ok 1\nnotok\nTAP version x\n"
		"KTAP\nBail out\n[ok] 3\n1..1\nok 1\nok: fine\nOK 2\nnot ok.\n",
		VERDICT_PASS);
	assert_verdict("KTAP version 1\n1..1\nok whatever\nok 1 a\nnot ok so far\n", VERDICT_PASS);
}

static void time_stamps_are_taken_off(void **state)
{
	assert_leaves("[    0.061234] KTAP version 1\n[    0.061300] 1..2\n[   12.5] ok 1 a\n"
		      "[   12.5][    T1] ok 2 b\n",
		"pass a; pass b");
	assert_leaves("<6>[    0.1] 1..1\n<6>[    0.2] not ok 1 x\n", "fail x");
	assert_verdict("1..1\nok 1\n[   1.5] not a result\n[x] not ok 2\n", VERDICT_PASS);
}

static void yaml_blocks_are_passed_over(void **state)
{
	static const char text[] =
		"TAP version 14\n1..2\nok 1 - a\n  ---\n  duration_ms: 12.6\n  log: |\n    not ok 3 - x\n"
		"    1..5\n  ...\nok 2 - b\n";
	_cleanup_tap_ struct tap *t = tap_of(text, strlen(text));

	assert_int_equal(tap_verdict(t), VERDICT_PASS);
	assert_int_equal(tap_count(t), 2);
	assert_int_equal(tap_at(t, 0)->duration_ms, 13);
}

static void a_yaml_block_hides_no_result(void **state)
{
	assert_verdict("1..2\nok 1\n  ---\n  x: y\nnot ok 2\n", VERDICT_FAIL);
	assert_problem("1..1\nok 1\n  ---\n  x: y\n", "inside a YAML block");
	assert_verdict("1..2\nok 1\n---\nnot ok 2\n...\n", VERDICT_FAIL);
}

static void names_that_come_twice_are_kept_apart(void **state)
{
	assert_leaves("1..5\nok 1 a\nok 2 a\nok 3 a (2)\nnot ok 4 a\nok 5 b\n",
		"pass a; pass a (2); pass a (2) (2); fail a (3); pass b");
}

static void an_unfinished_last_line_is_a_problem(void **state)
{
	static const char *const cut[] = { "1..1\nok 1 - a", "1..1\nok 1\no", "1..1\nok 1\nno",
		"1..1\nok 1\nnot o", "1..1\nok 1\nBail o", "ok 1\n1..1", "1..1\nok 1 - a # TO" };

	for (size_t i = 0; i < ARRAY_SIZE(cut); i++)
		assert_problem(cut[i], "in the middle of a line");
	assert_verdict("1..1\nok 1\ndone", VERDICT_PASS);
	assert_verdict("1..1\nok 1\n# done", VERDICT_PASS);
}

static void a_result_longer_than_the_limit_is_a_problem(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, "1..1\nok 1 ");
	for (int i = 0; i < 70000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, " # TODO\n");
	assert_problem(b.data, "longer than 64 KiB");
	buf_clear(&b);
	buf_adds(&b, "1..1\nok 1\n");
	for (int i = 0; i < 200000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\n");
	assert_verdict(b.data, VERDICT_PASS);
}

static void more_cases_than_the_limit_are_a_problem(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct tap *t;

	buf_addf(&b, "1..%d\n", TAP_MAX_CASES);
	for (int i = 1; i <= TAP_MAX_CASES; i++)
		buf_addf(&b, "ok %d\n", i);
	assert_int_equal(verdict_of(b.data), VERDICT_PASS);
	buf_addf(&b, "ok %d\n", TAP_MAX_CASES + 1);
	t = tap_of(b.data, b.len);
	assert_int_equal(tap_verdict(t), VERDICT_FAIL);
	assert_int_equal(tap_count(t), TAP_MAX_CASES);
	tap_free(t);
}

static void documents_in_a_row_are_all_checked(void **state)
{
	assert_verdict(
		"TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nok 1 a\n", VERDICT_PASS);
	assert_leaves("TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nok 1 a\n",
		"pass a; pass a (2)");
	assert_problem(
		"TAP version 13\n1..2\nok 1 a\nTAP version 13\n1..1\nok 1 a\n", "never came: 2");
}

static void hostile_names_are_cleaned(void **state)
{
	static const char text[] =
		"1..2\nnot ok 1 \033[31mred\033[0m \xff\x00\x07 x\nok 2 tab\there\n";
	_cleanup_tap_ struct tap *t = tap_of(text, sizeof(text) - 1);

	assert_string_equal(tap_at(t, 0)->name, "red \\xff\\x00\\x07 x");
	assert_string_equal(tap_at(t, 1)->name, "tab here");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_met_plan_passes),
		cmocka_unit_test(nothing_seen_is_a_failure),
		cmocka_unit_test(a_missing_plan_entry_is_a_problem),
		cmocka_unit_test(a_missing_plan_is_a_problem),
		cmocka_unit_test(results_beyond_the_plan_are_a_problem),
		cmocka_unit_test(unordered_numbers_are_fine_repeated_ones_are_not),
		cmocka_unit_test(directives_change_the_outcome),
		cmocka_unit_test(directives_are_words_of_their_own),
		cmocka_unit_test(reasons_come_from_directives),
		cmocka_unit_test(reasons_come_from_the_nearest_diagnostics),
		cmocka_unit_test(all_skipped_is_a_skip),
		cmocka_unit_test(bail_out_is_a_problem),
		cmocka_unit_test(lines_that_look_alike_are_passed_over),
		cmocka_unit_test(time_stamps_are_taken_off),
		cmocka_unit_test(yaml_blocks_are_passed_over),
		cmocka_unit_test(a_yaml_block_hides_no_result),
		cmocka_unit_test(names_that_come_twice_are_kept_apart),
		cmocka_unit_test(an_unfinished_last_line_is_a_problem),
		cmocka_unit_test(a_result_longer_than_the_limit_is_a_problem),
		cmocka_unit_test(more_cases_than_the_limit_are_a_problem),
		cmocka_unit_test(documents_in_a_row_are_all_checked),
		cmocka_unit_test(hostile_names_are_cleaned),
	};

	return cmocka_run_group_tests_name("results/tap", tests, NULL, NULL);
}
