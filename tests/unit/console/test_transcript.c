/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static void assert_slice(const struct console *c, uint64_t from, size_t max, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	console_slice(c, from, max, &b);
	assert_string_equal(buf_str(&b), text);
}

static void last_bytes_are_kept(void **state)
{
	struct console *c = console_new(8);

	assert_slice(c, 0, 100, "");
	console_feed(c, "abc", 3);
	assert_slice(c, 0, 100, "abc");
	console_feed(c, "defgh", 5);
	console_feed(c, "ij", 2);
	assert_slice(c, 0, 100, "cdefghij");
	assert_slice(c, 5, 100, "fghij");
	assert_slice(c, 0, 3, "hij");
	assert_slice(c, 10, 3, "");
	assert_slice(c, 11, 3, "");
	console_feed(c, "0123456789012345678", 19);
	assert_slice(c, 0, 100, "12345678");
	assert_int_equal(console_bytes(c), 29);
	console_free(c);
}

static void ring_is_as_a_plain_copy(void **state)
{
	for (size_t keep = 0; keep < 9; keep++) {
		struct console *c = console_new(keep);
		char all[200];
		size_t n = 0;

		for (size_t step = 0; n + step % 13 < sizeof(all); step++) {
			for (size_t i = 0; i < step % 13; i++)
				all[n + i] = (char)('a' + (n + i) % 26);
			console_feed(c, all + n, step % 13);
			n += step % 13;
		}
		for (size_t from = 0; from <= n; from++) {
			size_t start = n - from < keep ? from : n - keep;
			_cleanup_free_ char *want = xstrndup(all + start, n - start);

			assert_slice(c, from, 1000, want);
		}
		console_free(c);
	}
}

static void slice_is_clean(void **state)
{
	struct console *c = console_new(100);

	console_feed(c, "\x1b[1mbold\x1b[0m\r\n\x07", 15);
	assert_slice(c, 0, 100, "bold\n\\x07");
	console_free(c);
}

static void file_has_all_up_to_its_limit_and_says_what_it_lacks(void **state)
{
	int fd = memfd_create("log", MFD_CLOEXEC), copy = dup(fd);
	struct console *c = console_new(4);
	char text[200] = "";

	console_log_to(c, fd, 10);
	console_feed(c, "0123456", 7);
	console_feed(c, "789abc", 6);
	assert_int_equal(console_error(c), 0);
	console_free(c);
	assert_true(pread(copy, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(strncmp(text, "0123456789\n", 11), 0);
	assert_non_null(strstr(text, "3 more bytes not kept"));
	close(copy);
}

static void full_disk_is_kept_as_the_error(void **state)
{
	struct console *c = console_new(4);

	console_log_to(c, open("/dev/full", O_WRONLY | O_CLOEXEC), 1000);
	console_feed(c, "x", 1);
	console_feed(c, "y", 1);
	assert_int_equal(console_error(c), -ENOSPC);
	assert_slice(c, 0, 10, "xy");
	console_free(c);
}

static void splats_of_the_console_are_read(void **state)
{
	static const char text[] = "[    1.000000] Kernel panic - not syncing: x\n";
	struct console *c = console_new(4);

	console_feed(c, text, sizeof(text) - 1);
	splats_end(console_splats(c));
	assert_splat(console_splats(c), 0, SPLAT_PANIC, "kernel panic: x");
	console_free(c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_bytes_are_kept),
		cmocka_unit_test(ring_is_as_a_plain_copy),
		cmocka_unit_test(slice_is_clean),
		cmocka_unit_test(file_has_all_up_to_its_limit_and_says_what_it_lacks),
		cmocka_unit_test(full_disk_is_kept_as_the_error),
		cmocka_unit_test(splats_of_the_console_are_read),
	};

	return cmocka_run_group_tests_name("console-transcript", tests, NULL, NULL);
}
