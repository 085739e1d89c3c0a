/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "pack/pack.h"

static void lay_tree(const char *dir, const char *root, time_t time, mode_t mode)
{
	static const char *const names[] = { "b/two", "a-b", "a/one", "b/c/three" };
	struct timespec times[2] = { { .tv_sec = time }, { .tv_sec = time } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = xasprintf("%s/%s", root, names[i]);
		_cleanup_free_ char *path = put_text(dir, name, names[i]);

		assert_int_equal(chmod(path, mode), 0);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
}

static int pack_dir(const char *dir, const char *root, enum pack_compression c, const char *to,
	struct pack_result *ret)
{
	_cleanup_free_ char *tree = path_join(dir, root), *path = path_join(dir, to);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	_cleanup_pack_ struct pack p = PACK_INIT;

	assert_int_equal(pack_add_tree(&p, "", tree, NULL), 0);
	assert_int_equal(pack_sort(&p, NULL), 0);
	return pack_write(&p, c, 6, fd, ret, NULL);
}

static void same_files_give_the_same_bytes(void **state)
{
	static const enum pack_compression all[] = { PACKED_GZIP, PACKED_ZSTD };
	const char *dir = *state;

	lay_tree(dir, "x", 1000000000, 0644);
	lay_tree(dir, "y", 1700000000, 0600);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct pack_result a, b;
		char sum[HASH_HEX_LEN + 1];
		_cleanup_free_ char *path = path_join(dir, "1");
		struct stat st;

		assert_int_equal(pack_dir(dir, "x", all[i], "1", &a), 0);
		assert_int_equal(pack_dir(dir, "y", all[i], "2", &b), 0);
		assert_string_equal(a.sha256, b.sha256);
		assert_string_equal(a.content_sha256, b.content_sha256);
		assert_int_equal(hash_file(path, sum, NULL), 0);
		assert_string_equal(a.sha256, sum);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, a.size);
	}
}

static void what_was_packed_comes_out(void **state)
{
	_cleanup_free_ char *archive = path_join(*state, "1"), *out = path_join(*state, "out");
	_cleanup_free_ char *exec = put_text(*state, "x/run", "#!/bin/sh\n");
	_cleanup_pack_ struct pack p = PACK_INIT;
	_cleanup_buf_ struct buf sums = BUF_INIT;
	struct pack_result packed;

	lay_tree(*state, "x", 0, 0600);
	assert_int_equal(chmod(exec, 0700), 0);
	assert_int_equal(pack_dir(*state, "x", PACKED_ZSTD, "1", &packed), 0);
	assert_int_equal(dir_make(out, 0755, NULL), 0);
	assert_int_equal(pack_unpack(archive, out, &p, NULL), 0);
	assert_int_equal(p.n, 5);
	assert_string_equal(p.files[0].path, "a-b");
	assert_string_equal(p.files[1].path, "a/one");
	assert_non_null(pack_find(&p, "b/c/three"));
	assert_null(pack_find(&p, "b/c"));
	assert_true(pack_find(&p, "run")->exec);
	assert_false(pack_find(&p, "a-b")->exec);
	pack_sums(&p, &sums);
	assert_non_null(strstr(buf_str(&sums), "  b/c/three\n"));
}

static void symbolic_links_are_left_out(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "x"), *link = path_join(*state, "x/link");
	_cleanup_pack_ struct pack p = PACK_INIT;

	lay_tree(*state, "x", 0, 0644);
	assert_int_equal(symlink("/", link), 0);
	assert_int_equal(pack_add_tree(&p, "", tree, NULL), 0);
	assert_int_equal(p.n, 4);
}

static void two_files_of_one_path_are_refused(void **state)
{
	_cleanup_pack_ struct pack p = PACK_INIT;
	struct err e = ERR_INIT;

	pack_add_data(&p, "a", "1", 1);
	pack_add_data(&p, "b", "", 0);
	pack_add_data(&p, "a", "2", 1);
	expect_error(&e, pack_sort(&p, &e), -EEXIST, "two files", "a");
}

static void file_that_changes_meanwhile_is_an_error(void **state)
{
	static const char *const others[] = { "ABC", "ab", "abcd" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_free_ char *path = put_text(*state, "x", "abc");
		_cleanup_close_ int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		_cleanup_pack_ struct pack p = PACK_INIT;
		struct pack_result packed;
		struct err e = ERR_INIT;

		assert_int_equal(pack_add_file(&p, "x", path, NULL), 0);
		lay(*state, "x", others[i]);
		expect_error(&e, pack_write(&p, PACKED_ZSTD, 1, fd, &packed, &e), -ESTALE, path,
			"while it was packed");
	}
}

static void full_disk_is_an_error_that_says_so(void **state)
{
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	_cleanup_pack_ struct pack p = PACK_INIT;
	struct pack_result packed;
	struct err e = ERR_INIT;

	pack_add_data(&p, "a", "1", 1);
	expect_error(&e, pack_write(&p, PACKED_GZIP, 1, fd, &packed, &e), -ENOSPC, "cannot write",
		"No space left");
}

static void every_truncation_is_an_error(void **state)
{
	_cleanup_free_ char *archive = path_join(*state, "1"), *out = path_join(*state, "out");
	_cleanup_buf_ struct buf whole = BUF_INIT;
	struct pack_result packed;

	lay_tree(*state, "x", 0, 0644);
	assert_int_equal(pack_dir(*state, "x", PACKED_ZSTD, "1", &packed), 0);
	assert_int_equal(file_read(archive, 1 << 20, &whole, NULL), 0);
	for (size_t len = 0; len < whole.len; len += 7) {
		_cleanup_free_ char *cut = put(*state, "cut", whole.data, len);
		_cleanup_pack_ struct pack p = PACK_INIT;

		assert_int_equal(dir_make(out, 0755, NULL), 0);
		assert_true(pack_unpack(cut, out, &p, NULL) < 0);
		assert_int_equal(p.n, 0);
		assert_int_equal(dir_remove(out, NULL), 0);
	}
}

struct told {
	uint64_t done, total;
	unsigned n;
};

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct told *t = arg;

	assert_true(done > t->done && done <= total);
	*t = (struct told){ done, total, t->n + 1 };
}

static void progress_grows_to_the_whole(void **state)
{
	_cleanup_pack_ struct pack p = PACK_INIT;
	_cleanup_close_ int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct told told = { 0 };
	const struct pack_progress progress = { on_progress, &told };
	struct pack_result packed;

	pack_add_data(&p, "a", "12345", 5);
	pack_add_data(&p, "b", "678", 3);
	assert_int_equal(pack_sort(&p, NULL), 0);
	p.progress = &progress;
	assert_int_equal(pack_write(&p, PACKED_ZSTD, 1, fd, &packed, NULL), 0);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.done, 8);
	assert_int_equal(told.total, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(same_files_give_the_same_bytes),
		in_folder(what_was_packed_comes_out),
		in_folder(symbolic_links_are_left_out),
		in_folder(two_files_of_one_path_are_refused),
		in_folder(progress_grows_to_the_whole),
		in_folder(file_that_changes_meanwhile_is_an_error),
		in_folder(full_disk_is_an_error_that_says_so),
		in_folder(every_truncation_is_an_error),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
