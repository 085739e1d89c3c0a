/* SPDX-License-Identifier: MIT */
/* Tests inside tests: KTAP's two blanks, TAP 14's four, KUnit's headers, kselftest's "# ". */
#include "harness.h"

/* As in Documentation/dev-tools/ktap.rst, "Example KTAP output". */
static const char ktap[] = "KTAP version 1\n"
			   "1..1\n"
			   "  KTAP version 1\n"
			   "  1..3\n"
			   "    KTAP version 1\n"
			   "    1..1\n"
			   "    # test_1: initializing test_1\n"
			   "    ok 1 test_1\n"
			   "  ok 1 example_test_1\n"
			   "    KTAP version 1\n"
			   "    1..2\n"
			   "    ok 1 test_1 # SKIP test_1 skipped\n"
			   "    ok 2 test_2\n"
			   "  ok 2 example_test_2\n"
			   "    KTAP version 1\n"
			   "    1..3\n"
			   "    ok 1 test_1\n"
			   "    # test_2: FAIL\n"
			   "    not ok 2 test_2\n"
			   "    ok 3 test_3 # SKIP test_3 skipped\n"
			   "  not ok 3 example_test_3\n"
			   "not ok 1 main_test\n";

static void ktap_nests_by_two_blanks(void **state)
{
	assert_leaves(ktap,
		"pass main_test/example_test_1/test_1; skip main_test/example_test_2/test_1; "
		"pass main_test/example_test_2/test_2; pass main_test/example_test_3/test_1; "
		"fail main_test/example_test_3/test_2; skip main_test/example_test_3/test_3");
	assert_verdict(ktap, VERDICT_FAIL);
}

static void kunit_nests_by_four_blanks_in_a_console(void **state)
{
	static const char text[] = "[    0.060000] KTAP version 1\n"
				   "[    0.060001] 1..1\n"
				   "[    0.060002]     KTAP version 1\n"
				   "[    0.060003]     # Subtest: example\n"
				   "[    0.060003]     # module: kunit_example_test\n"
				   "[    0.060003]     1..2\n"
				   "[    0.060004] random: crng init done\n"
				   "[    0.060005]     ok 1 simple\n"
				   "[    0.060006]         KTAP version 1\n"
				   "[    0.060006]         # Subtest: params\n"
				   "[    0.060007]         ok 1 param 0\n"
				   "[    0.060008]         ok 2 param 1\n"
				   "[    0.060009]     ok 2 params\n"
				   "[    0.060010] # example: pass:2 fail:0 skip:0 total:2\n"
				   "[    0.060011] ok 1 example\n";

	assert_leaves(text,
		"pass example/simple; pass example/params/param 0; pass example/params/param 1");
	assert_verdict(text, VERDICT_PASS);
}

static void tap14_subtests_are_read(void **state)
{
	static const char text[] =
		"TAP version 14\n1..2\n# Subtest: foo\n    ok 1 - a\n    ok 2 - b\n    1..2\n"
		"ok 1 - foo\n    1..0 # SKIP no bar\nok 2 - bar # SKIP no bar\n";

	assert_leaves(text, "pass foo/a; pass foo/b; skip bar");
	assert_verdict(text, VERDICT_PASS);
}

static const char kselftest[] = "TAP version 13\n"
				"1..3\n"
				"# timeout set to 45\n"
				"# selftests: net: one\n"
				"# TAP version 13\n"
				"# 1..2\n"
				"# # Starting 2 tests\n"
				"# #  RUN           global.a ...\n"
				"# #            OK  global.a\n"
				"# ok 1 global.a\n"
				"# ok 2 # SKIP no device\n"
				"# # Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0\n"
				"ok 1 selftests: net: one\n"
				"# selftests: net: two\n"
				"# hello\n"
				"not ok 2 selftests: net: two # TIMEOUT 45 seconds\n"
				"# selftests: net: three\n"
				"# # nothing here\n"
				"ok 3 selftests: net: three # SKIP\n";

static void kselftest_nests_by_hashes(void **state)
{
	assert_leaves(kselftest, "pass selftests: net: one/global.a; skip selftests: net: one/#2; "
				 "fail selftests: net: two; skip selftests: net: three");
	assert_verdict(kselftest, VERDICT_FAIL);
}

static void comments_are_no_nested_tests(void **state)
{
	assert_verdict("1..1\n# not ok 1 this is talk\n# ok 2\n# 1..5\n# Bail out! no\nok 1\n",
		VERDICT_PASS);
}

static void what_a_selftest_prints_without_a_header_counts(void **state)
{
	assert_problem(
		"TAP version 13\n1..1\n# selftests: net: x\n# ok 1 a\n# not ok 2 b\nok 1 selftests: net: x\n",
		"says ok, but a test inside it failed");
	assert_problem(
		"TAP version 13\n1..1\n# selftests: net: x\n# 1..3\n# ok 1 a\nok 1 selftests: net: x\n",
		"never came: 2, 3");
}

static void hashes_nest_in_hashes(void **state)
{
	assert_leaves(
		"TAP version 13\n1..1\n# TAP version 13\n# 1..1\n# # KTAP version 1\n# # 1..1\n# # ok 1 deep\n"
		"# ok 1 mid\nok 1 top\n",
		"pass top/mid/deep");
	assert_leaves(
		"TAP version 13\n1..1\n# KTAP version 1\n# 1..1\n#   KTAP version 1\n#   1..1\n#   ok 1 deep\n"
		"# ok 1 mid\nok 1 top\n",
		"pass top/mid/deep");
}

static void a_parent_better_than_its_children_is_a_problem(void **state)
{
	assert_problem("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\nok 1 p\n",
		"\"p\" says ok, but a test inside it failed");
	assert_problem(
		"KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\nok 1 p # SKIP\n",
		"says skip");
	assert_problem("KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\nok 1 p\n",
		"never came: 2");
	assert_problem("KTAP version 1\n1..1\n  KTAP version 1\n  1..0\nok 1 p\n",
		"no test inside it was planned");
}

static void a_parent_worse_than_its_children_fails(void **state)
{
	static const char text[] =
		"KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 p\n";

	assert_verdict(text, VERDICT_FAIL);
	assert_leaves(text, "fail p; pass p/a");
}

static void a_parent_that_fails_as_expected_forgives(void **state)
{
	static const char text[] =
		"TAP version 14\n1..1\n    1..2\n    ok 1 a\n    not ok 2 b\nnot ok 1 p # TODO\n";

	assert_leaves(text, "pass p/a; xfail p/b");
	assert_verdict(text, VERDICT_PASS);
}

static void output_that_ends_inside_a_nested_test_is_a_problem(void **state)
{
	assert_problem("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\n",
		"ends inside the nested test");
	assert_problem("ok 1\n1..1\n  1..1\n  ok 1 a\n",
		"ends inside the nested test that begins on line 3");
}

static void a_nested_test_without_a_result_is_a_problem(void **state)
{
	assert_problem(
		"KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\n  KTAP version 1\n  1..1\n  ok 1 b\n"
		"ok 1 p\n",
		"no result for the nested test that begins on line 3");
}

static void nesting_too_deep_is_a_problem(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (int i = 0; i < 100; i++)
		buf_addf(&b, "%*s1..1\n", 2 * i, "");
	for (int i = 99; i >= 0; i--)
		buf_addf(&b, "%*sok 1\n", 2 * i, "");
	assert_problem(b.data, "deep");
}

static void truncated_ktap_is_never_a_pass(void **state)
{
	static const char passing[] =
		"KTAP version 1\n1..2\n  KTAP version 1\n  1..2\n  ok 1 a\n  ok 2 b # SKIP no\n"
		"ok 1 p\nok 2 q # SKIP # time=5ms\n";

	assert_verdict(passing, VERDICT_PASS);
	for (size_t cut = 0; cut < sizeof(passing) - 1; cut++) {
		_cleanup_tap_ struct tap *t = tap_of(passing, cut);

		assert_int_equal(tap_verdict(t), VERDICT_FAIL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ktap_nests_by_two_blanks),
		cmocka_unit_test(kunit_nests_by_four_blanks_in_a_console),
		cmocka_unit_test(tap14_subtests_are_read),
		cmocka_unit_test(kselftest_nests_by_hashes),
		cmocka_unit_test(comments_are_no_nested_tests),
		cmocka_unit_test(what_a_selftest_prints_without_a_header_counts),
		cmocka_unit_test(hashes_nest_in_hashes),
		cmocka_unit_test(a_parent_better_than_its_children_is_a_problem),
		cmocka_unit_test(a_parent_worse_than_its_children_fails),
		cmocka_unit_test(a_parent_that_fails_as_expected_forgives),
		cmocka_unit_test(output_that_ends_inside_a_nested_test_is_a_problem),
		cmocka_unit_test(a_nested_test_without_a_result_is_a_problem),
		cmocka_unit_test(nesting_too_deep_is_a_problem),
		cmocka_unit_test(truncated_ktap_is_never_a_pass),
	};

	return cmocka_run_group_tests_name("results/tap nested", tests, NULL, NULL);
}
