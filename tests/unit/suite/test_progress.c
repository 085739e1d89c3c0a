/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <fcntl.h>

#include "base/clock.h"
#include "suite/progress.h"

static struct record record_of(
	const char *id, enum verdict v, bool ok, const char *reason, int64_t ms)
{
	struct record rec = RECORD_INIT;

	rec.id = xstrdup(id);
	rec.verdict = v;
	rec.ok = ok;
	rec.reason = xstrdup(reason);
	rec.duration_ms = ms;
	return rec;
}

static void finish(struct progress *p, size_t i, const char *id, bool ok, int64_t ms)
{
	struct record rec = record_of(id, ok ? VERDICT_PASS : VERDICT_FAIL, ok, "why", ms);

	progress_finish(p, i, &rec);
	record_release(&rec);
}

static struct progress *quiet(size_t total, unsigned jobs)
{
	return progress_new(
		open("/dev/null", O_WRONLY | O_CLOEXEC), PROGRESS_LIVE, false, total, 0, 0, jobs);
}

static void expect_line(struct record rec, const char *want)
{
	struct progress *p = progress_new(-1, PROGRESS_LINES, false, 12, 3, 0, 1);
	_cleanup_buf_ struct buf b = BUF_INIT;

	progress_line(p, &rec, &b);
	assert_string_equal(buf_str(&b), want);
	record_release(&rec);
	progress_free(p);
}

static void plain_lines_say_verdict_count_name_and_reason(void **state)
{
	expect_line(record_of("shell", VERDICT_PASS, true, "exit code 0", 740),
		"ok    3/12 shell (740 ms)\n");
	expect_line(record_of("a", VERDICT_FAIL, false, "exit code 1\nmore", 740),
		"FAIL  3/12 a: exit code 1 (740 ms)\n");
	expect_line(record_of("a", VERDICT_SKIP, true, "needs CONFIG_X", -1),
		"skip  3/12 a: needs CONFIG_X\n");
	expect_line(record_of("a", VERDICT_CRASH, true, "panic", 740),
		"ok    3/12 a: panic (740 ms)\n");
	expect_line(record_of("a", VERDICT_TIMEOUT, false, "x", -1), "TIMEOUT 3/12 a: x\n");
	expect_line(record_of("\033[31m", VERDICT_NONE, false, NULL, -1), "LOST  3/12 \n");
}

static size_t longest_line(const char *s)
{
	size_t max = 0;

	while (*s) {
		size_t n = strcspn(s, "\n");

		max = n > max ? n : max;
		s += n + (s[n] == '\n');
	}
	return max;
}

static void table_never_wraps_and_never_scrolls(void **state)
{
	struct progress *p = quiet(100, 50);

	for (size_t i = 0; i < 50; i++)
		progress_start(
			p, i, "a name that is quite a bit longer than any terminal is wide", 0);
	for (size_t width = 1; width < 90; width++) {
		for (size_t height = 1; height < 60; height += 7) {
			_cleanup_buf_ struct buf b = BUF_INIT;
			size_t lines = progress_table(p, 1000, width, height, &b);

			assert_true(lines <= height);
			assert_true(longest_line(buf_str(&b)) <= (width > 1 ? width - 1 : 1));
		}
	}
	progress_free(p);
}

static void table_counts_wide_characters_as_two_columns(void **state)
{
	struct progress *p = quiet(1, 1);
	_cleanup_buf_ struct buf b = BUF_INIT;

	progress_start(p, 0, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 0);
	progress_table(p, 0, 25, 10, &b);
	/* 20 columns before the name leave four: two characters whole. */
	assert_non_null(strstr(buf_str(&b), " \xe4\xb8\xad\xe4\xb8\xad\n"));
	progress_free(p);
}

static void header_tells_counts_and_the_time_left(void **state)
{
	struct progress *p = quiet(6, 2);
	_cleanup_buf_ struct buf b = BUF_INIT;

	progress_start(p, 0, "a", 0);
	progress_start(p, 1, "b", 0);
	progress_table(p, 0, 100, 10, &b);
	assert_true(str_starts(buf_str(&b), "0/6 done, 0 failed, 2 running\n"));
	finish(p, 0, "a", true, 10000);
	finish(p, 1, "b", false, 10000);
	progress_start(p, 2, "c", 10000);
	progress_phase(p, 2, "running");
	buf_clear(&b);
	/* Four are left, ten seconds each, one of them half done, two side by side. */
	progress_table(p, 15000, 100, 10, &b);
	assert_string_equal(buf_str(&b), "2/6 done, 1 failed, 1 running, about 18 s left\n"
					 "      5 s  running  c\n");
	progress_free(p);
}

static void without_a_terminal_there_are_lines_and_no_escapes(void **state)
{
	int fd = open("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct progress *p;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(progress_mode_for(fd), PROGRESS_LINES);
	assert_false(progress_color_for(fd));
	p = progress_new(fd, PROGRESS_LINES, false, 2, 0, 0, 1);
	progress_start(p, 0, "a", 0);
	progress_draw(p, clock_ms());
	assert_true(progress_next(p) == CLOCK_NEVER);
	finish(p, 0, "a", true, 1000);
	finish(p, 1, "b", false, 1000);
	progress_note(p, "note\033[2J");
	progress_free(p);
	close(fd);
	text = get_file("out");
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\r'));
	assert_non_null(strstr(text, "ok    1/2 a ("));
	assert_non_null(strstr(text, "FAIL  2/2 b: why ("));
}

static void a_line_holds_no_command_for_githubs_runner(void **state)
{
	int fd = open("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct progress *p = progress_new(fd, PROGRESS_LINES, false, 1, 0, 0, 1);
	_cleanup_free_ char *text = NULL;

	finish(p, 0, "x##[error]y##", true, 1000);
	progress_free(p);
	close(fd);
	text = get_file("out");
	assert_null(strstr(text, "##["));
	assert_non_null(strstr(text, "x# #[error]y## ("));
}

static void table_is_taken_away_at_the_end(void **state)
{
	int fd = open("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct progress *p = progress_new(fd, PROGRESS_LIVE, false, 2, 0, 0, 1);
	_cleanup_free_ char *text = NULL;

	progress_start(p, 0, "a", 0);
	progress_draw(p, clock_ms());
	finish(p, 0, "a", false, 1000);
	progress_free(p);
	close(fd);
	text = get_file("out");
	assert_true(str_ends(text, "\033[1A\r\033[J"));
	assert_non_null(strstr(text, "FAIL  1/2 a: why"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(plain_lines_say_verdict_count_name_and_reason),
		CASE(table_never_wraps_and_never_scrolls),
		CASE(table_counts_wide_characters_as_two_columns),
		CASE(header_tells_counts_and_the_time_left),
		CASE(without_a_terminal_there_are_lines_and_no_escapes),
		CASE(a_line_holds_no_command_for_githubs_runner),
		CASE(table_is_taken_away_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
