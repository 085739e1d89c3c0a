/* SPDX-License-Identifier: MIT */
/* The file of records under faults: torn lines, damage, full disks. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"

static char *records_path(void **state)
{
	return path_join(*state, "results.jsonl");
}

static void append(const char *path, const char *id)
{
	struct records r = { 0 };
	int fd;

	add_record(&r, id, VERDICT_PASS, true);
	assert_int_equal(records_open(path, &fd, NULL), 0);
	assert_int_equal(records_append(fd, &r.v[0], NULL), 0);
	fd_close(fd);
	records_release(&r);
}

static void add_raw(const char *path, const char *bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_int_equal(fd_write_all(fd, bytes, strlen(bytes)), 0);
	fd_close(fd);
}

static void assert_ids(const char *path, const char *ids)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct records r = { 0 };
	struct err e = ERR_INIT;

	if (records_load(path, &r, &e) < 0)
		fail_msg("%s", err_text(&e));
	for (size_t i = 0; i < r.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", r.v[i].id);
	assert_string_equal(buf_str(&b), ids);
	records_release(&r);
}

static void records_are_appended_and_loaded(void **state)
{
	_cleanup_free_ char *path = records_path(state);

	append(path, "a");
	append(path, "b");
	assert_ids(path, "a b");
}

static void a_torn_last_line_is_dropped(void **state)
{
	_cleanup_free_ char *path = records_path(state);

	append(path, "a");
	add_raw(path, "{\"schema\":1,\"id\":\"b\",\"verdict\":\"pass\"}");
	assert_ids(path, "a");
}

static void a_torn_last_line_is_cut_before_appending(void **state)
{
	_cleanup_free_ char *path = records_path(state), *huge = xmalloc(10001);

	append(path, "a");
	memset(huge, 'x', 10000);
	huge[10000] = 0;
	add_raw(path, huge);
	append(path, "b");
	assert_ids(path, "a b");
	assert_int_equal(truncate(path, 5), 0);
	append(path, "c");
	assert_ids(path, "c");
}

static void damage_in_the_middle_is_an_error_with_its_line(void **state)
{
	_cleanup_free_ char *path = records_path(state);
	struct records r = { 0 };
	struct err e = ERR_INIT;

	append(path, "a");
	add_raw(path, "{\"schema\":1,\"id\n");
	append(path, "b");
	assert_int_equal(records_load(path, &r, &e), -EINVAL);
	assert_contains(err_text(&e), "results.jsonl, line 2");
	assert_int_equal(r.n, 0);
	err_release(&e);
}

static void a_missing_file_is_an_error(void **state)
{
	_cleanup_free_ char *path = records_path(state);
	struct records r = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(records_load(path, &r, &e), -ENOENT);
	assert_contains(err_text(&e), path);
	err_release(&e);
}

static void a_full_disk_is_told_with_file_and_way_out(void **state)
{
	struct records r = { 0 };
	struct err e = ERR_INIT;
	int fd;

	add_record(&r, "a", VERDICT_PASS, true);
	assert_int_equal(records_open("/dev/full", &fd, NULL), 0);
	assert_int_equal(records_append(fd, &r.v[0], &e), -ENOSPC);
	assert_contains(err_text(&e), "/dev/full");
	assert_contains(err_text(&e), "0 of ");
	assert_contains(err_text(&e), "No space left");
	assert_contains(e.hint, "--resume");
	err_release(&e);
	fd_close(fd);
	records_release(&r);
}

/* A limit on the size of files tears a write as a full disk does. */
static void a_torn_write_is_taken_back(void **state)
{
	_cleanup_free_ char *path = records_path(state);
	struct rlimit old, small;
	struct records r = { 0 };
	struct err e = ERR_INIT;
	struct stat st, after;
	int fd, code;

	append(path, "a");
	assert_int_equal(stat(path, &st), 0);
	add_record(&r, "b", VERDICT_PASS, true);
	assert_int_equal(records_open(path, &fd, NULL), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = (rlim_t)st.st_size + 10;
	setrlimit(RLIMIT_FSIZE, &small);
	code = records_append(fd, &r.v[0], &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(code, -EFBIG);
	assert_contains(err_text(&e), "(10 of ");
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_size, st.st_size);
	assert_int_equal(records_append(fd, &r.v[0], NULL), 0);
	assert_ids(path, "a b");
	err_release(&e);
	fd_close(fd);
	records_release(&r);
}

static void verdicts_are_counted(void **state)
{
	struct records r = { 0 };
	struct counts c;

	fill_records(&r);
	records_count(&r, &c);
	assert_int_equal(c.total, 12);
	assert_int_equal(c.ok, 5);
	assert_int_equal(c.pass, 2);
	assert_int_equal(c.crash, 2);
	assert_int_equal(c.lost, 2);
	assert_int_equal(c.pass + c.fail + c.skip + c.xfail + c.xpass + c.crash + c.lost +
				 c.timeout + c.infra,
		c.total);
	records_release(&r);
}

static void no_verdict_is_never_ok(void **state)
{
	static const enum verdict never[] = { VERDICT_NONE, VERDICT_FAIL, VERDICT_XPASS,
		VERDICT_LOST, VERDICT_INFRA };
	struct records r = { 0 };
	struct counts c;

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		add_record(&r, "x", never[i], true);
	records_count(&r, &c);
	assert_int_equal(c.ok, 0);
	records_release(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(records_are_appended_and_loaded),
		in_folder(a_torn_last_line_is_dropped),
		in_folder(a_torn_last_line_is_cut_before_appending),
		in_folder(damage_in_the_middle_is_an_error_with_its_line),
		in_folder(a_missing_file_is_an_error),
		cmocka_unit_test(a_full_disk_is_told_with_file_and_way_out),
		in_folder(a_torn_write_is_taken_back),
		cmocka_unit_test(verdicts_are_counted),
		cmocka_unit_test(no_verdict_is_never_ok),
	};

	return cmocka_run_group_tests_name("results/records", tests, NULL, NULL);
}
