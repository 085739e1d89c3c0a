/* SPDX-License-Identifier: MIT */
/* Bytes of a serial port as lines, and patterns on them. */
#include "harness.h"

static void add_line(void *arg, const char *line, size_t len)
{
	struct buf *b = arg;

	buf_add(b, line, len);
	buf_addc(b, '|');
}

/* The same whether the bytes come at once or one by one. */
static void assert_lines(const char *bytes, const char *lines)
{
	_cleanup_buf_ struct buf at_once = BUF_INIT, bytewise = BUF_INIT;
	struct os_text a = { 0 }, b = { 0 };

	os_text_feed(&a, bytes, strlen(bytes), add_line, &at_once);
	os_text_end(&a, add_line, &at_once);
	for (const char *p = bytes; *p; p++)
		os_text_feed(&b, p, 1, add_line, &bytewise);
	os_text_end(&b, add_line, &bytewise);
	assert_string_equal(buf_str(&at_once), lines);
	assert_string_equal(buf_str(&bytewise), lines);
	os_text_release(&a);
	os_text_release(&b);
}

static void lines_are_plain_text(void **state)
{
	assert_lines("one\r\ntwo\nthree", "one|two|three|");
	assert_lines("a\n\nb", "a||b|");
	assert_lines("\033[1mbold\033[0m \033]0;title\007x\033(B\033=y\n", "bold xy|");
	assert_lines("be\001\002ll\007\n", "bell|");
	assert_lines("tyop\b\bpo\n", "typo|");
	assert_lines("\bx\n", "x|");
}

static void what_paints_a_screen_makes_lines(void **state)
{
	assert_lines("\033[H\033[J\033[1;1HGRUB\033[2;3Hentry\033[5;1Hhelp\n", "GRUB|entry|help|");
	assert_lines("10%\r20%\rdone\n", "10%|20%|done|");
	assert_lines("text\r\n\rmore\r\n", "text|more|");
}

static void sequence_that_does_not_end_hides_nothing_for_long(void **state)
{
	assert_lines("a\033[12\nb\n", "a|b|");
	assert_lines("a\033]0;never ended\nFAIL\n", "a|FAIL|");
}

static void long_line_counts_as_several(void **state)
{
	_cleanup_buf_ struct buf in = BUF_INIT, out = BUF_INIT;
	struct os_text t = { 0 };

	for (size_t i = 0; i < OS_LINE_MAX + 10; i++)
		buf_addc(&in, 'x');
	os_text_feed(&t, in.data, in.len, add_line, &out);
	os_text_end(&t, add_line, &out);
	assert_int_equal(out.len, OS_LINE_MAX + 10 + 2);
	os_text_release(&t);
}

static void flood_without_lines_is_bounded(void **state)
{
	struct os_text t = { 0 };
	char junk[8192];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 131 + 7);
	for (size_t i = 0; i < 2000; i++)
		os_text_feed(&t, junk, sizeof(junk), NULL, NULL);
	assert_true(t.window.len <= 2 * OS_WINDOW_MAX + OS_LINE_MAX);
	assert_true(t.dropped > 0);
	os_text_release(&t);
}

/* ---- looking for something ---- */

static struct os_pattern *pattern(const char *text)
{
	struct os_pattern *p;

	assert_int_equal(os_pattern_new(text, &p, NULL), 0);
	return p;
}

static bool find(struct os_text *t, const char *text)
{
	struct os_pattern *p = pattern(text);
	bool ret;

	os_text_retry(t);
	ret = os_text_find(t, p);
	os_pattern_free(p);
	return ret;
}

static void feed(struct os_text *t, const char *s)
{
	os_text_feed(t, s, strlen(s), NULL, NULL);
}

static void what_was_found_is_not_found_again(void **state)
{
	struct os_text t = { 0 };

	feed(&t, "one two one\nthree\n");
	assert_true(find(&t, "one"));
	assert_true(find(&t, "one"));
	assert_false(find(&t, "one"));
	assert_true(find(&t, "^three$"));
	assert_false(find(&t, "three"));
	os_text_release(&t);
}

static void prompt_is_found_before_its_line_ends(void **state)
{
	struct os_text t = { 0 };
	struct os_pattern *p = pattern("login: ?$");

	feed(&t, "Debian\r\nbox lo");
	os_text_retry(&t);
	assert_false(os_text_find(&t, p));
	feed(&t, "gin: ");
	assert_true(os_text_find(&t, p));
	assert_false(os_text_find(&t, p));
	os_pattern_free(p);
	os_text_release(&t);
}

static void empty_match_goes_on(void **state)
{
	struct os_text t = { 0 };

	feed(&t, "\nx\n");
	assert_true(find(&t, "^$"));
	assert_false(find(&t, "^$"));
	assert_true(find(&t, "x"));
	os_text_release(&t);
}

static void text_that_went_by_can_be_told(void **state)
{
	struct os_text t = { 0 };
	char *tail;

	feed(&t, "a\nb\nc\nd\n");
	tail = os_text_tail(&t);
	assert_string_equal(tail, "\"b|c|d\"");
	free(tail);
	os_text_release(&t);
}

/* ---- patterns ---- */

static void pattern_that_is_wrong_says_where(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(os_pattern_check("a(b", &e), -EINVAL);
	assert_non_null(strstr(err_text(&e), "wrong at character 4"));
	err_release(&e);
	assert_int_equal(os_pattern_check("a(b)", NULL), 0);
}

static void groups_are_told_by_name_or_place(void **state)
{
	struct os_pattern *p = pattern("^(\\w+): (?<count>\\d+)?");
	struct os_match m;

	assert_true(os_pattern_match(p, "tests: 12", 9, &m));
	assert_string_equal(m.name, "tests");
	assert_string_equal(m.count, "12");
	free(m.name);
	free(m.count);
	assert_true(os_pattern_match(p, "tests: x", 8, &m));
	assert_null(m.count);
	free(m.name);
	os_pattern_free(p);
}

static void careless_pattern_gives_up(void **state)
{
	struct os_pattern *p = pattern("^(a+)+$");
	char line[2001];

	memset(line, 'a', 2000);
	line[2000] = 'b';
	assert_false(os_pattern_match(p, line, sizeof(line), NULL));
	assert_true(os_pattern_gave_up(p));
	os_pattern_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_plain_text),
		cmocka_unit_test(what_paints_a_screen_makes_lines),
		cmocka_unit_test(sequence_that_does_not_end_hides_nothing_for_long),
		cmocka_unit_test(long_line_counts_as_several),
		cmocka_unit_test(flood_without_lines_is_bounded),
		cmocka_unit_test(what_was_found_is_not_found_again),
		cmocka_unit_test(prompt_is_found_before_its_line_ends),
		cmocka_unit_test(empty_match_goes_on),
		cmocka_unit_test(text_that_went_by_can_be_told),
		cmocka_unit_test(pattern_that_is_wrong_says_where),
		cmocka_unit_test(groups_are_told_by_name_or_place),
		cmocka_unit_test(careless_pattern_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
