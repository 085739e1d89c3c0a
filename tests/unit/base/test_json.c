/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "harness.h"

static json_t *parse(const char *text)
{
	json_t *j = NULL;

	assert_int_equal(json_parse(text, strlen(text), "t", &j, NULL), 0);
	return j;
}

static void a_syntax_error_names_file_line_and_column(void **state)
{
	struct err e = ERR_INIT;
	json_t *j = NULL;

	assert_int_equal(json_parse("{\n  \"a\": \033[1m}", 15, "run.json", &j, &e), -EINVAL);
	assert_null(j);
	assert_non_null(strstr(err_text(&e), "run.json: line 2, column "));
	assert_null(strchr(err_text(&e), '\033'));
	err_release(&e);
	assert_int_equal(json_parse("", 0, "x", &j, NULL), -EINVAL);
	assert_int_equal(json_parse("{} {}", 5, "x", &j, NULL), -EINVAL);
}

static void missing_fields_give_the_default(void **state)
{
	_cleanup_json_ json_t *o = parse("{}");
	_cleanup_strv_ struct strv v = STRV_INIT;
	char *s = NULL;
	int64_t i;
	bool b;

	assert_int_equal(json_field_str(o, "x", &s, NULL), 0);
	assert_null(s);
	assert_int_equal(json_field_i64(o, "x", 7, &i, NULL), 0);
	assert_int_equal(i, 7);
	assert_int_equal(json_field_bool(o, "x", true, &b, NULL), 0);
	assert_true(b);
	assert_int_equal(json_field_strv(o, "x", &v, NULL), 0);
	assert_int_equal(v.n, 0);
}

static void present_fields_are_read(void **state)
{
	_cleanup_json_ json_t *o =
		parse("{\"s\":\"text\",\"i\":-3,\"b\":false,\"v\":[\"a\",\"b\"]}");
	_cleanup_strv_ struct strv v = STRV_INIT;
	_cleanup_free_ char *s = NULL;
	int64_t i;
	bool b;

	assert_int_equal(json_field_str(o, "s", &s, NULL), 0);
	assert_string_equal(s, "text");
	assert_int_equal(json_field_i64(o, "i", 7, &i, NULL), 0);
	assert_int_equal(i, -3);
	assert_int_equal(json_field_bool(o, "b", true, &b, NULL), 0);
	assert_false(b);
	assert_int_equal(json_field_strv(o, "v", &v, NULL), 0);
	assert_int_equal(v.n, 2);
}

static void a_field_of_another_type_is_named(void **state)
{
	_cleanup_json_ json_t *o = parse("{\"x\":1.5,\"v\":[\"a\",2],\"n\":null}");
	_cleanup_json_ json_t *array = parse("[]");
	_cleanup_strv_ struct strv v = STRV_INIT;
	struct err e = ERR_INIT;
	char *s = NULL;
	int64_t i;
	bool b;

	assert_int_equal(json_field_i64(o, "x", 0, &i, &e), -EINVAL);
	assert_string_equal(err_text(&e), "field \"x\" is a real number, not an integer");
	assert_int_equal(json_field_strv(o, "v", &v, &e), -EINVAL);
	assert_string_equal(err_text(&e), "field \"v\"[1] is an integer, not a string");
	assert_int_equal(v.n, 0);
	assert_int_equal(json_field_str(o, "n", &s, &e), -EINVAL);
	assert_int_equal(json_field_bool(o, "x", false, &b, &e), -EINVAL);
	assert_int_equal(json_field_str(array, "x", &s, &e), -EINVAL);
	assert_int_equal(json_field_str(NULL, "x", &s, &e), -EINVAL);
	assert_null(s);
	err_release(&e);
}

static void any_bytes_become_text_that_can_be_read_back(void **state)
{
	_cleanup_json_ json_t *o = json_object(), *back = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *s = NULL;

	json_object_set_new(o, "z", json_text("a\0\xff\xc3\xbc\n\xe2\x82", 8));
	json_object_set_new(o, "a", json_integer(1));
	json_line(&b, o);
	assert_string_equal(buf_str(&b),
		"{\"z\":\"a\xef\xbf\xbd\xef\xbf\xbdü\\n\xef\xbf\xbd\xef\xbf\xbd\",\"a\":1}");
	assert_int_equal(json_parse(b.data, b.len, "t", &back, NULL), 0);
	assert_int_equal(json_field_str(back, "z", &s, NULL), 0);
	assert_string_equal(s, "a\xef\xbf\xbd\xef\xbf\xbdü\n\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_vector_becomes_an_array(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	_cleanup_json_ json_t *empty = json_strv(&v), *full = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	strv_add(&v, "a");
	strv_add(&v, "\"");
	full = json_strv(&v);
	json_line(&b, empty);
	json_line(&b, full);
	assert_string_equal(buf_str(&b), "[][\"a\",\"\\\"\"]");
}

static void a_file_that_is_missing_is_named(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "none.json");
	struct err e = ERR_INIT;
	json_t *j = NULL;

	assert_int_equal(json_read_file(path, &j, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "none.json"));
	err_release(&e);
	file_put(path, "[1]", 3);
	assert_int_equal(json_read_file(path, &j, NULL), 0);
	json_decref(j);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syntax_error_names_file_line_and_column),
		cmocka_unit_test(missing_fields_give_the_default),
		cmocka_unit_test(present_fields_are_read),
		cmocka_unit_test(a_field_of_another_type_is_named),
		cmocka_unit_test(any_bytes_become_text_that_can_be_read_back),
		cmocka_unit_test(a_vector_becomes_an_array),
		in_folder(a_file_that_is_missing_is_named),
	};

	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
