/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "harness.h"

static void an_error_tells_what_and_why(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_sys(&e, ENOENT, "cannot open %s", "/x"), -ENOENT);
	assert_string_equal(err_text(&e), "cannot open /x: No such file or directory");
	assert_int_equal(err_wrap(&e, "kernel %s", "6.1"), -ENOENT);
	assert_string_equal(err_text(&e), "kernel 6.1: cannot open /x: No such file or directory");
	err_release(&e);
	assert_int_equal(e.code, 0);
	assert_null(e.message);
}

static void a_later_error_replaces_the_message_and_the_hint(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, -EINVAL, "first");
	err_hint(&e, "Do one thing.");
	assert_int_equal(err_set(&e, -EIO, "%s, then second", err_text(&e)), -EIO);
	assert_string_equal(err_text(&e), "first, then second");
	assert_null(e.hint);
	err_release(&e);
}

static void the_hint_nearest_to_the_cause_stays(void **state)
{
	struct err e = ERR_INIT;

	err_set(&e, -EINVAL, "wrong");
	assert_int_equal(err_hint(&e, "Near."), -EINVAL);
	assert_int_equal(err_hint(&e, "Far."), -EINVAL);
	assert_string_equal(e.hint, "Near.");
	err_release(&e);
}

static void wrapping_without_an_error_makes_one(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_wrap(&e, "outer"), -EIO);
	assert_string_equal(err_text(&e), "outer: Input/output error");
	err_release(&e);
}

static void without_a_place_only_the_code_is_told(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(err_set(NULL, -EINVAL, "x"), -EINVAL);
	assert_int_equal(err_sys(NULL, EIO, "x"), -EIO);
	err_wrap(NULL, "x");
	err_hint(NULL, "x");
	err_release(NULL);
	err_set(&e, -EBUSY, "x");
	assert_int_equal(err_move(NULL, &e), -EBUSY);
	assert_null(e.message);
}

static void a_hint_without_a_place_keeps_the_code(void **state)
{
	struct err e = ERR_INIT;

	err_set(NULL, -ENOENT, "x");
	assert_int_equal(err_hint(NULL, "Do one thing."), -ENOENT);
	assert_int_equal(err_wrap(NULL, "outer"), -ENOENT);
	err_sys(NULL, EBUSY, "x");
	assert_int_equal(err_hint(NULL, "Wait."), -EBUSY);
	err_set(&e, -EINVAL, "x");
	err_move(NULL, &e);
	assert_int_equal(err_wrap(NULL, "outer"), -EINVAL);
}

static void a_moved_error_leaves_its_source_empty(void **state)
{
	struct err a = ERR_INIT, b = ERR_INIT;

	err_set(&a, -EINVAL, "old");
	err_set(&b, -EBUSY, "new");
	err_hint(&b, "Wait.");
	assert_int_equal(err_move(&a, &b), -EBUSY);
	assert_string_equal(err_text(&a), "new");
	assert_string_equal(a.hint, "Wait.");
	assert_int_equal(b.code, 0);
	assert_null(b.message);
	assert_int_equal(err_move(&a, &a), -EBUSY);
	assert_string_equal(err_text(&a), "new");
	err_release(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_tells_what_and_why),
		cmocka_unit_test(a_later_error_replaces_the_message_and_the_hint),
		cmocka_unit_test(the_hint_nearest_to_the_cause_stays),
		cmocka_unit_test(wrapping_without_an_error_makes_one),
		cmocka_unit_test(without_a_place_only_the_code_is_told),
		cmocka_unit_test(a_hint_without_a_place_keeps_the_code),
		cmocka_unit_test(a_moved_error_leaves_its_source_empty),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
