/* SPDX-License-Identifier: MIT */
#include "base/strv.h"
#include "harness.h"

static void the_vector_is_always_terminated(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;

	assert_null(s.v);
	for (size_t i = 0; i < 100; i++) {
		strv_addf(&s, "%zu", i);
		assert_int_equal(s.n, i + 1);
		assert_null(s.v[s.n]);
	}
	assert_true(strv_has(&s, "99"));
	assert_false(strv_has(&s, "100"));
}

static void a_vector_may_be_added_to_itself(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;

	for (int i = 0; i < 5; i++)
		strv_addf(&s, "%d", i);
	strv_addv(&s, &s);
	assert_int_equal(s.n, 10);
	assert_string_equal(s.v[9], "4");
}

static void setting_a_variable_replaces_the_old_one(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;

	strv_setenv(&s, "PATH", "/a");
	strv_setenv(&s, "PATH2", "/b");
	strv_setenv(&s, "PATH", "/c");
	assert_int_equal(s.n, 2);
	assert_string_equal(s.v[0], "PATH=/c");
	assert_string_equal(s.v[1], "PATH2=/b");
}

static void words_are_sorted_and_joined(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT, copy = STRV_INIT;
	_cleanup_free_ char *none = strv_join(&s, ","), *joined = NULL, *shell = NULL;

	assert_string_equal(none, "");
	strv_sort(&s);
	strv_add(&s, "b c");
	strv_add(&s, "a");
	strv_copy(&copy, &s);
	strv_sort(&copy);
	joined = strv_join(&copy, ", ");
	assert_string_equal(joined, "a, b c");
	shell = strv_shell(&s);
	assert_string_equal(shell, "'b c' a");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_is_always_terminated),
		cmocka_unit_test(a_vector_may_be_added_to_itself),
		cmocka_unit_test(setting_a_variable_replaces_the_old_one),
		cmocka_unit_test(words_are_sorted_and_joined),
	};

	return cmocka_run_group_tests_name("base/strv", tests, NULL, NULL);
}
