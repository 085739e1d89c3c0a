/* SPDX-License-Identifier: MIT */
#include "base/version.h"
#include "fixture.h"
#include "kernel/debian_spec.h"

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static void versions_compare_as_dpkg_does(void **state)
{
	static const struct {
		const char *a, *b;
		int sign;
	} cases[] = {
		{ "6.1.0-9", "6.1.0-50", -1 },
		{ "6.1.176-1", "6.1.176-1", 0 },
		{ "6.1.0", "6.1", 1 },
		{ "6.1~rc1-1", "6.1-1", -1 },
		{ "6.12.9+bpo", "6.12.9", 1 },
		{ "6.12.9+bpo", "6.12.48", -1 },
		{ "1:1.0", "2.0", 1 },
		{ "6.1.007", "6.1.7", 0 },
		{ "6.1a", "6.1+", -1 },
		{ "", "0", 0 },
		{ "6.1-1~deb12u1", "6.1-1", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(sign(version_compare(cases[i].a, cases[i].b)), cases[i].sign);
		assert_int_equal(sign(version_compare(cases[i].b, cases[i].a)), -cases[i].sign);
	}
}

static void releases_compare_by_their_numbers(void **state)
{
	assert_int_equal(release_compare("6.1.0-50-amd64", "6.1.0-50-cloud-amd64"), 0);
	assert_true(release_compare("6.1.0-9-amd64", "6.1.0-50-cloud-amd64") < 0);
	assert_true(release_compare("6.12.0", "6.9.0-rc1") > 0);
}

static void only_signed_images_of_series_and_flavour_match(void **state)
{
	static const struct {
		const char *spec, *package;
		bool matches;
	} cases[] = {
		{ "debian:6.1", "linux-image-6.1.0-50-@", true },
		{ "debian:6.1.0-50", "linux-image-6.1.0-50-@", true },
		{ "debian:6.1.0-50-@", "linux-image-6.1.0-50-@", true },
		{ "debian:6.1.0-5", "linux-image-6.1.0-50-@", false },
		{ "debian:6.1", "linux-image-6.12.9+deb13-@", false },
		{ "debian:6.12", "linux-image-6.12.9+deb13-@", true },
		{ "debian:6.1", "linux-image-6.1.0-50-@-unsigned", false },
		{ "debian:6.1", "linux-image-6.1.0-50-@-dbg", false },
		{ "debian:6.1", "linux-image-6.1.0-50-cloud-@", false },
		{ "debian:6.1-cloud", "linux-image-6.1.0-50-cloud-@", true },
		{ "debian:6.1-cloud-@", "linux-image-6.1.0-50-cloud-@", true },
		{ "debian:6.1-rt", "linux-image-6.1.0-50-cloud-@", false },
		{ "debian:6.1-rt", "linux-image-6.1.0-50-rt-@", true },
		{ "debian:6.1", "linux-image-6.1.0-50-other", false },
		{ "debian:6.1", "linux-image-@", false },
		{ "debian:6.1", "linux-headers-6.1.0-50-@", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct debian_spec any, want;
		_cleanup_buf_ struct buf spec = BUF_INIT, package = BUF_INIT;
		const char *p;

		assert_int_equal(debian_spec_parse("debian:1", &any, NULL), 0);
		for (p = cases[i].spec; *p; p++)
			*p == '@' ? buf_adds(&spec, any.arch) : buf_addc(&spec, *p);
		for (p = cases[i].package; *p; p++)
			*p == '@' ? buf_adds(&package, any.arch) : buf_addc(&package, *p);
		assert_int_equal(debian_spec_parse(spec.data, &want, NULL), 0);
		if (debian_spec_matches(&want, package.data) != cases[i].matches)
			fail_msg("%s and %s", spec.data, package.data);
		debian_spec_release(&any);
		debian_spec_release(&want);
	}
}

static void spec_that_names_no_kernel_is_an_error_that_shows_the_form(void **state)
{
	static const char *const specs[] = { "debian:", "debian:cloud", "debian:-cloud",
		"debian:6.1-fast", "debian:6.1/../x", "debian:6.1 x", "debian:6.1'",
		"debian:6.1:", "debian:6.1:vax", "debian::arm64", "fedora:6" };

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct debian_spec want;
		struct err e = ERR_INIT;

		assert_int_equal(debian_spec_parse(specs[i], &want, &e), -EINVAL);
		assert_non_null(strstr(err_text(&e), specs[i]));
		err_release(&e);
	}
}

static void a_machine_behind_the_colon_is_that_of_the_package(void **state)
{
	static const struct {
		const char *spec, *package, *label;
	} cases[] = {
		{ "debian:6.1:arm64", "linux-image-6.1.0-50-arm64", "debian:6.1.0-50" },
		{ "debian:6.1:aarch64", "linux-image-6.1.0-50-arm64", "debian:6.1.0-50" },
		{ "debian:6.1-cloud:arm64", "linux-image-6.1.0-50-cloud-arm64",
			"debian:6.1.0-50-cloud" },
		{ "debian:6.1:amd64", "linux-image-6.1.0-50-amd64", "debian:6.1.0-50" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *label = NULL, *expected = NULL;
		struct debian_spec want;

		assert_int_equal(debian_spec_parse(cases[i].spec, &want, NULL), 0);
		assert_true(debian_spec_matches(&want, cases[i].package));
		assert_false(debian_spec_matches(&want, "linux-image-6.1.0-50-riscv64"));
		label = debian_label(&want, cases[i].package);
		expected = debian_spec_is_foreign(&want)
				   ? xasprintf("%s:%s", cases[i].label, want.arch)
				   : xstrdup(cases[i].label);
		assert_string_equal(label, expected);
		debian_spec_release(&want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_compare_as_dpkg_does),
		cmocka_unit_test(releases_compare_by_their_numbers),
		cmocka_unit_test(only_signed_images_of_series_and_flavour_match),
		cmocka_unit_test(a_machine_behind_the_colon_is_that_of_the_package),
		cmocka_unit_test(spec_that_names_no_kernel_is_an_error_that_shows_the_form),
	};

	return cmocka_run_group_tests_name("kernel names", tests, NULL, NULL);
}
