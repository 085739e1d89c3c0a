/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "harness.h"

static void text_is_always_terminated(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_string_equal(buf_str(&b), "");
	buf_reserve(&b, 1000);
	assert_string_equal(buf_str(&b), "");
	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_addf(&b, "%d-%s", 12, "x");
	assert_string_equal(buf_str(&b), "abc12-x");
	assert_int_equal(b.len, 7);
	buf_truncate(&b, 3);
	assert_string_equal(buf_str(&b), "abc");
	buf_consume(&b, 1);
	assert_string_equal(buf_str(&b), "bc");
	buf_consume(&b, 2);
	assert_string_equal(buf_str(&b), "");
}

static void long_formats_grow_the_buffer(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%0200d", i);
	assert_int_equal(b.len, 200000);
	assert_int_equal(strlen(b.data), 200000);
	assert_memory_equal(b.data + b.len - 3, "999", 3);
}

static void a_detached_string_belongs_to_the_caller(void **state)
{
	struct buf b = BUF_INIT;
	_cleanup_free_ char *empty = buf_detach(&b), *full = NULL;

	assert_string_equal(empty, "");
	buf_adds(&b, "text");
	full = buf_detach(&b);
	assert_string_equal(full, "text");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
}

static void reading_all_stops_at_the_limit(void **state)
{
	static char data[200000];
	const size_t len = sizeof(data);
	_cleanup_close_ int fd = fd_memfd("t", data, len);
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(buf_read_all(&b, fd, len), 0);
	assert_int_equal(b.len, len);
	lseek(fd, 0, SEEK_SET);
	buf_clear(&b);
	assert_int_equal(buf_read_all(&b, fd, len - 1), -EFBIG);
	assert_int_equal(b.len, len - 1);
	lseek(fd, 0, SEEK_SET);
	buf_clear(&b);
	assert_int_equal(buf_read_all(&b, fd, SIZE_MAX), 0);
	assert_int_equal(b.len, len);
	buf_clear(&b);
	assert_int_equal(buf_read_all(&b, fd, 0), 0);
	assert_int_equal(buf_read_all(&b, -1, 10), -EBADF);
}

static void shell_words_are_quoted_only_where_needed(void **state)
{
	static const char *const words[][2] = {
		{ "plain-1.2/x=y", "plain-1.2/x=y" },
		{ "", "''" },
		{ "two words", "'two words'" },
		{ "it's", "'it'\\''s'" },
		{ "$HOME", "'$HOME'" },
		{ "~", "'~'" },
		{ "a\nb", "'a\nb'" },
		{ "\xc3\xa4", "'\xc3\xa4'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_add_shell_word(&b, words[i][0]);
		assert_string_equal(buf_str(&b), words[i][1]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_always_terminated),
		cmocka_unit_test(long_formats_grow_the_buffer),
		cmocka_unit_test(a_detached_string_belongs_to_the_caller),
		cmocka_unit_test(reading_all_stops_at_the_limit),
		cmocka_unit_test(shell_words_are_quoted_only_where_needed),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
