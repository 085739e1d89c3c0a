/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "harness.h"

static void numbers_are_read_whole(void **state)
{
	static const char *const wrong[] = { "", "-", "+", " 1", "1 ", "1x", "0x1", "--1", "1.0" };
	int64_t v;

	assert_int_equal(str_to_i64("-12", -12, 0, &v), 0);
	assert_int_equal(v, -12);
	assert_int_equal(str_to_i64("+007", 0, 7, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(str_to_i64("9223372036854775807", 0, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	v = 5;
	assert_int_equal(str_to_i64("9223372036854775808", 0, INT64_MAX, &v), -ERANGE);
	assert_int_equal(str_to_i64("8", 0, 7, &v), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(str_to_i64(wrong[i], INT64_MIN, INT64_MAX, &v), -EINVAL);
	assert_int_equal(v, 5);
}

static void prefixes_and_suffixes_are_found(void **state)
{
	assert_true(str_starts("vmlinux", "vm"));
	assert_false(str_starts("v", "vm"));
	assert_true(str_ends("a.ko.xz", ".xz"));
	assert_false(str_ends("z", ".xz"));
}

static void assert_cleaned(const char *raw, size_t len, const char *clean)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	text_clean(&b, raw, len);
	assert_string_equal(buf_str(&b), clean);
}

#define CLEAN(raw, clean) assert_cleaned(raw, sizeof(raw) - 1, clean)

static void ansi_sequences_are_dropped(void **state)
{
	CLEAN("\033[1;31mred\033[0m", "red");
	CLEAN("\033[?25l\033[2Jx", "x");
	CLEAN("\033]0;title\007x", "x");
	CLEAN("\033]8;;http://h\033\\link\033]8;;\033\\", "link");
	CLEAN("\033Pq#0\033\\x", "x");
	CLEAN("\033(Bx\033cy\033=z", "xyz");
}

static void an_unfinished_sequence_hides_nothing(void **state)
{
	CLEAN("\033", "\\x1b");
	CLEAN("\033[", "\\x1b[");
	CLEAN("\033[1;3", "\\x1b[1;3");
	CLEAN("\033[1\nfail", "\\x1b[1\nfail");
	CLEAN("\033]0;title\nfail", "\\x1b]0;title\nfail");
	CLEAN("\033]0;\033[1mfail", "\\x1b]0;fail");
}

static void control_bytes_are_made_visible(void **state)
{
	CLEAN("a\0b\x07\x7f\b", "a\\x00b\\x07\\x7f\\x08");
	CLEAN("a\tb\r\nc\r\r\nd\re\r", "a\tb\nc\nd\\x0de\\x0d");
	CLEAN("\302\2331m", "\\xc2\\x9b1m"); /* U+009B: a one-character CSI */
}

static void invalid_utf8_is_made_visible(void **state)
{
	CLEAN("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", "grüß € 🐧");
	CLEAN("\xff\xc0\x80", "\\xff\\xc0\\x80");
	CLEAN("\xe0\x80\x80", "\\xe0\\x80\\x80"); /* overlong */
	CLEAN("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
	CLEAN("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	CLEAN("\xe2\x82", "\\xe2\\x82"); /* cut short */
	CLEAN("\xe2\x82x", "\\xe2\\x82x");
}

static void cleaning_is_linear(void **state)
{
	/* Quadratic scanning of these would not end within the test's limit. */
	static const char *const bombs[] = { "\033]", "\033[1;", "\033[ ", "\r", "\033 " };
	const size_t len = 8 << 20;
	_cleanup_free_ char *raw = xmalloc(len);

	for (size_t i = 0; i < ARRAY_SIZE(bombs); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		for (size_t j = 0; j < len; j++)
			raw[j] = bombs[i][j % strlen(bombs[i])];
		text_clean(&b, raw, len);
		assert_true(b.len >= len);
	}
}

static void any_name_makes_a_file_name(void **state)
{
	static const char *const cases[][2] = {
		{ "net/tcp: a b", "net_tcp__a_b" },
		{ "", "_" },
		{ ".", "_" },
		{ "..", "_." },
		{ "...", "..." },
		{ "A-z_0.9+", "A-z_0.9+" },
		{ "\xc3\xa4", "__" },
	};
	_cleanup_buf_ struct buf b = BUF_INIT;
	char name[1000];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_clear(&b);
		buf_adds(&b, "dir/");
		text_file_name(&b, cases[i][0]);
		assert_string_equal(buf_str(&b) + 4, cases[i][1]);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	buf_clear(&b);
	text_file_name(&b, name);
	assert_int_equal(b.len, 120);
}

static void the_last_lines_are_counted_from_the_end(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *last;
	} cases[] = {
		{ "a\nb\nc\n", 1, "c\n" },
		{ "a\nb\nc\n", 2, "b\nc\n" },
		{ "a\nb\nc", 2, "b\nc" },
		{ "a\nb\nc", 3, "a\nb\nc" },
		{ "a\nb\nc", 9, "a\nb\nc" },
		{ "a\n\n", 1, "\n" },
		{ "\n", 1, "\n" },
		{ "", 3, "" },
		{ "a\nb\n", 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = 99;
		const char *p =
			text_last_lines(cases[i].text, strlen(cases[i].text), cases[i].n, &len);

		assert_int_equal(len, strlen(cases[i].last));
		assert_string_equal(p, cases[i].last);
	}
}

static void only_a_near_word_is_suggested(void **state)
{
	static const char *const words[] = { "run", "test", "list", "kernel", "doctor",
		"timeout_ms" };
	static const char *const cases[][2] = {
		{ "tset", "test" },
		{ "rnu", "run" },
		{ "urn", "run" },
		{ "nur", NULL },
		{ "timoeut_ms", "timeout_ms" },
		{ "tes", "test" },
		{ "kernal", "kernel" },
		{ "KERNEL", "kernel" },
		{ "docter", "doctor" },
		{ "timeout", "timeout_ms" },
		{ "timeo", NULL },
		{ "time_out_ms", "timeout_ms" },
		{ "xyz", NULL },
		{ "ls", NULL },
		{ "x", NULL },
		{ "", NULL },
	};
	_cleanup_free_ char *huge = xmalloc(100001);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *near = text_nearest(cases[i][0], words, ARRAY_SIZE(words));

		if (cases[i][1])
			assert_string_equal(near, cases[i][1]);
		else
			assert_null(near);
	}
	memset(huge, 'a', 100000);
	huge[100000] = '\0';
	assert_null(text_nearest(huge, words, ARRAY_SIZE(words)));
	assert_null(text_nearest("run", NULL, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_whole),
		cmocka_unit_test(prefixes_and_suffixes_are_found),
		cmocka_unit_test(ansi_sequences_are_dropped),
		cmocka_unit_test(an_unfinished_sequence_hides_nothing),
		cmocka_unit_test(control_bytes_are_made_visible),
		cmocka_unit_test(invalid_utf8_is_made_visible),
		cmocka_unit_test(cleaning_is_linear),
		cmocka_unit_test(any_name_makes_a_file_name),
		cmocka_unit_test(the_last_lines_are_counted_from_the_end),
		cmocka_unit_test(only_a_near_word_is_suggested),
	};

	return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
