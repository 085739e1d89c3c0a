/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "harness.h"

static void durations_are_read_in_every_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "none", 0 },
		{ "off", 0 },
		{ "30", 30000 },
		{ "1.5", 1500 },
		{ "250ms", 250 },
		{ "1.5s", 1500 },
		{ "2m", 120000 },
		{ "1m30s", 90000 },
		{ "1h2m3s4ms", 3723004 },
		{ "0.5d", 43200000 },
		{ "365d", INT64_C(31536000000) },
		{ "0.0001s", 1 },
		{ "0.1ms", 1 },
		{ "0.0000000001s", 1 },
		{ "0.000s", 0 },
		{ "000000000000000000030s", 30000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ms = -1;

		assert_int_equal(duration_parse(cases[i].text, &ms, NULL), 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void durations_that_say_too_little_or_too_much_are_refused(void **state)
{
	static const char *const cases[] = { "", "s", "-1", "+1", " 1", "1 ", "1 s", "1x", "1sm",
		"1.", ".5", "1.s", "1m30", "30s5", "0s5", "1e3", "0x10", "366d", "365d1ms",
		"99999999999999999999", "9223372036854775807ms", "999999999999d", "none1", "1,5s",
		"NaN" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		int64_t ms = 42;

		assert_int_equal(duration_parse(cases[i], &ms, &e), -EINVAL);
		assert_int_equal(ms, 42);
		assert_non_null(strstr(err_text(&e), "ms, s, m, h or d"));
		err_release(&e);
	}
}

static void durations_are_shown_for_people(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0 ms" },
		{ 740, "740 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.00 s" },
		{ 2314, "2.31 s" },
		{ 59999, "59.99 s" },
		{ 65000, "1 m 05 s" },
		{ 3599999, "59 m 59 s" },
		{ 7380000, "2 h 03 m" },
		{ -5, "-5 ms" },
		{ INT64_MIN, "-2562047788015 h 12 m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		duration_format(&b, cases[i].ms);
		assert_string_equal(buf_str(&b), cases[i].text);
	}
}

static void sizes_are_read_in_mib(void **state)
{
	static const struct {
		const char *text;
		uint32_t mib;
	} cases[] = {
		{ "1", 1 },
		{ "512", 512 },
		{ "512M", 512 },
		{ "512MiB", 512 },
		{ "512mb", 512 },
		{ "1024K", 1 },
		{ "2047KiB", 1 },
		{ "2G", 2048 },
		{ "1.5G", 1536 },
		{ "0.5G", 512 },
		{ "16T", 16777216 },
		{ "16384G", 16777216 },
	};
	static const char *const wrong[] = { "", "0", "1023K", "0.5M", "-1", "1Gi", "1GiBx", "1 G",
		"G", "16385G", "17T", "16777217", "99999999999999999999", "1P", "1B" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t mib = 0;

		assert_int_equal(size_parse_mib(cases[i].text, &mib, NULL), 0);
		assert_int_equal(mib, cases[i].mib);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		uint32_t mib = 7;

		assert_int_equal(size_parse_mib(wrong[i], &mib, NULL), -EINVAL);
		assert_int_equal(mib, 7);
	}
}

static void times_are_rfc_3339_in_utc(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	time_format(&b, INT64_C(1795219564123999999));
	buf_addc(&b, ' ');
	time_format(&b, -1);
	assert_string_equal(buf_str(&b), "2026-11-21T00:06:04.123Z 1969-12-31T23:59:59.999Z");
}

static void the_clock_only_goes_forward(void **state)
{
	int64_t us = clock_us(), ms = clock_ms();

	assert_true(ms >= us / 1000);
	assert_true(clock_us() >= us);
	assert_true(clock_wall_ns() > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_in_every_unit),
		cmocka_unit_test(durations_that_say_too_little_or_too_much_are_refused),
		cmocka_unit_test(durations_are_shown_for_people),
		cmocka_unit_test(sizes_are_read_in_mib),
		cmocka_unit_test(times_are_rfc_3339_in_utc),
		cmocka_unit_test(the_clock_only_goes_forward),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
