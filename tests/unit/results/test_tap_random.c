/* SPDX-License-Identifier: MIT */
/* Random trees, printed in every dialect and read back; cut, chopped and shuffled. */
#include "harness.h"

static uint32_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

struct dialect {
	const char *version, *dash, *indent;
	bool plan_last, runner;
};

static const struct dialect dialects[] = {
	{ "KTAP version 1\n", "", "  ", false, false },
	{ "KTAP version 1\n", "", "    ", false, false },
	{ "TAP version 14\n", "- ", "    ", false, false },
	{ "TAP version 14\n", "- ", "    ", true, false },
	{ "TAP version 13\n", "", "# ", false, true },
};

static const char *const noise[] = { "okay then", "# a diagnostic", "random: crng init done", "",
	"not okay", "1..x", "#", "---", "ok, fine", "TAPE version 3" };

static void maybe_noise(struct buf *b)
{
	if (dice(4) == 0)
		buf_addf(b, "%s\n", noise[dice(ARRAY_SIZE(noise))]);
}

/* Prints one list below PREFIX; whether something in it failed. WANT gets what should be read. */
static bool print_list(struct buf *b, struct buf *want, const struct dialect *d, const char *prefix,
	const char *path, unsigned depth)
{
	static const char *const leaf[] = { "pass", "pass", "pass", "fail", "skip", "xfail" };
	unsigned n = 1 + dice(4);
	bool bad = false;

	if (d->version && (depth == 0 || !d->plan_last))
		buf_addf(b, "%s%s", prefix, d->version);
	if (!d->plan_last)
		buf_addf(b, "%s1..%u\n", prefix, n);
	for (unsigned i = 1; i <= n; i++) {
		_cleanup_free_ char *name = xasprintf("t%u", dice(1000));
		_cleanup_free_ char *full = xasprintf("%s%s%s.%u", path, *path ? "/" : "", name, i);
		bool failed;

		maybe_noise(b);
		if (depth < 3 && dice(3) == 0) {
			_cleanup_free_ char *deeper = xasprintf("%s%s", prefix, d->indent);

			failed = print_list(b, want, d, deeper, full, depth + 1);
			buf_addf(b, "%s%s %u %s%s.%u\n", prefix, failed ? "not ok" : "ok", i,
				d->dash, name, i);
		} else {
			const char *v = leaf[dice(ARRAY_SIZE(leaf))];

			failed = streq(v, "fail");
			buf_addf(b, "%s%s %u %s%s.%u%s\n", prefix,
				failed || streq(v, "xfail") ? "not ok" : "ok", i, d->dash, name, i,
				streq(v, "skip")    ? " # SKIP why"
				: streq(v, "xfail") ? " # TODO why"
						    : "");
			buf_addf(want, "%s%s %s", want->len ? "; " : "", v, full);
		}
		bad |= failed;
	}
	if (d->plan_last)
		buf_addf(b, "%s1..%u\n", prefix, n);
	return bad;
}

static void assert_tree(const struct buf *text, const struct buf *want, bool bad)
{
	_cleanup_tap_ struct tap *t = tap_of(text->data, text->len);
	_cleanup_buf_ struct buf got = BUF_INIT;

	add_leaves(&got, t);
	if (tap_problems(t)->n)
		fail_msg("%s\n%s", tap_problems(t)->v[0], text->data);
	assert_string_equal(buf_str(&got), buf_str(want));
	if (bad)
		assert_int_equal(tap_verdict(t), VERDICT_FAIL);
	else
		assert_int_not_equal(tap_verdict(t), VERDICT_FAIL);
}

static void random_trees_are_read_back(void **state)
{
	for (seed = 1; seed < 3000000; seed += 997) {
		_cleanup_buf_ struct buf text = BUF_INIT, want = BUF_INIT;
		uint32_t keep = seed;
		bool bad =
			print_list(&text, &want, &dialects[keep % ARRAY_SIZE(dialects)], "", "", 0);

		assert_tree(&text, &want, bad);
		seed = keep;
	}
}

static void cutting_a_tree_anywhere_is_never_a_pass(void **state)
{
	unsigned tried = 0;

	for (seed = 1; tried < 200; seed += 7919) {
		_cleanup_buf_ struct buf text = BUF_INIT, want = BUF_INIT;
		uint32_t keep = seed;
		const struct dialect *d = &dialects[keep % ARRAY_SIZE(dialects)];
		bool bad = print_list(&text, &want, d, "", "", 0);

		seed = keep;
		if (bad)
			continue;
		tried++;
		for (size_t cut = 0; cut < text.len; cut++) {
			_cleanup_tap_ struct tap *t = tap_of(text.data, cut);

			if (tap_verdict(t) != VERDICT_FAIL)
				fail_msg("%.*s", (int)cut, text.data);
		}
	}
}

static void dropping_any_line_is_never_a_better_verdict(void **state)
{
	for (seed = 5; seed < 700000; seed += 4999) {
		_cleanup_buf_ struct buf text = BUF_INIT, want = BUF_INIT;
		uint32_t keep = seed;
		const struct dialect *d = &dialects[keep % ARRAY_SIZE(dialects)];
		bool bad = print_list(&text, &want, d, "", "", 0);
		size_t from = 0;

		seed = keep;
		while (bad && from < text.len) {
			const char *nl = memchr(text.data + from, '\n', text.len - from);
			size_t to = (size_t)(nl - text.data) + 1;
			_cleanup_tap_ struct tap *t = tap_new();

			tap_feed(t, text.data, from);
			tap_feed(t, text.data + to, text.len - to);
			tap_end(t);
			if (tap_verdict(t) != VERDICT_FAIL)
				fail_msg("without \"%.*s\":\n%s", (int)(to - from),
					text.data + from, text.data);
			from = to;
		}
	}
}

static void chunks_do_not_matter(void **state)
{
	for (seed = 3; seed < 500000; seed += 3331) {
		_cleanup_buf_ struct buf text = BUF_INIT, want = BUF_INIT, one = BUF_INIT,
					 many = BUF_INIT;
		uint32_t keep = seed;
		_cleanup_tap_ struct tap *a = NULL, *b = tap_new();

		print_list(&text, &want, &dialects[keep % ARRAY_SIZE(dialects)], "", "", 0);
		a = tap_of(text.data, text.len);
		for (size_t i = 0; i < text.len;) {
			size_t n = 1 + dice(9);

			n = n < text.len - i ? n : text.len - i;
			tap_feed(b, text.data + i, n);
			i += n;
		}
		tap_end(b);
		add_leaves(&one, a);
		add_leaves(&many, b);
		assert_string_equal(buf_str(&one), buf_str(&many));
		assert_int_equal(tap_verdict(a), tap_verdict(b));
		seed = keep;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_trees_are_read_back),
		cmocka_unit_test(cutting_a_tree_anywhere_is_never_a_pass),
		cmocka_unit_test(dropping_any_line_is_never_a_better_verdict),
		cmocka_unit_test(chunks_do_not_matter),
	};

	return cmocka_run_group_tests_name("results/tap random", tests, NULL, NULL);
}
