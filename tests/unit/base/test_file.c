/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static void closing_keeps_errno_and_takes_no_descriptor(void **state)
{
	errno = EXDEV;
	assert_int_equal(fd_close(-1), -1);
	assert_int_equal(fd_close(1 << 20), -1);
	assert_int_equal(errno, EXDEV);
}

static void descriptors_are_closed_on_exec(void **state)
{
	int pair[2], mem = fd_memfd("x", "abc", 3);
	char back[4] = "";

	assert_int_equal(fd_socketpair(pair), 0);
	assert_int_equal(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(mem, F_GETFD), FD_CLOEXEC);
	assert_int_equal(read(mem, back, sizeof(back)), 3);
	assert_string_equal(back, "abc");
	assert_int_equal(fd_set_cloexec(mem, false), 0);
	assert_int_equal(fcntl(mem, F_GETFD), 0);
	assert_int_equal(fd_set_nonblock(pair[0], true), 0);
	assert_true(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	fd_close(pair[0]);
	fd_close(pair[1]);
	fd_close(mem);
}

static void writing_waits_for_a_slow_reader(void **state)
{
	const size_t len = 4 << 20;
	_cleanup_free_ char *data = xcalloc(1, len);
	_cleanup_buf_ struct buf b = BUF_INIT;
	int pair[2];
	pid_t pid;

	assert_int_equal(fd_socketpair(pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		fd_set_nonblock(pair[1], true);
		_exit(fd_write_all(pair[1], data, len) == 0 ? 0 : 1);
	}
	close(pair[1]);
	assert_int_equal(buf_read_all(&b, pair[0], len), 0);
	assert_int_equal(b.len, len);
	close(pair[0]);
}

static void a_file_is_written_whole_or_not_at_all(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f"), *bad = path_join(*state, "none/f");
	_cleanup_free_ char *dir = path_join(*state, "d");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(file_write_atomic(path, "one", 3, 0600, NULL), 0);
	assert_int_equal(file_write_atomic(path, "twoo", 4, 0600, NULL), 0);
	assert_int_equal(file_read(path, 4, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "twoo");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_write_atomic(bad, "x", 1, 0600, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "none"));
	err_release(&e);

	/* A rename that fails leaves nothing aside. */
	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(dir, "x", 1, 0600, NULL), -EISDIR);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(*state), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void a_file_larger_than_expected_is_refused(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	file_put(path, "12345", 5);
	buf_adds(&b, "kept");
	assert_int_equal(file_read(path, 4, &b, &e), -EFBIG);
	assert_string_equal(buf_str(&b), "kept");
	assert_non_null(strstr(err_text(&e), path));
	err_release(&e);
	assert_int_equal(file_read("/proc/self/status", 1 << 20, &b, NULL), 0);
	assert_true(b.len > 100);
}

static void a_copy_has_the_content_and_the_mode(void **state)
{
	_cleanup_free_ char *a = path_join(*state, "a"), *c = path_join(*state, "c");
	_cleanup_buf_ struct buf b = BUF_INIT;
	const size_t len = 1 << 20;
	_cleanup_free_ char *data = xcalloc(1, len);
	struct stat st;

	memset(data + len / 2, 'x', len / 2);
	file_put(a, data, len);
	assert_int_equal(file_copy(a, c, 0700, NULL), 0);
	assert_int_equal(stat(c, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_read(c, len, &b, NULL), 0);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, data, len);

	/* A longer target is cut; /proc's files have no length beforehand. */
	assert_int_equal(file_copy("/proc/self/status", c, 0700, NULL), 0);
	assert_int_equal(stat(c, &st), 0);
	assert_in_range(st.st_size, 100, 100000);
}

static void a_copy_onto_itself_keeps_the_file(void **state)
{
	_cleanup_free_ char *a = path_join(*state, "a"), *l = path_join(*state, "l");
	_cleanup_buf_ struct buf b = BUF_INIT;

	file_put(a, "abc", 3);
	assert_int_equal(symlink("a", l), 0);
	assert_int_equal(file_copy(a, l, 0600, NULL), -EINVAL);
	assert_int_equal(file_read(a, 10, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(file_copy("/nonexistent", l, 0600, NULL), -ENOENT);
	assert_int_equal(file_copy(a, "/nonexistent/x", 0600, NULL), -ENOENT);
}

static void folders_are_made_with_their_parents(void **state)
{
	_cleanup_free_ char *deep = path_join(*state, "a//b/c/"), *f = path_join(*state, "f");
	_cleanup_free_ char *below = path_join(*state, "f/x/y");
	struct err e = ERR_INIT;

	assert_int_equal(dir_make(deep, 0755, NULL), 0);
	assert_true(dir_exists(deep));
	assert_int_equal(dir_make(deep, 0755, NULL), 0);
	assert_int_equal(dir_make("/", 0755, NULL), 0);
	assert_int_equal(dir_make("", 0755, NULL), -ENOENT);
	file_put(f, "", 0);
	assert_true(file_exists(f));
	assert_false(dir_exists(f));
	assert_false(file_exists(*state));
	assert_true(file_exists("/dev/null"));
	assert_int_equal(dir_make(f, 0755, &e), -ENOTDIR);
	assert_int_equal(dir_make(below, 0755, &e), -ENOTDIR);
	err_release(&e);
}

static void removing_a_tree_follows_no_link_out_of_it(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "tree"), *sub = path_join(tree, "a/b");
	_cleanup_free_ char *kept = path_join(*state, "kept"), *link = path_join(sub, "link");
	_cleanup_free_ char *inner = path_join(kept, "file"), *closed = path_join(tree, "closed");
	_cleanup_free_ char *in_closed = path_join(closed, "f"), *top = path_join(*state, "top");

	assert_int_equal(dir_make(sub, 0755, NULL), 0);
	assert_int_equal(dir_make(kept, 0755, NULL), 0);
	assert_int_equal(dir_make(closed, 0755, NULL), 0);
	file_put(inner, "x", 1);
	file_put(in_closed, "x", 1);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(chmod(closed, 0), 0);
	assert_int_equal(dir_remove(tree, NULL), 0);
	assert_false(dir_exists(tree));
	assert_true(file_exists(inner));
	assert_int_equal(dir_remove(tree, NULL), 0);

	assert_int_equal(symlink(kept, top), 0);
	assert_int_equal(dir_remove(top, NULL), 0);
	assert_false(dir_exists(top));
	assert_true(file_exists(inner));
	assert_int_equal(dir_remove(inner, NULL), 0);
	assert_false(file_exists(inner));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_keeps_errno_and_takes_no_descriptor),
		cmocka_unit_test(descriptors_are_closed_on_exec),
		cmocka_unit_test(writing_waits_for_a_slow_reader),
		in_folder(a_file_is_written_whole_or_not_at_all),
		in_folder(a_file_larger_than_expected_is_refused),
		in_folder(a_copy_has_the_content_and_the_mode),
		in_folder(a_copy_onto_itself_keeps_the_file),
		in_folder(folders_are_made_with_their_parents),
		in_folder(removing_a_tree_follows_no_link_out_of_it),
	};

	return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
