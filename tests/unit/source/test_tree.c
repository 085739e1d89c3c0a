/* SPDX-License-Identifier: MIT */
/* Trees in place, tarballs and packages. */
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

static void tree_in_place_is_known_by_its_commit(void **state)
{
	struct source s = { 0 };
	_cleanup_free_ char *tree = path_join(*state, "linux");

	lay_tree(*state, "linux", "6.12.5-rc1");
	make_repository(tree);
	must_get("linux", *state, NULL, &s);
	assert_string_equal(s.dir, tree);
	assert_string_equal(s.version, "6.12.5-rc1");
	assert_int_equal(strlen(s.identity), 64);
	assert_int_equal(strlen(s.commit), 40);
	assert_null(s.dirty);
	assert_true(s.in_place);
	source_release(&s);
}

static void dirty_tree_says_why(void **state)
{
	static const struct {
		const char *script, *why;
	} cases[] = {
		{ "echo x >> init/main.c", "1 file changed, first init/main.c" },
		{ "git rm -q --cached Kbuild && rm Kbuild", "2 files changed, first Kbuild" },
		{ "git checkout -q -f HEAD . && echo > new.c", "1 file not tracked, first new.c" },
	};
	_cleanup_free_ char *tree = path_join(*state, "linux");

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct source s = { 0 };

		shell(tree, cases[i].script);
		must_get(tree, NULL, NULL, &s);
		assert_null(s.identity);
		assert_non_null(s.commit);
		assert_string_equal(s.dirty, cases[i].why);
		source_release(&s);
	}
}

/* A repository of a tree whose own rules ignore nearly everything, as Debian's do. */
static char *tree_that_ignores(const char *dir)
{
	char *tree = path_join(dir, "linux");

	lay_tree(dir, "linux", "6.12.5");
	lay(tree, ".gitignore", "/*\n.*\n*.o\n/init/table.h\n");
	shell(tree,
		"git init -q . && git add -f . && git -c user.name=t -c user.email=t@t commit -qm x");
	return tree;
}

static void source_that_gitignore_hides_makes_a_tree_dirty(void **state)
{
	static const char *const hidden[] = { "init/new.c", "init/table.h", "init/deeper/x.S",
		"init/Kconfig.mine", "init/Makefile", "arch/Kbuild", "arch/a.dtsi",
		"init/x_defconfig", "localversion-mine" };
	_cleanup_free_ char *tree = tree_that_ignores(*state);

	lay(tree, "arch/tracked.c", "x");
	shell(tree, "git add -f arch && git -c user.name=t -c user.email=t@t commit -qm y");
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		_cleanup_free_ char *path = path_join(tree, hidden[i]);
		_cleanup_free_ char *why =
			xasprintf("1 ignored file that a build would read, first %s", hidden[i]);
		struct source s = { 0 };

		lay(tree, hidden[i], "x");
		must_get(tree, NULL, NULL, &s);
		assert_string_equal(s.dirty, why);
		assert_null(s.identity);
		source_release(&s);
		assert_int_equal(unlink(path), 0);
		must_get(tree, NULL, NULL, &s);
		assert_null(s.dirty);
		source_release(&s);
	}
}

static void ignored_files_that_no_build_reads_are_no_dirt(void **state)
{
	static const char *const aside[] = { "init/main.o", "init/.main.o.cmd", "tags", "notes.txt",
		".cache/clangd/x.h", "out/include/generated/autoconf.h", "init/main.c~",
		"localversion~", "init/.#main.c", "tools/testing/selftests/x.skel.h" };
	_cleanup_free_ char *tree = tree_that_ignores(*state);
	struct source s = { 0 };

	lay(tree, "tools/testing/x.c", "x");
	shell(tree, "git add -f tools && git -c user.name=t -c user.email=t@t commit -qm y");
	for (size_t i = 0; i < ARRAY_SIZE(aside); i++)
		lay(tree, aside[i], "x");
	must_get(tree, NULL, NULL, &s);
	assert_null(s.dirty);
	assert_non_null(s.identity);
	source_release(&s);
}

static void what_a_build_in_place_generated_is_no_dirt(void **state)
{
	_cleanup_free_ char *tree = tree_that_ignores(*state);
	struct source s = { 0 };

	lay(tree, "init/table.h", "x");
	lay(tree, ".config", "CONFIG_A=y\n");
	must_get(tree, NULL, NULL, &s);
	assert_null(s.dirty);
	source_release(&s);
	/* Built elsewhere it would be read. */
	shell(tree, "rm .config");
	must_get(tree, NULL, NULL, &s);
	assert_non_null(s.dirty);
	source_release(&s);
}

static void files_that_git_was_told_not_to_look_at_make_a_tree_dirty(void **state)
{
	static const char *const flags[] = { "assume-unchanged", "skip-worktree" };
	_cleanup_free_ char *tree = path_join(*state, "linux");

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		_cleanup_free_ char *set = xasprintf(
			"git update-index --%s init/main.c && echo x >>init/main.c", flags[i]);
		_cleanup_free_ char *unset = xasprintf(
			"git update-index --no-%s init/main.c && git checkout -q init/main.c",
			flags[i]);
		struct source s = { 0 };

		shell(tree, set);
		must_get(tree, NULL, NULL, &s);
		assert_string_equal(
			s.dirty, "1 file that git was told not to look at, first init/main.c");
		source_release(&s);
		shell(tree, unset);
		must_get(tree, NULL, NULL, &s);
		assert_null(s.dirty);
		source_release(&s);
	}
}

static void tree_in_place_is_never_written_to(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux");
	struct source s = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	/* Whatever git would like to note in its index or run as a hook. */
	shell(tree, "touch -d 2001-01-01 init/main.c; printf '#!/bin/sh\\ntouch ran\\n' > "
		    ".git/hooks/post-index-change; chmod +x .git/hooks/post-index-change; "
		    "git config core.fsmonitor \"touch $PWD/ran; false\"; "
		    "find . -type f -exec sha256sum {} + | sort > ../before");
	must_get(tree, NULL, NULL, &s);
	assert_null(s.dirty);
	shell(tree, "find . -type f -exec sha256sum {} + | sort > ../after; "
		    "cmp ../before ../after; test ! -e ran");
	source_release(&s);
}

static void environment_of_git_does_not_lead_astray(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "linux"), *other = path_join(*state, "other");
	_cleanup_free_ char *other_git = path_join(*state, "other/.git");
	struct source s = { 0 }, t = { 0 };

	lay_tree(*state, "linux", "6.12.5");
	make_repository(tree);
	lay_tree(*state, "other", "6.1.5");
	make_repository(other);
	must_get(tree, NULL, NULL, &s);
	setenv("GIT_DIR", other_git, 1);
	setenv("GIT_WORK_TREE", other, 1);
	must_get(tree, NULL, NULL, &t);
	unsetenv("GIT_DIR");
	unsetenv("GIT_WORK_TREE");
	assert_string_equal(s.commit, t.commit);
	source_release(&s);
	source_release(&t);
}

static void tree_that_git_does_not_know_has_no_identity(void **state)
{
	_cleanup_free_ char *outer = path_join(*state, "outer");
	struct source s = { 0 };

	lay_tree(*state, "plain", "6.12.5");
	must_get("./plain", *state, NULL, &s);
	assert_null(s.identity);
	assert_null(s.commit);
	assert_string_equal(s.dirty, "git does not know it");
	source_release(&s);

	/* In a repository that ignores it, whose commit says nothing of it. */
	lay_tree(*state, "outer/linux", "6.12.5");
	lay(outer, ".gitignore", "linux\n");
	make_repository(outer);
	must_get("outer/linux", *state, NULL, &s);
	assert_null(s.identity);
	assert_string_equal(s.dirty, "git does not track it");
	source_release(&s);
}

static void what_is_no_kernel_tree_is_refused(void **state)
{
	lay(*state, "a/Makefile", "all:\n");
	lay(*state, "b/Makefile", "all:\n");
	lay(*state, "b/Kconfig", "");
	must_not_get("a", *state, NULL, -EINVAL, "source a", "no kernel tree");
	must_not_get("b", *state, NULL, -EINVAL, "source b", "VERSION");
	must_not_get("c", *state, NULL, -ENOENT, "source c", "there is no");
	must_not_get("", *state, NULL, -EINVAL, "source", "empty");
	must_not_get("v6.12", *state, NULL, -ENOENT, "there is no", "the release is called 6.12");
	must_not_get("ftp://x/y", *state, NULL, -EINVAL, "https", "not by ftp");
}

static void tarball_of_each_compression_is_one_source(void **state)
{
	static const char *const names[] = { "a.tar.xz", "a.tar.gz", "a.tar.bz2", "a.tar.zst",
		"a.tar", "called-otherwise" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(*state, names[i]), *text = NULL, *link = NULL;
		_cleanup_free_ char *script = NULL, *again = NULL;
		struct source s = { 0 }, t = { 0 };
		struct stat st;

		make_kernel_tarball(path, i % 2 ? "" : "linux-6.12.5/", "6.12.5");
		must_get(names[i], *state, NULL, &s);
		assert_string_equal(s.version, "6.12.5");
		assert_string_equal(s.label, path);
		assert_false(s.in_place);
		text = text_of(&s, "init/main.c");
		assert_string_equal(text, "one\ntwo\nthree\nkernel 6.12.5\n");
		link = text_of(&s, "init/link.c");
		assert_string_equal(link, text);
		script = path_join(s.dir, "scripts/run.sh");
		assert_int_equal(stat(script, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0755);
		/* The content counts, not where it lies. */
		again = path_join(*state, "moved");
		assert_int_equal(rename(path, again), 0);
		must_get("moved", *state, NULL, &t);
		assert_string_equal(s.identity, t.identity);
		assert_string_equal(s.dir, t.dir);
		source_release(&s);
		source_release(&t);
	}
}

static void tarball_that_leads_outside_is_refused(void **state)
{
	static const struct tar_file bad[] = {
		{ "linux/../../escaped", "x", NULL },
		{ "/tmp/vmrig-test-escaped", "x", NULL },
		{ "linux/link", NULL, "../../../escaped" },
		{ "linux/link", NULL, "/etc/passwd" },
		{ "linux/link", NULL, "=../escaped" },
		{ "linux/link", NULL, "=/etc/passwd" },
	};
	_cleanup_free_ char *path = path_join(*state, "bad.tar");

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		make_tarball(path, (const struct tar_file[]){
					   { "linux/Makefile", "x", NULL }, bad[i], { 0 } });
		must_not_get("bad.tar", *state, NULL, -EBADMSG, "bad.tar", "leads outside");
		assert_true(nothing_named(*state, "escaped"));
		assert_true(nothing_named(*state, ".tmp"));
	}
	/* Nothing is written through a link. */
	make_tarball(path,
		(const struct tar_file[]){ { "linux/dir/", "", NULL },
			{ "linux/link", NULL, "dir" }, { "linux/link/x", "x", NULL }, { 0 } });
	must_not_get("bad.tar", *state, NULL, -EBADMSG, "bad.tar", "symlink");
}

static void damaged_tarball_is_an_error(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "cut.tar.xz");
	struct stat st;

	make_kernel_tarball(path, "linux/", "6.12.5");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	must_not_get(path, NULL, NULL, -EBADMSG, "cut.tar.xz", "damaged");
	lay(*state, "text", "hello, this is no archive at all\n");
	must_not_get("text", *state, NULL, -EBADMSG, "text", "damaged");
	assert_true(nothing_named(*state, ".tmp"));
}

static void damaged_tree_of_the_cache_is_made_again(void **state)
{
	static const char *const damage[] = { "rm tree/Makefile", "rm manifest.json",
		"echo '{' > manifest.json", "echo x >> tree/init/main.c", "rm tree/init/main.c",
		"rm -r tree" };
	const struct source_options verify = { .verify = true };
	_cleanup_free_ char *path = path_join(*state, "a.tar.xz");

	make_kernel_tarball(path, "linux/", "6.12.5");
	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		_cleanup_free_ char *entry = NULL, *text = NULL;
		struct source s = { 0 };

		must_get(path, NULL, &verify, &s);
		entry = path_dir(s.dir);
		source_release(&s);
		shell(entry, damage[i]);
		must_get(path, NULL, &verify, &s);
		text = text_of(&s, "init/main.c");
		assert_string_equal(text, "one\ntwo\nthree\nkernel 6.12.5\n");
		source_release(&s);
	}
}

static void half_tree_of_a_killed_process_is_swept(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "a.tar.xz"), *half = NULL;
	struct source s = { 0 };

	make_kernel_tarball(path, "linux/", "6.12.5");
	half = xasprintf("%s/cache/sources/%064d.tmp/tree", (char *)*state, 7);
	lay(half, "Makefile", "half");
	must_get(path, NULL, NULL, &s);
	assert_true(nothing_named(*state, ".tmp"));
	source_release(&s);
}

static void note(void *arg, const char *what, const char *why, bool gone, int64_t bytes)
{
	buf_addf(arg, "%s: %s\n", gone ? "gone" : "kept", why);
}

static void sources_that_nobody_uses_are_removed(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "a.tar.xz"),
			    *other = path_join(*state, "b.tar");
	_cleanup_free_ char *old = NULL, *new = NULL;
	_cleanup_buf_ struct buf told = BUF_INIT;
	struct source_clean c = {
		.older_ms = 86400000, .dry_run = true, .told = note, .arg = &told
	};
	struct source s = { 0 }, t = { 0 };

	make_kernel_tarball(path, "linux/", "6.12.5");
	make_kernel_tarball(other, "linux/", "6.12.6");
	must_get(path, NULL, NULL, &s);
	must_get(other, NULL, NULL, &t);
	old = xstrdup(s.dir);
	new = xstrdup(t.dir);
	shell(old, "touch -d '3 days ago' ..; touch ../../$(printf %064d 1).lock");
	assert_int_equal(source_clean(&c, NULL), 0);
	assert_string_equal(buf_str(&told), "kept: in use\ngone: 1 lock of nothing\n");
	source_release(&s);
	source_release(&t);
	buf_clear(&told);
	assert_int_equal(source_clean(&c, NULL), 0);
	assert_non_null(strstr(buf_str(&told), "a.tar.xz, not used for 72 h"));
	assert_true(dir_exists(old));
	c.dry_run = false;
	assert_int_equal(source_clean(&c, NULL), 0);
	assert_false(dir_exists(old));
	assert_true(dir_exists(new));
	assert_false(nothing_named(*state, ".lock"));
	c.older_ms = 0;
	assert_int_equal(source_clean(&c, NULL), 0);
	assert_false(dir_exists(new));
	/* What is used is used now. */
	must_get(path, NULL, NULL, &s);
	shell(s.dir, "touch -d '3 days ago' ..");
	source_release(&s);
	must_get(path, NULL, NULL, &s);
	c.older_ms = 86400000;
	source_release(&s);
	assert_int_equal(source_clean(&c, NULL), 0);
	assert_true(dir_exists(old));
}

static void package_holds_a_source(void **state)
{
	_cleanup_free_ char *tarball = path_join(*state, "linux-source-6.12.tar.xz");
	_cleanup_buf_ struct buf inner = BUF_INIT, deb = BUF_INIT, empty = BUF_INIT;
	struct source s = { 0 }, t = { 0 };

	make_kernel_tarball(tarball, "linux-source-6.12/", "6.12.5");
	assert_int_equal(file_read(tarball, 1 << 20, &inner, NULL), 0);
	make_deb((const struct package_file[]){ { "./usr/src/linux-source-6.12.tar.xz", inner.data,
							inner.len, NULL },
			 { "./usr/src/linux-patch-6.12-rt.patch.xz", "x", 1, NULL }, { 0 } },
		&deb);
	free(put(*state, "linux-source-6.12_6.12.5_all.deb", deb.data, deb.len));
	must_get("linux-source-6.12_6.12.5_all.deb", *state, NULL, &s);
	assert_string_equal(s.version, "6.12.5");
	must_get(tarball, NULL, NULL, &t);
	assert_string_equal(s.identity, t.identity);
	source_release(&s);
	source_release(&t);

	make_deb((const struct package_file[]){ { "./usr/share/doc/x", "x", 1, NULL }, { 0 } },
		&empty);
	free(put(*state, "other.deb", empty.data, empty.len));
	must_not_get("other.deb", *state, NULL, -EINVAL, "other.deb", "no kernel source");
	assert_true(nothing_named(*state, ".tmp"));
}

static void debian_package_comes_by_apt_and_once(void **state)
{
	_cleanup_free_ char *tarball = path_join(*state, "linux-source-6.12.tar.xz"), *bin = NULL;
	_cleanup_free_ char *path = NULL, *old = xstrdup(getenv("PATH"));
	_cleanup_buf_ struct buf inner = BUF_INIT, deb = BUF_INIT;
	const struct source_options offline = { .offline = true }, anew = { .refresh = true };
	struct source s = { 0 };
	size_t calls;

	must_not_get("debian:linux-source-6.12", NULL, &offline, -ENETDOWN, "linux-source-6.12",
		"offline");
	make_kernel_tarball(tarball, "linux-source-6.12/", "6.12.5");
	assert_int_equal(file_read(tarball, 1 << 20, &inner, NULL), 0);
	make_deb((const struct package_file[]){ { "./usr/src/linux-source-6.12.tar.xz", inner.data,
							inner.len, NULL },
			 { 0 } },
		&deb);
	lay_apt(*state, "linux-source-6.12 - Linux\n", "6.12.5-1", &deb);
	bin = path_join(*state, "bin");
	path = xasprintf("%s:%s", bin, old);
	setenv("PATH", path, 1);
	must_get("debian:linux-source-6.12", NULL, NULL, &s);
	assert_string_equal(s.label, "debian:linux-source-6.12");
	assert_string_equal(s.version, "6.12.5");
	source_release(&s);
	calls = apt_calls(*state, "\n");
	must_get("debian:linux-source-6.12", NULL, &offline, &s);
	source_release(&s);
	assert_int_equal(apt_calls(*state, "\n"), calls);
	must_get("debian:linux-source-6.12", NULL, &anew, &s);
	source_release(&s);
	assert_int_equal(apt_calls(*state, " update"), 1);
	must_not_get("debian:linux-source-6.1", NULL, NULL, -ENOENT, "linux-source-6.1",
		"apt knows no package");
	must_not_get("debian:6.12", NULL, NULL, -EINVAL, "debian:6.12", "no source package");
	setenv("PATH", old, 1);
}

static void cache_that_cannot_be_written_is_told(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "a.tar.xz");
	struct err e = ERR_INIT;
	struct source s = { 0 };

	make_kernel_tarball(path, "linux/", "6.12.5");
	setenv("VMRIG_CACHE_DIR", "/proc/nowhere", 1);
	assert_true(source_get(path, NULL, NULL, &s, &e) < 0);
	assert_non_null(strstr(err_text(&e), "/proc/nowhere"));
	err_release(&e);
	setenv("VMRIG_CACHE_DIR", "/dev/null/x", 1);
	assert_true(source_get(path, NULL, NULL, &s, &e) < 0);
	assert_non_null(strstr(err_text(&e), "/dev/null/x"));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(tree_in_place_is_known_by_its_commit),
		served(dirty_tree_says_why),
		served(source_that_gitignore_hides_makes_a_tree_dirty),
		served(ignored_files_that_no_build_reads_are_no_dirt),
		served(what_a_build_in_place_generated_is_no_dirt),
		served(files_that_git_was_told_not_to_look_at_make_a_tree_dirty),
		served(tree_in_place_is_never_written_to),
		served(environment_of_git_does_not_lead_astray),
		served(tree_that_git_does_not_know_has_no_identity),
		served(what_is_no_kernel_tree_is_refused),
		served(tarball_of_each_compression_is_one_source),
		served(tarball_that_leads_outside_is_refused),
		served(damaged_tarball_is_an_error),
		served(damaged_tree_of_the_cache_is_made_again),
		served(half_tree_of_a_killed_process_is_swept),
		served(sources_that_nobody_uses_are_removed),
		served(package_holds_a_source),
		served(debian_package_comes_by_apt_and_once),
		served(cache_that_cannot_be_written_is_told),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
