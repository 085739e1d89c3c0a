/* SPDX-License-Identifier: MIT */
/* Releases by number, and the lists of them: as text, and from the lying server. */
#include "source/release.h"
#include "world.h"

static void releases_are_told_from_other_words(void **state)
{
	static const char *const good[] = { "6.12", "6.12.57", "6.13-rc4", "3.0", "6.12.0",
		"stable", "longterm", "mainline", "6.1..6.12", "6.12.3..6.12.9", "6.12..6.13-rc4",
		"5.4.300" };
	static const char *const bad[] = { "", "6", "6.", "6.12.", "6.12.57.1", "v6.12", "6.12-rc",
		"6.12-rc0", "6.12.1-rc1", "06.12", "6.012", "2.6.39", "6.12 ", "6.12/", "./6.12",
		"latest", "6.12..", "..6.12", "6.1..6.2..6.3", "99999.1", "6.12-rc99999", "6..12",
		"stable..mainline", "6.12.57\n", "-6.12" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!source_is_release(good[i]))
			fail_msg("'%s'", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (source_is_release(bad[i]))
			fail_msg("'%s'", bad[i]);
}

static void releases_have_an_order(void **state)
{
	static const char *const rising[] = { "3.0", "5.19.17", "6.1", "6.1.9", "6.1.10", "6.9-rc1",
		"6.9-rc10", "6.9", "6.9.1", "6.12-rc1", "6.12", "7.0" };

	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t k = 0; k < ARRAY_SIZE(rising); k++) {
			struct release a, b;
			int order;

			assert_true(release_parse(rising[i], &a) && release_parse(rising[k], &b));
			order = release_order(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

static void parse_list(const char *text, int code)
{
	struct release_list l = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(release_list_parse(text, strlen(text), &l, &e), code);
	if (code < 0)
		assert_non_null(e.message);
	err_release(&e);
	release_list_release(&l);
}

static void list_of_releases_is_mistrusted(void **state)
{
	parse_list("{\"releases\": [{\"moniker\": \"stable\", \"version\": \"6.17.8\"}]}", 0);
	parse_list("", -EBADMSG);
	parse_list("<html>", -EBADMSG);
	parse_list("[]", -EBADMSG);
	parse_list("{}", -EBADMSG);
	parse_list("{\"releases\": {}}", -EBADMSG);
	parse_list("{\"releases\": []}", -EBADMSG);
	parse_list(
		"{\"releases\": [1, null, {}, {\"moniker\": 1, \"version\": \"6.1\"}]}", -EBADMSG);
	parse_list(
		"{\"releases\": [{\"moniker\": \"stable\", \"version\": \"../../x\"}]}", -EBADMSG);
	parse_list(
		"{\"releases\": [{\"moniker\": \"linux-next\", \"version\": \"next-20251120\"}]}",
		-EBADMSG);
	parse_list("{\"releases\": [{\"moniker\": \"stable\", \"version\": \"6.17.8\"", -EBADMSG);
}

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static void sums_are_read_from_the_signed_part_alone(void **state)
{
	static const char text[] =
		SUM_B "  linux-6.1.tar.xz\n"
		      "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" SUM_A
		      "  linux-6.1.9.tar.xz\r\n" SUM_B "  linux-6.1.10.tar.xz\n" SUM_A
		      "  ChangeLog-6.1.9\n" SUM_A "  linux-6.1.9.tar.gz\n"
		      "-----BEGIN PGP SIGNATURE-----\n" SUM_B "  linux-6.1.11.tar.xz\n";
	struct release_sums s = { 0 };
	struct release r;

	assert_int_equal(release_sums_parse(text, strlen(text), &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_true(release_parse("6.1.10", &r));
	assert_string_equal(release_sums_find(&s, &r)->sha256,
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	assert_true(release_parse("6.1.11", &r));
	assert_null(release_sums_find(&s, &r));
	release_sums_release(&s);
}

static void sums_that_cannot_be_are_refused(void **state)
{
	static const char *const texts[] = { "", "<html>", SUM_A "  other-6.1.tar.xz\n",
		SUM_A " linux-6.1.tar.xz\n", "zz" SUM_A "  linux-6.1.tar.xz\n",
		SUM_A "  linux-6.1.tar.xz\n" SUM_B "  linux-6.1.tar.xz\n",
		SUM_A "  linux-6.1/../x.tar.xz\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct release_sums s = { 0 };
		struct err e = ERR_INIT;

		assert_int_equal(release_sums_parse(texts[i], strlen(texts[i]), &s, &e), -EBADMSG);
		assert_non_null(e.message);
		err_release(&e);
	}
}

/* ---- from the server ---- */

static const char *const versions[] = { "6.1", "6.1.9", "6.1.10", "6.9", "6.9.1", "6.9.12", "6.12",
	"6.12.56", "6.12.57", "6.17", "6.17.7", "6.17.8", NULL };
static const char *const listed[] = { "mainline 6.18-rc6", "stable 6.17.8", "stable 6.16.12 eol",
	"longterm 6.12.57", "longterm 6.1.10", "linux-next next-20251120", NULL };

static void expect_expansion(
	const char *spec, const struct source_options *o, const char *want, char **ret_note)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	_cleanup_free_ char *got = NULL;
	char *note = NULL;
	struct err e = ERR_INIT;

	if (source_expand(spec, o, &v, &note, &e) < 0)
		fail_msg("%s", err_text(&e));
	got = strv_join(&v, " ");
	assert_string_equal(got, want);
	if (ret_note)
		*ret_note = note;
	else
		free(note);
}

static void expect_no_expansion(const char *spec, const struct source_options *o, int code,
	const char *word, const char *other)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	_cleanup_free_ char *note = NULL;
	struct err e = ERR_INIT;
	int r = source_expand(spec, o, &v, &note, &e);

	if (r != code || !strstr(err_text(&e), word) || !strstr(err_text(&e), other))
		fail_msg("%s: %d (%s), not %d with '%s' and '%s'", spec, r, err_text(&e), code,
			word, other);
	assert_int_equal(v.n, 0);
	err_release(&e);
}

static void open_mirror(const char *dir)
{
	publish(dir, versions);
	publish_list(dir, listed);
	use_mirror("");
}

static void specs_stand_for_releases(void **state)
{
	static const struct {
		const char *spec, *want;
	} cases[] = {
		{ "6.12.3", "6.12.3" },
		{ "6.13-rc4", "6.13-rc4" },
		{ "6.12", "6.12.57" },
		{ "6.1", "6.1.10" },
		{ "6.9", "6.9.12" }, /* no more maintained: by the sums */
		{ "stable", "6.17.8" },
		{ "longterm", "6.12.57" },
		{ "mainline", "6.18-rc6" },
		{ "6.1..6.17", "6.1.10 6.12.57 6.16.12 6.17.8" },
		{ "6.9.5..6.16", "6.9.5 6.12.57 6.16.12" },
		{ "6.12..6.18-rc6", "6.12.57 6.16.12 6.17.8 6.18-rc6" },
		{ "6.12.56..6.12.57", "6.12.56 6.12.57" },
		{ "6.9.0..6.9", "6.9.0 6.9.1 6.9.12" },
		{ "6.17..6.17", "6.17.0 6.17.7 6.17.8" },
		{ "./linux", "./linux" },
		{ "git+x#y", "git+x#y" },
	};

	open_mirror(*state);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_expansion(cases[i].spec, NULL, cases[i].want, NULL);
}

static void specs_that_stand_for_nothing_say_so(void **state)
{
	open_mirror(*state);
	expect_no_expansion("6.18", NULL, -ENOENT, "release 6.18", "no release of the series 6.18");
	expect_no_expansion("6.12..6.1", NULL, -EINVAL, "6.12..6.1", "before");
	expect_no_expansion("6.2..6.3", NULL, -ENOENT, "6.2..6.3", "none between");
	expect_no_expansion("5.10", NULL, -ENOENT, "release 5.10", "v5.x/sha256sums.asc");
}

static void lists_are_kept_for_an_hour_and_for_offline(void **state)
{
	const struct source_options offline = { .offline = true }, anew = { .refresh = true };
	_cleanup_free_ char *lists = path_join(*state, "cache/sources/lists"), *note = NULL;

	publish(*state, versions);
	publish_list(*state, listed);
	use_mirror("");
	expect_no_expansion("stable", &offline, -ENETDOWN, "offline", "not fetched before");
	expect_expansion("stable", NULL, "6.17.8", NULL);
	expect_expansion("6.12", NULL, "6.12.57", NULL);
	assert_int_equal(server_asked(*state, "releases.json"), 1);
	expect_expansion("longterm", &anew, "6.12.57", NULL);
	assert_int_equal(server_asked(*state, "releases.json"), 2);
	expect_expansion("stable", &offline, "6.17.8", &note);
	assert_null(note);
	shell(lists, "touch -d '3 hours ago' *");
	expect_expansion("stable", &offline, "6.17.8", &note);
	assert_non_null(strstr(note, "3 h"));
	free(note);
	assert_int_equal(server_asked(*state, "releases.json"), 2);
	expect_expansion("stable", NULL, "6.17.8", &note);
	assert_null(note);
	assert_int_equal(server_asked(*state, "releases.json"), 3);
	/* A server that is gone or lies is told of, and what was fetched before serves. */
	lay(*state, "www/releases.json", "{\"releases\": []}");
	expect_expansion("stable", &anew, "6.17.8", &note);
	assert_non_null(strstr(note, "names no release"));
	free(note);
	/* A clock that was wrong makes nothing fresh. */
	shell(lists, "touch -d '2090-01-01' *");
	expect_expansion("stable", NULL, "6.17.8", &note);
	assert_non_null(note);
}

static void lying_server_resolves_nothing_wrongly(void **state)
{
	static const struct {
		const char *how;
		int code;
		const char *word;
	} lies[] = {
		{ "html", -EBADMSG, "HTML" },
		{ "500", -EIO, "500" },
		{ "404", -ENOENT, "404" },
		{ "drop", -EIO, "hung up" },
		{ "truncate", -EBADMSG, "of" },
		{ "stall", -ETIMEDOUT, "nothing came" },
		{ "dribble", -ETIMEDOUT, "nothing came" },
		{ "loop", -EIO, "redirects" },
	};

	publish(*state, versions);
	publish_list(*state, listed);
	setenv("VMRIG_FETCH_STALL", "200ms", 1);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		use_mirror(lies[i].how);
		expect_no_expansion("6.12", NULL, lies[i].code, "release 6.12", lies[i].word);
		expect_no_expansion("6.1..6.12", NULL, lies[i].code, "6.1..6.12", lies[i].word);
		expect_no_expansion("6.12.1..6.12.57", NULL, lies[i].code, "6.12.1", lies[i].word);
		expect_no_expansion("stable", NULL, lies[i].code, "release stable", lies[i].word);
	}
	unsetenv("VMRIG_FETCH_STALL");
	/* What is odd but true serves. */
	use_mirror("redirect");
	expect_expansion("6.12", NULL, "6.12.57", NULL);
	use_mirror("nolength");
	expect_expansion("6.1..6.12", NULL, "6.1.10 6.12.57", NULL);
}

static void folder_may_be_the_mirror(void **state)
{
	_cleanup_free_ char *url = xasprintf("file://%s/www/", (char *)*state);
	struct source s = { 0 };

	publish(*state, versions);
	publish_list(*state, listed);
	setenv("VMRIG_KERNEL_MIRROR", url, 1);
	expect_expansion("longterm", NULL, "6.12.57", NULL);
	expect_expansion("6.9", NULL, "6.9.12", NULL);
	expect_no_expansion("5.10", NULL, -ENOENT, "5.10", "v5.x/sha256sums.asc");
	must_get("6.9", NULL, NULL, &s);
	assert_string_equal(s.version, "6.9.12");
	source_release(&s);
	assert_int_equal(server_asked(*state, "GET"), 0);
}

static void mirror_without_a_list_still_has_series(void **state)
{
	publish(*state, versions);
	use_mirror("");
	expect_expansion("6.12", NULL, "6.12.57", NULL);
	expect_expansion("6.12.56..6.12", NULL, "6.12.56 6.12.57", NULL);
	expect_no_expansion("stable", NULL, -ENOENT, "releases.json", "404");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases_are_told_from_other_words),
		cmocka_unit_test(releases_have_an_order),
		cmocka_unit_test(list_of_releases_is_mistrusted),
		cmocka_unit_test(sums_are_read_from_the_signed_part_alone),
		cmocka_unit_test(sums_that_cannot_be_are_refused),
		served(specs_stand_for_releases),
		served(specs_that_stand_for_nothing_say_so),
		served(lists_are_kept_for_an_hour_and_for_offline),
		served(lying_server_resolves_nothing_wrongly),
		served(folder_may_be_the_mirror),
		served(mirror_without_a_list_still_has_series),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
