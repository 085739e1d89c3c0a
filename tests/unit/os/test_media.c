/* SPDX-License-Identifier: MIT */
/* Files for a guest to write to: right as QEMU sees them, and gone when they are closed. */
#include "harness.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* What qemu-img says of it, by way of a file with a name. */
static void assert_qcow2(const char *dir, int fd, const char *size)
{
	_cleanup_free_ char *path = path_join(dir, "copy.qcow2"),
			    *self = xasprintf("/proc/self/fd/%d", fd);
	const char *check[] = { "qemu-img", "check", "-f", "qcow2", path, NULL };
	const char *info[] = { "qemu-img", "info", "-f", "qcow2", path, NULL };
	_cleanup_buf_ struct buf out = BUF_INIT;
	int status;

	assert_int_equal(file_copy(self, path, 0600, NULL), 0);
	assert_int_equal(proc_capture(check, NULL, &out, NULL, 60000, &status, NULL), 0);
	assert_int_equal(status, 0);
	assert_non_null(strstr(buf_str(&out), "No errors were found"));
	assert_int_equal(proc_capture(info, NULL, &out, NULL, 60000, &status, NULL), 0);
	assert_int_equal(status, 0);
	if (!strstr(buf_str(&out), size))
		fail_msg("\"%s\" is missing in: %s", size, buf_str(&out));
	unlink(path);
}

static void overlay_is_an_empty_qcow2_of_any_size(void **state)
{
	static const struct {
		uint64_t size;
		const char *says;
	} table[] = {
		{ 512, "(512 bytes)" },
		{ 4608000, "(4608000 bytes)" },
		{ 536870912, "(536870912 bytes)" },
		{ 536870913 + 511, "(536871424 bytes)" },
		{ 64ull << 40, "(70368744177664 bytes)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_close_ int fd = os_media_overlay(*state, table[i].size, NULL);

		assert_true(fd >= 0);
		assert_int_equal(files_in(*state), 0);
		assert_qcow2(*state, fd, table[i].says);
	}
}

static void empty_disk_takes_no_room(void **state)
{
	_cleanup_close_ int fd = os_media_empty(*state, 4ull << 30, NULL);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4ull << 30);
	assert_int_equal(st.st_blocks, 0);
	assert_int_equal(files_in(*state), 0);
}

static void copy_is_the_same_and_nobody_elses(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "vars");
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(file_write_atomic(path, "variables", 9, 0400, NULL), 0);
	fd = os_media_copy(*state, path, NULL);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "V", 1, 0), 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_all(&b, fd, 100), 0);
	assert_string_equal(buf_str(&b), "Variables");
	buf_clear(&b);
	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "variables");
}

static void folder_that_is_not_there_is_told(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(os_media_empty("/nonexistent", 1, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "/nonexistent"));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_dir(overlay_is_an_empty_qcow2_of_any_size),
		with_dir(empty_disk_takes_no_room),
		with_dir(copy_is_the_same_and_nobody_elses),
		with_dir(folder_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
