/* SPDX-License-Identifier: MIT */
/* The store of templates: what appears, what is refused, what goes. */
#include "../qemu/harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "machine/machine.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int in_cache(void **state)
{
	int r = folder_make(state);

	setenv("VMRIG_CACHE_DIR", *state, 1);
	return r;
}

static char *path_of(void **state, const char *key, const char *name)
{
	return xasprintf("%s/templates/%s%s%s", (char *)*state, key, *name ? "/" : "", name);
}

static size_t entries(void **state, const char *suffix)
{
	_cleanup_free_ char *dir = xasprintf("%s/templates", (char *)*state);
	DIR *d = opendir(dir);
	struct dirent *f;
	size_t n = 0;

	while (d && (f = readdir(d)))
		n += f->d_name[0] != '.' && str_ends(f->d_name, suffix);
	if (d)
		closedir(d);
	return n;
}

static void make(const char *key, size_t bytes)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	_cleanup_free_ char *content = xcalloc(bytes, 1);
	struct err e = ERR_INIT;

	memset(content, 'x', bytes);
	assert_int_equal(machine_template_begin(key, 4, &t, &e), 0);
	assert_int_equal(pwrite(t.memory_fd, content, bytes, 0), bytes);
	assert_int_equal(write(t.state_fd, "state", 5), 5);
	buf_adds(&t.hello, "hello");
	if (machine_template_commit(&t, &e) < 0)
		fail_msg("%s", err_text(&e));
	machine_template_release(&t);
}

static void expect_refused(const char *key, const char *word)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(machine_template_open(key, &t, &e), -EBADMSG);
	if (!strstr(err_text(&e), word))
		fail_msg("\"%s\" is missing in: %s", word, err_text(&e));
	err_release(&e);
	assert_int_equal(machine_template_open(key, &t, NULL), -ENOENT);
}

static void what_was_kept_is_there_and_sparse_and_read_only(void **state)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	_cleanup_free_ char *dir = path_of(state, KEY_A, ""),
			    *memory = path_of(state, KEY_A, "memory");
	struct stat st;

	make(KEY_A, 100);
	assert_int_equal(machine_template_open(KEY_A, &t, NULL), 0);
	assert_string_equal(buf_str(&t.hello), "hello");
	machine_template_release(&t);
	assert_int_equal(stat(memory, &st), 0);
	assert_int_equal(st.st_size, 4 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0500);
}

static void one_that_is_not_there_is_not_an_error_of_its_own(void **state)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;

	assert_int_equal(machine_template_open(KEY_A, &t, NULL), -ENOENT);
}

static void one_makes_it_while_others_are_told_to_wait(void **state)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT, other = MACHINE_TEMPLATE_INIT;

	assert_int_equal(machine_template_begin(KEY_A, 4, &t, NULL), 0);
	assert_int_equal(machine_template_begin(KEY_A, 4, &other, NULL), -EBUSY);
	assert_int_equal(machine_template_begin(KEY_B, 4, &other, NULL), 0);
	machine_template_release(&other);
	machine_template_release(&t);
	make(KEY_A, 1);
	assert_int_equal(machine_template_begin(KEY_A, 4, &t, NULL), -EEXIST);
}

static void one_that_is_given_up_leaves_nothing(void **state)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	size_t fds = count_fds();

	assert_int_equal(machine_template_begin(KEY_A, 4, &t, NULL), 0);
	assert_int_equal(entries(state, ""), 1); /* the lock */
	machine_template_release(&t);
	assert_int_equal(entries(state, ".lock"), 1);
	assert_int_equal(count_fds(), fds);
}

static void what_a_killed_process_left_is_swept(void **state)
{
	_cleanup_free_ char *left = path_of(state, KEY_A ".tmp", "");

	make(KEY_B, 1);
	assert_int_equal(dir_make(left, 0700, NULL), 0);
	make(KEY_A, 1);
	assert_int_equal(entries(state, ".tmp"), 0);
	assert_int_equal(dir_make(left, 0700, NULL), 0);
	machine_template_remove(KEY_B);
	make(KEY_B, 1);
	assert_int_equal(entries(state, ".tmp"), 0);
}

static void memory_that_was_written_to_is_refused(void **state)
{
	_cleanup_free_ char *path = path_of(state, KEY_A, "memory");
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	make(KEY_A, 1);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	expect_refused(KEY_A, "was written to");
}

static void memory_of_another_length_is_refused(void **state)
{
	_cleanup_free_ char *path = path_of(state, KEY_A, "memory");

	make(KEY_A, 1);
	assert_int_equal(truncate(path, 4096), 0);
	expect_refused(KEY_A, "instead of");
}

static void a_state_that_was_changed_is_refused(void **state)
{
	_cleanup_free_ char *path = path_of(state, KEY_A, "state");
	int fd;

	make(KEY_A, 1);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	expect_refused(KEY_A, "not the one that was saved");
}

static void an_entry_without_a_part_is_refused(void **state)
{
	static const char *const names[] = { "memory", "state", "hello", "manifest.json" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *dir = path_of(state, KEY_A, "");
		_cleanup_free_ char *path = path_of(state, KEY_A, names[i]);

		make(KEY_A, 1);
		assert_int_equal(chmod(dir, 0700), 0);
		assert_int_equal(unlink(path), 0);
		expect_refused(KEY_A, names[i]);
	}
}

static void the_entry_of_another_key_is_refused(void **state)
{
	_cleanup_free_ char *a = path_of(state, KEY_A, ""), *b = path_of(state, KEY_B, "");

	make(KEY_A, 1);
	assert_int_equal(rename(a, b), 0);
	expect_refused(KEY_B, "another machine");
}

static void one_that_goes_while_it_is_in_use_stays_readable(void **state)
{
	struct machine_template t = MACHINE_TEMPLATE_INIT;
	char c;

	make(KEY_A, 1);
	assert_int_equal(machine_template_open(KEY_A, &t, NULL), 0);
	machine_template_remove(KEY_A);
	assert_int_equal(pread(t.memory_fd, &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	machine_template_release(&t);
}

static void used(void **state, const char *key, int64_t days_ago)
{
	_cleanup_free_ char *dir = path_of(state, key, "");
	struct timespec times[2] = { { 0, UTIME_OMIT }, { time(NULL) - days_ago * 86400, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, dir, times, 0), 0);
}

static void on_gone(void *arg, const char *key, uint64_t bytes, int64_t unused_ms)
{
	assert_true(bytes >= 1 << 20);
	buf_addc(arg, key[0]);
}

static void the_longest_unused_go_first(void **state)
{
	_cleanup_buf_ struct buf gone = BUF_INIT;
	struct machine_trim t = { .max_bytes = 3 << 19, .gone = on_gone, .arg = &gone };

	make(KEY_A, 1 << 20);
	make(KEY_B, 1 << 20);
	used(state, KEY_A, 1);
	used(state, KEY_B, 2);
	t.dry_run = true;
	assert_int_equal(machine_templates_trim(&t, NULL), 0);
	assert_int_equal(entries(state, KEY_B), 1);
	t.dry_run = false;
	assert_int_equal(machine_templates_trim(&t, NULL), 0);
	assert_string_equal(buf_str(&gone), "bb");
	assert_int_equal(entries(state, KEY_B), 0);
	assert_int_equal(entries(state, KEY_A), 1);
}

static void those_unused_for_long_go(void **state)
{
	_cleanup_buf_ struct buf gone = BUF_INIT;
	struct machine_trim t = {
		.max_bytes = UINT64_MAX, .older_ms = 36 * 3600 * 1000, .gone = on_gone, .arg = &gone
	};
	struct machine_template used_now = MACHINE_TEMPLATE_INIT;

	make(KEY_A, 1 << 20);
	make(KEY_B, 1 << 20);
	used(state, KEY_A, 2);
	used(state, KEY_B, 2);
	assert_int_equal(machine_template_open(KEY_A, &used_now, NULL), 0);
	machine_template_release(&used_now);
	assert_int_equal(machine_templates_trim(&t, NULL), 0);
	assert_string_equal(buf_str(&gone), "b");
}

static void one_that_is_being_made_anew_is_left_alone(void **state)
{
	struct machine_trim t = { .max_bytes = 0 };
	struct machine_template mine = MACHINE_TEMPLATE_INIT;

	assert_int_equal(machine_template_begin(KEY_A, 4, &mine, NULL), 0);
	assert_int_equal(machine_templates_trim(&t, NULL), 0);
	buf_adds(&mine.hello, "hello");
	assert_int_equal(machine_template_commit(&mine, NULL), 0);
	machine_template_release(&mine);
	assert_int_equal(machine_template_open(KEY_A, &mine, NULL), 0);
	machine_template_release(&mine);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, in_cache, folder_remove)
	const struct CMUnitTest tests[] = {
		T(what_was_kept_is_there_and_sparse_and_read_only),
		T(one_that_is_not_there_is_not_an_error_of_its_own),
		T(one_makes_it_while_others_are_told_to_wait),
		T(one_that_is_given_up_leaves_nothing),
		T(what_a_killed_process_left_is_swept),
		T(memory_that_was_written_to_is_refused),
		T(memory_of_another_length_is_refused),
		T(a_state_that_was_changed_is_refused),
		T(an_entry_without_a_part_is_refused),
		T(the_entry_of_another_key_is_refused),
		T(one_that_goes_while_it_is_in_use_stays_readable),
		T(the_longest_unused_go_first),
		T(those_unused_for_long_go),
		T(one_that_is_being_made_anew_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
