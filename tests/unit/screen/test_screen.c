/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "screen/screen.h"

#define _cleanup_screen_ __attribute__((cleanup(screen_release)))

/* A grey picture. */
static struct screen grey(uint32_t width, uint32_t height, uint8_t value)
{
	struct screen s = { width, height, xmalloc(3 * (size_t)width * height) };

	memset(s.rgb, value, 3 * (size_t)width * height);
	return s;
}

static void set(struct screen *s, uint32_t x, uint32_t y, uint8_t red)
{
	s->rgb[3 * ((size_t)y * s->width + x)] = red;
}

static void a_picture_goes_to_png_and_back(void **state)
{
	_cleanup_screen_ struct screen s = grey(7, 5, 90), back = { 0 };
	_cleanup_buf_ struct buf png = BUF_INIT;

	for (uint32_t i = 0; i < 5; i++)
		set(&s, i, i, (uint8_t)(i * 50));
	assert_int_equal(screen_to_png(&s, &png, NULL), 0);
	assert_int_equal(screen_from_png(png.data, png.len, "x", &back, NULL), 0);
	assert_int_equal(back.width, 7);
	assert_int_equal(back.height, 5);
	assert_memory_equal(back.rgb, s.rgb, 3 * 7 * 5);
}

static void a_png_that_is_cut_anywhere_is_an_error(void **state)
{
	_cleanup_screen_ struct screen s = grey(20, 20, 90);
	_cleanup_buf_ struct buf png = BUF_INIT;

	assert_int_equal(screen_to_png(&s, &png, NULL), 0);
	/* The last chunk is an empty one: without it nothing is missing. */
	for (size_t n = 0; n + 12 < png.len; n++) {
		_cleanup_free_ void *copy = xmemdup(png.data, n);
		struct screen back = { 0 };
		struct err e = ERR_INIT;

		assert_int_equal(screen_from_png(copy, n, "menu.png", &back, &e), -EBADMSG);
		assert_true(str_starts(err_text(&e), "menu.png is "));
		assert_null(back.rgb);
		err_release(&e);
	}
}

static void a_ppm_is_read(void **state)
{
	static const char text[] = "P6\n2 1\n255\nabcdef";
	_cleanup_screen_ struct screen s = { 0 };

	assert_int_equal(screen_from_ppm(text, sizeof(text) - 1, &s, NULL), 0);
	assert_int_equal(s.width, 2);
	assert_int_equal(s.height, 1);
	assert_memory_equal(s.rgb, "abcdef", 6);
}

static void what_is_no_ppm_is_refused(void **state)
{
	static const char *const bad[] = { "", "P", "P5\n1 1\n255\na", "P6\n",
		"P6\n2 1\n255\nabcde", "P6\n2 1\n255\nabcdefg", "P6\n0 1\n255\n",
		"P6\n2 1\n65535\nabcdef", "P6\n99999999999 99999999999\n255\nabc",
		"P6\n16384 16384\n255\nabc", "P6\n-2 1\n255\nabcdef", "P6\n2 1\n255" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct screen s = { 0 };

		assert_int_equal(screen_from_ppm(bad[i], strlen(bad[i]), &s, NULL), -EBADMSG);
		assert_null(s.rgb);
	}
}

static void equal_pictures_are_alike(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 10, 40);
	const struct screen_tolerance t = { 0 };
	struct screen_match m;

	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, NULL), 0);
	assert_true(m.alike);
	assert_int_equal(m.looked_at, 100);
	assert_int_equal(m.differ, 0);
	screen_match_release(&m);
}

static void a_channel_may_differ_by_its_tolerance_and_no_more(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 10, 45);
	struct screen_tolerance t = { .channel = 5 };
	struct screen_match m;

	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, NULL), 0);
	assert_true(m.alike);
	assert_int_equal(m.worst, 5);
	t.channel = 4;
	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, NULL), 0);
	assert_false(m.alike);
	assert_int_equal(m.differ, 100);
	screen_match_release(&m);
}

static void a_fraction_of_the_pixels_may_differ(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 10, 40), diff = { 0 };
	struct screen_tolerance t = { .channel = 4, .fraction = 0.02 };
	struct screen_match m;

	set(&a, 2, 3, 200);
	set(&a, 7, 5, 200);
	assert_int_equal(screen_compare(&a, &b, &t, &m, &diff, NULL), 0);
	assert_true(m.alike);
	assert_null(diff.rgb);
	set(&a, 9, 9, 46);
	assert_int_equal(screen_compare(&a, &b, &t, &m, &diff, NULL), 0);
	assert_false(m.alike);
	assert_string_equal(m.why,
		"3 of 100 pixels differ (3 %, allowed 2 %), all within 8x7+2+3, a channel by up to "
		"160 (allowed 4)");
	/* What differs is red in the picture of the difference, and nothing else. */
	for (uint32_t i = 0; i < 100; i++) {
		bool red = diff.rgb[3 * i] == 255 && diff.rgb[3 * i + 1] == 0;

		assert_int_equal(red, i == 32 || i == 57 || i == 99);
	}
	screen_match_release(&m);
	screen_release(&diff);
}

static void only_the_regions_are_looked_at(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 10, 40);
	const struct screen_region regions[] = { { 0, 0, 2, 2 }, { 1, 1, 2, 2 } };
	const struct screen_tolerance t = { .regions = regions, .n_regions = 2 };
	struct screen_match m;

	set(&a, 5, 5, 255);
	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, NULL), 0);
	assert_true(m.alike);
	assert_int_equal(m.looked_at, 7);
	set(&a, 2, 2, 255);
	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, NULL), 0);
	assert_false(m.alike);
	assert_int_equal(m.differ, 1);
	screen_match_release(&m);
}

static void a_region_outside_of_the_screen_is_an_error(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 10, 40);
	const struct screen_region region = { 4000000000u, 0, 4000000000u, 1 };
	const struct screen_tolerance t = { .regions = &region, .n_regions = 1 };
	struct screen_match m;
	struct err e = ERR_INIT;

	assert_int_equal(screen_compare(&a, &b, &t, &m, NULL, &e), -ERANGE);
	assert_non_null(strstr(err_text(&e), "outside of a screen of 10x10"));
	err_release(&e);
}

static void pictures_of_other_sizes_are_unlike(void **state)
{
	_cleanup_screen_ struct screen a = grey(10, 10, 40), b = grey(10, 11, 40), diff = { 0 };
	const struct screen_tolerance t = { .fraction = 1 };
	struct screen_match m;

	assert_int_equal(screen_compare(&a, &b, &t, &m, &diff, NULL), 0);
	assert_false(m.alike);
	assert_string_equal(m.why, "the screen is 10x10, the reference 10x11");
	assert_null(diff.rgb);
	screen_match_release(&m);
}

static void regions_are_written_as_x_does(void **state)
{
	static const char *const bad[] = { "", "10x10", "10x10+1", "0x10+1+1", "10x10+1+1 ",
		"ax1+1+1", "10x10-1-1" };
	struct screen_region r;

	assert_int_equal(screen_region_parse("720x16+0+384", &r, NULL), 0);
	assert_true(r.width == 720 && r.height == 16 && r.x == 0 && r.y == 384);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(screen_region_parse(bad[i], &r, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picture_goes_to_png_and_back),
		cmocka_unit_test(a_png_that_is_cut_anywhere_is_an_error),
		cmocka_unit_test(a_ppm_is_read),
		cmocka_unit_test(what_is_no_ppm_is_refused),
		cmocka_unit_test(equal_pictures_are_alike),
		cmocka_unit_test(a_channel_may_differ_by_its_tolerance_and_no_more),
		cmocka_unit_test(a_fraction_of_the_pixels_may_differ),
		cmocka_unit_test(only_the_regions_are_looked_at),
		cmocka_unit_test(a_region_outside_of_the_screen_is_an_error),
		cmocka_unit_test(pictures_of_other_sizes_are_unlike),
		cmocka_unit_test(regions_are_written_as_x_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
