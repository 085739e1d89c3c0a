/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "qmp/qmp.h"

/* The codes of one command, joined by '+'. */
static void add_codes(struct buf *b, const json_t *arguments)
{
	const json_t *keys = json_object_get(arguments, "keys");

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *k = json_array_get(keys, i);

		assert_string_equal(json_string_value(json_object_get(k, "type")), "qcode");
		buf_addf(b, "%s%s", i ? "+" : "", json_string_value(json_object_get(k, "data")));
	}
}

static void names_joined_by_minus_are_pressed_together(void **state)
{
	static const struct {
		const char *keys, *codes;
	} cases[] = {
		{ "esc", "esc" },
		{ "ctrl-alt-f2", "ctrl+alt+f2" },
		{ "ctrl-alt-delete", "ctrl+alt+delete" },
		{ "enter", "ret" },
		{ "shift-a", "shift+a" },
		{ "a", "a" },
		{ "7", "7" },
		{ "/", "slash" },
		{ "-", "minus" },
		{ "ctrl--", "ctrl+minus" },
		{ "kp_5", "kp_5" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *j = NULL;
		_cleanup_buf_ struct buf b = BUF_INIT;

		assert_int_equal(qmp_keys(cases[i].keys, 70, &j, NULL), 0);
		add_codes(&b, j);
		assert_string_equal(buf_str(&b), cases[i].codes);
		assert_int_equal(json_integer_value(json_object_get(j, "hold-time")), 70);
	}
}

static void what_names_no_key_is_told_with_the_nearest(void **state)
{
	static const char *const bad[] = { "", "-ctrl", "ctrl-", "A", "!", "ctrl-alt-f13",
		"\xc3\xa9", "es c" };
	struct err e = ERR_INIT;
	json_t *j = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(qmp_keys(bad[i], 70, &j, &e), -EINVAL);
		assert_null(j);
	}
	assert_int_equal(qmp_keys("ctrl-delet", 70, &j, &e), -EINVAL);
	assert_string_equal(
		err_text(&e), "\"delet\" names no key in \"ctrl-delet\"; did you mean \"delete\"?");
	err_release(&e);
}

static void text_is_typed_with_shift_where_it_is_needed(void **state)
{
	_cleanup_json_ json_t *list = json_array();
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(qmp_type("aZ 0)~-_\n", 50, list, NULL), 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		buf_addc(&b, ' ');
		add_codes(&b, json_array_get(list, i));
	}
	assert_string_equal(
		buf_str(&b), " a shift+z spc 0 shift+0 shift+grave_accent minus shift+minus ret");
}

static void every_printable_character_is_on_the_keyboard_once(void **state)
{
	_cleanup_json_ json_t *all = json_array();

	for (char c = ' '; c < 0x7f; c++) {
		const char text[] = { c, '\0' };

		assert_int_equal(qmp_type(text, 50, all, NULL), 0);
	}
	for (size_t i = 0; i < json_array_size(all); i++)
		for (size_t k = 0; k < i; k++)
			assert_false(json_equal(json_array_get(all, i), json_array_get(all, k)));
	assert_int_equal(json_array_size(all), 0x7f - ' ');
}

static void text_of_no_keyboard_types_nothing(void **state)
{
	_cleanup_json_ json_t *list = json_array();
	struct err e = ERR_INIT;

	assert_int_equal(qmp_type("ab\033[A", 50, list, &e), -EINVAL);
	assert_string_equal(err_text(&e), "character 3 (byte 0x1b) is on no US keyboard");
	assert_int_equal(json_array_size(list), 0);
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_joined_by_minus_are_pressed_together),
		cmocka_unit_test(what_names_no_key_is_told_with_the_nearest),
		cmocka_unit_test(text_is_typed_with_shift_where_it_is_needed),
		cmocka_unit_test(every_printable_character_is_on_the_keyboard_once),
		cmocka_unit_test(text_of_no_keyboard_types_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
