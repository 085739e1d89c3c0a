/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void wish(struct kconfig_wishes *w, const char *text)
{
	assert_int_equal(kconfig_wish_option(w, text, "here", NULL), 0);
}

static void expect_text(struct kconfig_wishes *w, const char *wanted)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	kconfig_wishes_text(w, &text);
	assert_string_equal(buf_str(&text), wanted);
	kconfig_wishes_release(w);
}

static void text_is_canonical_whoever_said_what_when(void **state)
{
	struct kconfig_wishes a = { 0 }, b = { 0 };
	const char *wanted = "CONFIG_A=\"x\"\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_D=0x10\n";

	wish(&a, "CONFIG_C=m");
	wish(&a, "B=n");
	wish(&a, "D=0x10");
	wish(&a, "A=\"x\"");
	expect_text(&a, wanted);
	wish(&b, "A=\"x\"");
	wish(&b, "B=y");
	wish(&b, "D=0x10");
	wish(&b, "C=m");
	wish(&b, "CONFIG_B=n");
	expect_text(&b, wanted);
}

static void last_word_counts_and_says_who_said_it(void **state)
{
	struct kconfig_wishes w = { 0 };

	assert_int_equal(kconfig_wish_fragment(&w, "kvm", "x86_64", NULL, NULL), 0);
	wish(&w, "KVM=m");
	for (size_t i = 0; i < w.n; i++)
		if (streq(w.v[i].option, "KVM")) {
			assert_string_equal(w.v[i].value, "m");
			assert_string_equal(w.v[i].origin, "here");
		}
	kconfig_wishes_release(&w);
}

static void what_is_no_option_is_refused(void **state)
{
	static const char *const bad[] = { "", "CONFIG_", "A", "CONFIG_A", "=y", "A y=y",
		"A=", "A=yes", "A=Y", "A=\"x", "A=\"x\"y", "A=x", "A=1x", "A=-", "A=\"\n\"",
		"A-B=y", "A=\"\\\"" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kconfig_wishes w = { 0 };
		struct err e = ERR_INIT;
		int r = kconfig_wish_option(&w, bad[i], "here", &e);

		if (r != -EINVAL)
			fail_msg("'%s' gives %d", bad[i], r);
		assert_non_null(e.hint);
		assert_int_equal(w.n, 0);
		err_release(&e);
	}
}

static void values_are_those_of_a_configuration(void **state)
{
	static const char *const good[] = { "A=y", "A=m", "A=n", "A=0", "A=-5", "A=0xfF", "A=\"\"",
		"A=\"a \\\"b\\\" = c\"", "CONFIG_64BIT=y" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct kconfig_wishes w = { 0 };

		wish(&w, good[i]);
		assert_string_equal(w.v[0].value, strchr(good[i], '=') + 1);
		kconfig_wishes_release(&w);
	}
}

static void file_is_a_fragment_with_places(void **state)
{
	struct kconfig_wishes w = { 0 };

	put(*state, "sub/x.config",
		"# why\nCONFIG_A=y\r\n\n# CONFIG_B is not set\nCONFIG_C=\"# x\"");
	assert_int_equal(kconfig_wish_fragment(&w, "sub/x.config", "x86_64", *state, NULL), 0);
	assert_int_equal(w.n, 3);
	assert_string_equal(w.v[0].value, "y");
	assert_string_equal(w.v[0].origin, "sub/x.config:2");
	assert_string_equal(w.v[1].value, "n");
	assert_string_equal(w.v[1].origin, "sub/x.config:4");
	assert_string_equal(w.v[2].value, "\"# x\"");
	kconfig_wishes_release(&w);
}

static void bad_line_of_a_file_is_named(void **state)
{
	static const char *const texts[] = { "CONFIG_A=y\nCONFIG_B\n", "CONFIG_A=y\nB=y\n",
		"CONFIG_A=y\nCONFIG_B=maybe\n", "\n<<<<<<< HEAD\n", "\n CONFIG_A=y\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct kconfig_wishes w = { 0 };
		struct err e = ERR_INIT;
		int r;

		put(*state, "x.config", texts[i]);
		r = kconfig_wish_fragment(&w, "x.config", "x86_64", *state, &e);
		expect_words(&e, r, r == -EINVAL ? -EINVAL : -EBADMSG, "x.config:2: ", "'");
		kconfig_wishes_release(&w);
	}
}

static void file_that_is_not_there_is_named(void **state)
{
	struct kconfig_wishes w = { 0 };
	struct err e = ERR_INIT;

	expect_words(&e, kconfig_wish_fragment(&w, "./guest", "x86_64", *state, &e), -ENOENT,
		*state, "guest");
}

static bool is_if_known(const struct kconfig_wishes *w, const char *option)
{
	for (size_t i = 0; i < w->n; i++)
		if (streq(w->v[i].option, option))
			return w->v[i].if_known;
	fail_msg("no wish %s", option);
	return false;
}

static void if_known_holds_down_to_an_empty_line(void **state)
{
	struct kconfig_wishes w = { 0 };

	put(*state, "x.config",
		"CONFIG_A=y\n# if known\nCONFIG_B=y\n# CONFIG_C is not set\n\nCONFIG_D=y\n");
	assert_int_equal(kconfig_wish_fragment(&w, "x.config", "x86_64", *state, NULL), 0);
	assert_false(is_if_known(&w, "A"));
	assert_true(is_if_known(&w, "B"));
	assert_true(is_if_known(&w, "C"));
	assert_false(is_if_known(&w, "D"));
	/* Whoever asks without condition has it so, and the same wish with one takes nothing back. */
	wish(&w, "B=y");
	assert_false(is_if_known(&w, "B"));
	assert_int_equal(kconfig_wish_fragment(&w, "x.config", "x86_64", *state, NULL), 0);
	assert_false(is_if_known(&w, "B"));
	wish(&w, "B=n");
	assert_int_equal(kconfig_wish_fragment(&w, "x.config", "x86_64", *state, NULL), 0);
	assert_true(is_if_known(&w, "B"));
	kconfig_wishes_release(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_canonical_whoever_said_what_when),
		cmocka_unit_test(last_word_counts_and_says_who_said_it),
		cmocka_unit_test(what_is_no_option_is_refused),
		cmocka_unit_test(values_are_those_of_a_configuration),
		in_folder(file_is_a_fragment_with_places),
		in_folder(bad_line_of_a_file_is_named),
		in_folder(file_that_is_not_there_is_named),
		in_folder(if_known_holds_down_to_an_empty_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
