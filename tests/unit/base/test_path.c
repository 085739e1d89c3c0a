/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static void joining_puts_one_slash_between(void **state)
{
	static const char *const cases[][3] = {
		{ "a", "b", "a/b" },
		{ "a/", "b", "a/b" },
		{ "a//", "b", "a/b" },
		{ "/", "b", "/b" },
		{ "a", "/b", "/b" },
		{ "", "b", "b" },
		{ "a", "", "a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *p = path_join(cases[i][0], cases[i][1]);

		assert_string_equal(p, cases[i][2]);
	}
}

static void absolute_paths_are_folded(void **state)
{
	static const char *const cases[][2] = {
		{ "x", "/w/x" },
		{ "./x/../y//z/", "/w/y/z" },
		{ "..", "/" },
		{ "../../..", "/" },
		{ "/a/./b/../c", "/a/c" },
		{ "/", "/" },
		{ "", "/w" },
		{ "...", "/w/..." },
	};
	_cleanup_free_ char *here = path_absolute("x", NULL), *cwd = getcwd(NULL, 0);
	_cleanup_free_ char *expected = path_join(cwd, "x");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *p = path_absolute(cases[i][0], "/w");

		assert_string_equal(p, cases[i][1]);
	}
	assert_string_equal(here, expected);
}

static void base_and_folder_split_a_path(void **state)
{
	static const char *const cases[][3] = {
		{ "a/b", "b", "a" },
		{ "a", "a", "." },
		{ "/a", "a", "/" },
		{ "a//b", "b", "a" },
		{ "//a", "a", "/" },
		{ "a/b/", "", "a/b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *dir = path_dir(cases[i][0]);

		assert_string_equal(path_base(cases[i][0]), cases[i][1]);
		assert_string_equal(dir, cases[i][2]);
	}
}

static void below_means_whole_components(void **state)
{
	assert_true(path_below("/a/b", "/a"));
	assert_true(path_below("/a", "/a"));
	assert_false(path_below("/ab", "/a"));
	assert_false(path_below("/", "/a"));
	assert_true(path_below("/a", "/"));
	assert_true(path_below("/", "/"));
}

static void the_nearest_folder_above_that_holds_a_name_is_found(void **state)
{
	_cleanup_free_ char *deep = path_join(*state, "a/b/c"), *a = path_join(*state, "a");
	_cleanup_free_ char *mark = path_join(a, "mark"), *got = NULL;

	assert_int_equal(dir_make(deep, 0700, NULL), 0);
	assert_null(path_upwards(deep, "mark-that-is-nowhere"));
	file_put(mark, "", 0);
	got = path_upwards(deep, "mark");
	assert_string_equal(got, a);
	free(got);
	got = path_upwards(a, "mark");
	assert_string_equal(got, a);
	free(got);
	got = path_upwards("/proc/sys", "proc");
	assert_string_equal(got, "/");
}

static void the_cache_is_the_first_folder_that_can_be_written(void **state)
{
	_cleanup_free_ char *own = path_join(*state, "own/c"), *xdg = path_join(*state, "xdg");
	_cleanup_free_ char *in_xdg = path_join(xdg, "vmrig"), *sub = path_join(in_xdg, "images");
	_cleanup_free_ char *in_home = path_join(*state, ".cache/vmrig");
	_cleanup_free_ char *file = path_join(*state, "file");
	struct err e = ERR_INIT;
	char *got = NULL;
	struct stat st;

	setenv("HOME", *state, 1);
	unsetenv("VMRIG_CACHE_DIR");
	setenv("XDG_CACHE_HOME", "", 1);
	assert_int_equal(path_cache(&got, NULL), 0);
	assert_string_equal(got, in_home);
	free(got);
	setenv("XDG_CACHE_HOME", xdg, 1);
	assert_int_equal(path_cache_sub("images", &got, NULL), 0);
	assert_string_equal(got, sub);
	free(got);
	setenv("VMRIG_CACHE_DIR", own, 1);
	assert_int_equal(path_cache(&got, NULL), 0);
	assert_string_equal(got, own);
	free(got);
	assert_int_equal(stat(own, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	file_put(file, "", 0);
	/* A folder that was named and cannot be had is an error, not another folder. */
	setenv("VMRIG_CACHE_DIR", file, 1);
	got = NULL;
	assert_int_equal(path_cache(&got, &e), -ENOTDIR);
	assert_non_null(strstr(err_text(&e), "VMRIG_CACHE_DIR"));
	assert_null(got);
	err_release(&e);
}

static void a_shared_temporary_cache_must_be_ours_alone(void **state)
{
	_cleanup_free_ char *tmp = xasprintf("%s/vmrig-%u", (char *)*state, (unsigned)getuid());
	struct err e = ERR_INIT;
	char *got = NULL;

	setenv("HOME", "/proc", 1);
	unsetenv("VMRIG_CACHE_DIR");
	unsetenv("XDG_CACHE_HOME");
	setenv("TMPDIR", *state, 1);
	assert_int_equal(path_cache(&got, NULL), 0);
	assert_string_equal(got, tmp);
	free(got);
	got = NULL;

	assert_int_equal(chmod(tmp, 0755), 0);
	assert_int_equal(path_cache(&got, &e), -EPERM);
	assert_non_null(strstr(err_text(&e), "/proc/.cache/vmrig"));
	assert_non_null(strstr(err_text(&e), tmp));
	assert_non_null(strstr(e.hint, "VMRIG_CACHE_DIR"));
	err_release(&e);
	assert_int_equal(rmdir(tmp), 0);
	assert_int_equal(symlink("/tmp", tmp), 0);
	assert_int_equal(path_cache(&got, NULL), -EPERM);
	assert_null(got);
	unsetenv("TMPDIR");
}

static void programs_are_found_in_path(void **state)
{
	_cleanup_free_ char *dir = path_join(*state, "bin"), *tool = path_join(dir, "tool");
	_cleanup_free_ char *data = path_join(*state, "tool"), *old = xstrdup(getenv("PATH"));
	_cleanup_free_ char *path = xasprintf("/nonexistent::%s:%s", (char *)*state, dir);
	char *got = NULL;

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	file_put(tool, "", 0);
	assert_int_equal(chmod(tool, 0755), 0);
	file_put(data, "", 0); /* not executable: passed over */
	setenv("PATH", path, 1);
	assert_int_equal(path_program("tool", &got), 0);
	assert_string_equal(got, tool);
	free(got);
	assert_int_equal(path_program(tool, &got), 0);
	assert_string_equal(got, tool);
	free(got);
	got = NULL;
	assert_int_equal(path_program(data, &got), -ENOENT);
	assert_int_equal(path_program("bin", &got), -ENOENT);
	assert_int_equal(path_program("", &got), -ENOENT);
	assert_int_equal(path_program("no-such-tool", &got), -ENOENT);
	assert_null(got);
	setenv("PATH", old, 1);
}

static void a_missing_part_is_told_with_all_places(void **state)
{
	_cleanup_free_ char *part = path_join(*state, "part");
	struct err e = ERR_INIT;
	char *got = NULL;

	setenv("VMRIG_LIBEXEC_DIR", *state, 1);
	assert_int_equal(path_libexec("part", &got, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), part));
	assert_non_null(strstr(err_text(&e), "/agent/part"));
	assert_non_null(strstr(err_text(&e), "/libexec/vmrig/part"));
	assert_non_null(strstr(e.hint, "VMRIG_LIBEXEC_DIR"));
	err_release(&e);
	file_put(part, "", 0);
	assert_int_equal(path_libexec("part", &got, &e), 0);
	assert_string_equal(got, part);
	free(got);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(joining_puts_one_slash_between),
		cmocka_unit_test(absolute_paths_are_folded),
		cmocka_unit_test(base_and_folder_split_a_path),
		cmocka_unit_test(below_means_whole_components),
		in_folder(the_nearest_folder_above_that_holds_a_name_is_found),
		in_folder(the_cache_is_the_first_folder_that_can_be_written),
		in_folder(a_shared_temporary_cache_must_be_ours_alone),
		in_folder(programs_are_found_in_path),
		in_folder(a_missing_part_is_told_with_all_places),
	};

	return cmocka_run_group_tests_name("base/path", tests, NULL, NULL);
}
