/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void expect_diff(const char *a, const char *b, const char *wanted)
{
	struct kconfig *x = config(a), *y = config(b);
	_cleanup_strv_ struct strv lines = STRV_INIT;
	_cleanup_free_ char *got = NULL;

	kconfig_diff(x, y, &lines);
	got = strv_join(&lines, " ");
	assert_string_equal(got, wanted);
	kconfig_free(x);
	kconfig_free(y);
}

static void what_differs_is_told_in_the_order_of_names(void **state)
{
	expect_diff("CONFIG_B=y\nCONFIG_A=m\nCONFIG_C=\"x\"\n",
		"CONFIG_C=\"y\"\nCONFIG_A=y\nCONFIG_D=1\n",
		"-CONFIG_A=m +CONFIG_A=y -CONFIG_B=y -CONFIG_C=\"x\" +CONFIG_C=\"y\" +CONFIG_D=1");
}

static void not_set_and_absent_are_the_same(void **state)
{
	expect_diff("# CONFIG_A is not set\nCONFIG_B=y\n", "CONFIG_B=y\nCONFIG_C=n\n", "");
	expect_diff("# CONFIG_A is not set\n", "CONFIG_A=y\n", "+CONFIG_A=y");
}

static void of_an_option_that_stands_twice_the_last_counts(void **state)
{
	const char *option, *value;
	struct kconfig *k = config("CONFIG_A=m\nCONFIG_B=y\nCONFIG_A=y\n# CONFIG_B is not set\n");

	assert_true(kconfig_at(k, 0, &option, &value));
	assert_string_equal(option, "A");
	assert_string_equal(value, "y");
	assert_true(kconfig_at(k, 1, &option, &value));
	assert_string_equal(option, "B");
	assert_null(value);
	assert_false(kconfig_at(k, 2, &option, &value));
	assert_true(kconfig_mentions(k, "CONFIG_B"));
	assert_false(kconfig_mentions(k, "C"));
	kconfig_free(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_differs_is_told_in_the_order_of_names),
		cmocka_unit_test(not_set_and_absent_are_the_same),
		cmocka_unit_test(of_an_option_that_stands_twice_the_last_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
