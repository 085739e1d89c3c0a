/* SPDX-License-Identifier: MIT */
/* The key `features` of vmrig.yaml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "proof/proof.h"

static char dir[] = "/tmp/vmrig-test-XXXXXX";

static int set_up(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	return dir_remove(dir, NULL);
}

static int load(const char *text, struct features *ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, "vmrig.yaml");

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
	return features_load(path, ret, e);
}

static void assert_refused(const char *text, const char *why)
{
	struct features f = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(load(text, &f, &e), -EINVAL);
	if (!strstr(err_text(&e), why))
		fail_msg("'%s' does not say '%s'", err_text(&e), why);
	err_release(&e);
}

static void what_is_not_said_has_its_default(void **state)
{
	struct features f = { 0 };

	assert_int_equal(load("features:\n"
			      "  - { name: nat, options: [CONFIG_A=y, CONFIG_B=\"x y\"] }\n"
			      "tests: 5\n",
				 &f, NULL),
		0);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.v[0].name, "nat");
	assert_int_equal(f.v[0].line, 2);
	assert_int_equal(f.v[0].without.n, 2);
	assert_string_equal(f.v[0].without.v[0], "CONFIG_A=n");
	assert_string_equal(f.v[0].without.v[1], "CONFIG_B=n");
	assert_int_equal(f.v[0].tests.n, 1);
	assert_string_equal(f.v[0].tests.v[0], "nat");
	assert_int_equal(f.v[0].variants.n, 0);
	features_release(&f);
}

static void what_is_said_counts(void **state)
{
	struct features f = { 0 };

	assert_int_equal(load("features:\n"
			      "  - name: nat\n"
			      "    options: CONFIG_A=y\n"
			      "    without: [CONFIG_NET=n]\n"
			      "    tests: [one, 'two/*']\n"
			      "    variants: small\n"
			      "  - { name: other, options: CONFIG_O=m }\n",
				 &f, NULL),
		0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.v[0].without.n, 1);
	assert_string_equal(f.v[0].without.v[0], "CONFIG_NET=n");
	assert_string_equal(f.v[0].tests.v[1], "two/*");
	assert_string_equal(f.v[0].variants.v[0], "small");
	assert_string_equal(f.v[1].options.v[0], "CONFIG_O=m");
	features_release(&f);
}

static void file_without_features_has_none(void **state)
{
	struct features f = { 0 };
	struct err e = ERR_INIT;
	const struct feature *found;

	assert_int_equal(load("tests: []\n", &f, NULL), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(features_find(&f, "nat", &found, &e), -ENOENT);
	err_release(&e);
	features_release(&f);
}

static void faults_are_told_with_their_place(void **state)
{
	assert_refused("features: 3\n", "vmrig.yaml:1:11: 'features': expected a list");
	assert_refused("features:\n  - { name: a }\n", "lacks the key 'options'");
	assert_refused("features:\n  - { name: a, options: [] }\n", "at least one option");
	assert_refused("features:\n  - { name: a, options: A=y }\n",
		":2:25: 'options': expected an option");
	assert_refused(
		"features:\n  - { name: a, options: CONFIG_A }\n", "an option with its value");
	assert_refused(
		"features:\n  - { name: a, option: CONFIG_A=y }\n", "did you mean 'options'?");
	assert_refused(
		"features:\n  - { name: a, options: CONFIG_A=y }\n  - { name: a, options: CONFIG_A=y }\n",
		":3:5: two features are named 'a'");
}

static void name_that_is_not_there_gets_the_nearest(void **state)
{
	struct features f = { 0 };
	struct err e = ERR_INIT;
	const struct feature *found = NULL;

	assert_int_equal(
		load("features:\n  - { name: nftables, options: CONFIG_A=y }\n", &f, NULL), 0);
	assert_int_equal(features_find(&f, "nftables", &found, NULL), 0);
	assert_ptr_equal(found, &f.v[0]);
	assert_int_equal(features_find(&f, "nftable", &found, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "nftables"));
	err_release(&e);
	features_release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(what_is_said_counts),
		cmocka_unit_test(file_without_features_has_none),
		cmocka_unit_test(faults_are_told_with_their_place),
		cmocka_unit_test(name_that_is_not_there_gets_the_nearest),
	};

	return cmocka_run_group_tests_name("features", tests, set_up, tear_down);
}
