/* SPDX-License-Identifier: MIT */
/* git+URL#REF, and patches. */
#include <unistd.h>

#include "world.h"

static void any_ref_and_commit_is_fetched(void **state)
{
	static const char *const refs[] = { "", "#HEAD", "#master", "#feature/x", "#v1",
		"#refs/heads/feature/x", "#refs/tags/v1" };
	_cleanup_free_ char *tree = path_join(*state, "linux"), *spec = NULL, *file = NULL;
	struct source in_place = { 0 }, s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	must_get(tree, NULL, NULL, &in_place);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		_cleanup_free_ char *path = xasprintf("git+./linux%s", refs[i]);
		_cleanup_free_ char *url = xasprintf("git+file://%s%s", tree, refs[i]);

		must_get(path, *state, NULL, &s);
		assert_string_equal(s.label, path);
		assert_string_equal(s.version, "6.12.5");
		assert_string_equal(s.commit, in_place.commit);
		assert_string_equal(s.identity, in_place.identity);
		assert_false(s.in_place);
		source_release(&s);
		must_get(url, NULL, NULL, &s);
		source_release(&s);
	}
	spec = xasprintf("git+%s#%s", tree, in_place.commit);
	must_get(spec, NULL, NULL, &s);
	file = path_join(s.dir, ".git");
	assert_int_not_equal(access(file, F_OK), 0);
	source_release(&s);
	source_release(&in_place);
}

static void half_a_pack_of_a_killed_fetch_is_swept(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux"), *spec = xasprintf("git+%s", tree);
	struct source s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	must_get(spec, NULL, NULL, &s);
	source_release(&s);
	shell(*state, "echo half >$(echo cache/sources/git/*/objects/pack)/tmp_pack_x");
	must_get(spec, NULL, NULL, &s);
	source_release(&s);
	shell(*state, "test -z \"$(find cache -name 'tmp_*')\"");
}

static void branch_that_moved_is_another_source(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux"), *commit = NULL, *text = NULL;
	_cleanup_free_ char *spec = xasprintf("git+%s#feature/x", tree), *old = NULL;
	const struct source_options offline = { .offline = true };
	struct source s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	must_not_get(spec, NULL, &offline, -ENETDOWN, "feature/x", "offline");
	must_get(spec, NULL, NULL, &s);
	commit = xstrdup(s.commit);
	source_release(&s);
	shell(tree,
		"git checkout -q feature/x && echo five >> init/main.c && git -c user.name=t -c "
		"user.email=t@t commit -q -a -m two");
	must_get(spec, NULL, &offline, &s);
	assert_string_equal(s.commit, commit);
	source_release(&s);
	must_get(spec, NULL, NULL, &s);
	assert_string_not_equal(s.commit, commit);
	text = text_of(&s, "init/main.c");
	assert_string_equal(text, "one\ntwo\nthree\nfour\nfive\n");
	source_release(&s);
	/* A commit that is here needs nobody. */
	old = xasprintf("git+%s#%s", tree, commit);
	must_get(old, NULL, NULL, &s);
	source_release(&s);
	must_get(old, NULL, &offline, &s);
	source_release(&s);
}

/* Over HTTP, from a server of files, which knows nothing of git: no shallow history, no single commits. */
static void server_that_hands_out_everything_or_nothing_will_do(void **state)
{
	static const char *const refs[] = { "", "#feature/x", "#v1", "#refs/heads/feature/x" };
	_cleanup_free_ char *tree = path_join(*state, "linux"), *lost = NULL, *html = NULL;
	_cleanup_free_ char *url = server_url("linux.git"), *by_commit = NULL;
	struct source in_place = { 0 }, s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	shell(*state,
		"git clone -q --bare linux www/linux.git && cd www/linux.git && git update-server-info");
	must_get(tree, NULL, NULL, &in_place);
	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		_cleanup_free_ char *spec = xasprintf("git+%s%s", url, refs[i]);

		must_get(spec, NULL, NULL, &s);
		assert_string_equal(s.identity, in_place.identity);
		source_release(&s);
	}
	by_commit = xasprintf("git+%s#%s", url, in_place.commit);
	must_get(by_commit, NULL, NULL, &s);
	source_release(&s);
	source_release(&in_place);
	lost = xasprintf("git+%s#v2", url);
	must_not_get(lost, NULL, NULL, -ENOENT, "v2", "no branch, tag or commit");
	free(url);
	url = server_url("html/linux.git");
	html = xasprintf("git+%s#v1", url);
	must_not_get(html, NULL, NULL, -EIO, "html/linux.git", "git fetch");
}

static void nothing_of_the_users_git_changes_the_tree(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux"), *config = NULL, *text = NULL;
	_cleanup_free_ char *spec = xasprintf("git+%s#v1", tree), *hooks = NULL, *home = NULL;
	struct source s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	home = path_join(*state, "home");
	lay(home, "hooks/post-checkout", "#!/bin/sh\ntouch \"$HOME/ran\"\n");
	lay(home, "hooks/reference-transaction", "#!/bin/sh\ntouch \"$HOME/ran\"\n");
	lay(home, "template/hooks/reference-transaction", "#!/bin/sh\ntouch \"$HOME/ran\"\n");
	shell(home, "chmod +x hooks/* template/hooks/*");
	config = xasprintf(
		"[core]\n\tautocrlf = true\n\thooksPath = %s/hooks\n[init]\n\ttemplateDir "
		"= %s/template\n",
		home, home);
	lay(home, ".gitconfig", config);
	hooks = xstrdup(getenv("HOME"));
	setenv("HOME", home, 1);
	must_get(spec, NULL, NULL, &s);
	setenv("HOME", hooks ? hooks : "/", 1);
	text = text_of(&s, "init/main.c");
	assert_string_equal(text, "one\ntwo\nthree\nfour\n");
	assert_true(nothing_named(home, "ran"));
	source_release(&s);
}

static void what_git_lacks_is_named(void **state)
{
	static const char *const bad[] = { "git+./linux#--upload-pack=x", "git+./linux#a..b",
		"git+./linux#a:b", "git+./linux#", "git+./linux#HEAD~1", "git+./linux#+x" };
	_cleanup_free_ char *tree = path_join(*state, "linux"), *plain = path_join(*state, "plain");

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	must_not_get("git+./linux#nope", *state, NULL, -ENOENT, "nope", "no branch, tag or commit");
	must_not_get("git+./linux#0123456789012345678901234567890123456789", *state, NULL, -ENOENT,
		"0123456789012345678901234567890123456789", "no branch, tag or commit");
	must_not_get("git+./nowhere#v1", *state, NULL, -EIO, "nowhere", "git fetch");
	must_not_get("git+", *state, NULL, -EINVAL, "git+", "no repository");
	must_not_get(
		"git+--upload-pack=touch x#v1", *state, NULL, -EINVAL, "git+", "no repository");
	must_not_get("git+ext::sh -c touch% x#v1", *state, NULL, -EIO, "ext", "not allowed");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		must_not_get(bad[i], *state, NULL, -EINVAL, bad[i], "no branch, tag or commit");
	lay(*state, "plain/Makefile", "all:\n");
	make_repository(plain);
	must_not_get("git+./plain", *state, NULL, -EINVAL, "plain", "no kernel tree");
	assert_true(nothing_named(*state, ".tmp"));
}

/* ---- patches ---- */

#define PATCH                                                                        \
	"Subject: a patch\n\ndiff --git a/init/main.c b/init/main.c\n"               \
	"--- a/init/main.c\n+++ b/init/main.c\n@@ -1,4 +1,4 @@\n one\n-two\n+TWO\n " \
	"three\n four\n"
#define PATCH_AFTER                                                                         \
	"--- a/init/main.c\n+++ b/init/main.c\n@@ -1,4 +1,5 @@\n one\n TWO\n+and a half\n " \
	"three\n four\n"
#define PATCH_BAD \
	"--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n eins\n-zwei\n+drei\n vier\n"
#define PATCH_OUTSIDE "--- a/../../escaped\n+++ b/../../escaped\n@@ -0,0 +1 @@\n+x\n"

static void get_patched(
	const char *spec, const char *cwd, const char *const *patches, struct source *ret)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	const struct source_options o = { .patches = &v };

	for (; *patches; patches++)
		strv_add(&v, *patches);
	must_get(spec, cwd, &o, ret);
}

static void patches_give_a_tree_of_its_own(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux"), *text = NULL, *old = NULL;
	struct source base = { 0 }, one = { 0 }, both = { 0 }, git = { 0 }, again = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	lay(tree, "init/main.o", "built");
	lay(*state, "p/1.patch", PATCH);
	lay(*state, "p/2.patch", PATCH_AFTER);
	must_get(tree, NULL, NULL, &base);
	get_patched("./linux", *state, (const char *const[]){ "p/1.patch", NULL }, &one);
	get_patched(
		"./linux", *state, (const char *const[]){ "p/1.patch", "p/2.patch", NULL }, &both);
	get_patched("git+./linux#v1", *state, (const char *const[]){ "p/1.patch", NULL }, &git);
	assert_false(one.in_place);
	assert_string_equal(one.label, tree);
	text = text_of(&both, "init/main.c");
	assert_string_equal(text, "one\nTWO\nand a half\nthree\nfour\n");
	old = text_of(&base, "init/main.c");
	assert_string_equal(old, "one\ntwo\nthree\nfour\n");
	assert_true(nothing_named(one.dir, ".o"));
	assert_true(nothing_named(one.dir, ".orig"));
	assert_string_not_equal(one.identity, base.identity);
	assert_string_not_equal(one.identity, both.identity);
	assert_string_equal(one.identity, git.identity);
	/* Another text of it is another tree. */
	lay(*state, "p/1.patch", PATCH "\n");
	get_patched("./linux", *state, (const char *const[]){ "p/1.patch", NULL }, &again);
	assert_string_not_equal(one.identity, again.identity);
	source_release(&base);
	source_release(&one);
	source_release(&both);
	source_release(&git);
	source_release(&again);
}

static void patch_that_fails_names_file_and_hunk(void **state)
{
	static const struct {
		const char *patch;
		int code;
		const char *word;
	} cases[] = {
		{ PATCH_BAD, -EINVAL, "init/main.c: Hunk #1 FAILED" },
		{ PATCH PATCH, -EINVAL, "init/main.c: Reversed (or previously applied)" },
		{ PATCH_OUTSIDE, -EINVAL, "dangerous" },
		{ "no patch at all\n", -EINVAL, "garbage" },
		{ "--- a/gone.c\n+++ b/gone.c\n@@ -1 +1 @@\n-x\n+y\n", -EINVAL, "can't find file" },
	};
	_cleanup_free_ char *tarball = path_join(*state, "a.tar.xz");
	_cleanup_strv_ struct strv v = STRV_INIT;
	const struct source_options o = { .patches = &v };

	make_kernel_tarball(tarball, "linux/", "6.12.5");
	strv_add(&v, "p.patch");
	must_not_get(tarball, *state, &o, -ENOENT, "p.patch", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		lay(*state, "p.patch", cases[i].patch);
		must_not_get(tarball, *state, &o, cases[i].code, "p.patch", cases[i].word);
		assert_true(nothing_named(*state, ".tmp"));
		assert_true(nothing_named(*state, "escaped"));
		assert_true(nothing_named(*state, ".rej"));
	}
}

static void tree_of_unknown_content_takes_no_patches(void **state)
{
	_cleanup_strv_ struct strv v = STRV_INIT;
	const struct source_options o = { .patches = &v };

	lay_tree(*state, "linux", "6.12.5");
	lay(*state, "p.patch", PATCH);
	strv_add(&v, "p.patch");
	must_not_get("./linux", *state, &o, -EINVAL, "no patch is laid on", "git does not know it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(any_ref_and_commit_is_fetched),
		served(half_a_pack_of_a_killed_fetch_is_swept),
		served(branch_that_moved_is_another_source),
		served(server_that_hands_out_everything_or_nothing_will_do),
		served(nothing_of_the_users_git_changes_the_tree),
		served(what_git_lacks_is_named),
		served(patches_give_a_tree_of_its_own),
		served(patch_that_fails_names_file_and_hunk),
		served(tree_of_unknown_content_takes_no_patches),
	};

	return cmocka_run_group_tests_name("git", tests, NULL, NULL);
}
