/* SPDX-License-Identifier: MIT */
#include <dirent.h>

#include "base/outfile.h"
#include "harness.h"

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	for (struct dirent *f; (f = readdir(d));)
		n += f->d_name[0] != '.' || strlen(f->d_name) > 2;
	closedir(d);
	return n;
}

static void open_and_write(const char *dir, const char *name, const char *text, struct outfile *o)
{
	_cleanup_free_ char *path = path_join(dir, name);

	assert_int_equal(outfile_open(path, o, NULL), 0);
	assert_int_equal(fd_write_all(o->fd, text, strlen(text)), 0);
}

static void expect_text(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	assert_string_equal(buf_str(&b), text);
}

static void it_is_there_once_committed_and_not_before(void **state)
{
	struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *path = path_join(*state, "x");

	open_and_write(*state, "x", "new", &o);
	assert_false(file_exists(path));
	assert_int_equal(outfile_commit(&o, false, NULL), 0);
	expect_text(*state, "x", "new");
	assert_int_equal(files_in(*state), 1);
	assert_int_equal(o.fd, -1);
}

static void what_is_there_stays_unless_it_is_to_be_replaced(void **state)
{
	struct outfile o = OUTFILE_INIT;
	struct err e = ERR_INIT;

	open_and_write(*state, "x", "old", &o);
	assert_int_equal(outfile_commit(&o, false, NULL), 0);
	open_and_write(*state, "x", "new", &o);
	assert_int_equal(outfile_commit(&o, false, &e), -EEXIST);
	assert_non_null(strstr(err_text(&e), "/x is there already"));
	err_release(&e);
	expect_text(*state, "x", "old");
	open_and_write(*state, "x", "new", &o);
	assert_int_equal(outfile_commit(&o, true, NULL), 0);
	expect_text(*state, "x", "new");
	assert_int_equal(files_in(*state), 1);
}

static void nothing_is_left_of_what_is_dropped(void **state)
{
	struct outfile o = OUTFILE_INIT;

	open_and_write(*state, "x", "new", &o);
	outfile_drop(&o);
	assert_int_equal(files_in(*state), 0);
	outfile_drop(&o);
}

static void it_can_be_read_before_it_has_its_name(void **state)
{
	struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	open_and_write(*state, "x", "new", &o);
	path = outfile_reopen_path(&o);
	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "new");
	outfile_drop(&o);
}

static void a_folder_that_is_missing_is_an_error(void **state)
{
	struct outfile o = OUTFILE_INIT;
	_cleanup_free_ char *path = path_join(*state, "no/x");
	struct err e = ERR_INIT;

	assert_int_equal(outfile_open(path, &o, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), path));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(it_is_there_once_committed_and_not_before),
		in_folder(what_is_there_stays_unless_it_is_to_be_replaced),
		in_folder(nothing_is_left_of_what_is_dropped),
		in_folder(it_can_be_read_before_it_has_its_name),
		in_folder(a_folder_that_is_missing_is_an_error),
	};

	return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
