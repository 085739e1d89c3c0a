/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "harness.h"

static void shared_locks_go_together_and_exclude_an_exclusive_one(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "lock");
	int a = lock_take(path, true, clock_ms(), NULL),
	    b = lock_take(path, true, CLOCK_NEVER, NULL), c;

	assert_true(a >= 0);
	assert_true(b >= 0);
	assert_int_equal(lock_take(path, false, clock_ms() + 5, NULL), -ETIMEDOUT);
	fd_close(a);
	fd_close(b);
	c = lock_take(path, false, clock_ms(), NULL);
	assert_true(c >= 0);
	fd_close(c);
	assert_true(file_exists(path));
}

static void the_holder_is_named(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "lock"), *pid = NULL;
	int fd = lock_take(path, false, CLOCK_NEVER, NULL);
	struct err e = ERR_INIT;

	assert_true(fd >= 0);
	assert_int_equal(lock_take(path, false, clock_ms() - 1, &e), -ETIMEDOUT);
	assert_non_null(strstr(err_text(&e), path));
	if (access("/proc/locks", R_OK) == 0) {
		pid = xasprintf("process %d (", (int)getpid());
		assert_non_null(strstr(err_text(&e), pid));
		assert_non_null(strstr(err_text(&e), "lock"));
	}
	err_release(&e);
	fd_close(fd);
}

static void the_lock_goes_with_its_holder(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "lock");
	int ready[2], fd;
	char c;
	pid_t pid;

	assert_int_equal(fd_socketpair(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (lock_take(path, false, CLOCK_NEVER, NULL) >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(lock_take(path, true, clock_ms() + 20, NULL), -ETIMEDOUT);
	kill(pid, SIGKILL);
	fd = lock_take(path, false, clock_ms() + 10000, NULL);
	assert_true(fd >= 0);
	fd_close(fd);
	waitpid(pid, NULL, 0);
	fd_close(ready[0]);
	fd_close(ready[1]);
}

static void a_lock_in_no_folder_is_an_error(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(lock_take("/nonexistent/lock", false, CLOCK_NEVER, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "/nonexistent/lock"));
	err_release(&e);
}

static void who_waited_for_a_lock_that_was_removed_holds_the_one_that_is_there(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "lock");
	int held = lock_take(path, false, CLOCK_NEVER, NULL), ready[2];
	struct stat st;
	char c;
	pid_t pid;

	assert_true(held >= 0);
	assert_int_equal(fd_socketpair(ready), 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		fd_close(held); /* its copy would hold the lock */
		fd = lock_take(path, false, CLOCK_NEVER, NULL);
		if (fd >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	/* It waits, or will find the lock gone: both must end well. */
	usleep(20000);
	lock_remove(path, held);
	fd_close(held);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(lock_take(path, false, clock_ms(), NULL), -ETIMEDOUT);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd_close(ready[0]);
	fd_close(ready[1]);
}

/* Exits 0 unless somebody else was inside at the same time. */
static void enter_often(const char *lock, const char *inside)
{
	for (int i = 0; i < 300; i++) {
		int fd = lock_take(lock, false, CLOCK_NEVER, NULL);
		int in = open(inside, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0600);

		if (fd < 0 || in < 0)
			_exit(1);
		close(in);
		unlink(inside);
		if (i % 3)
			lock_remove(lock, fd);
		close(fd);
	}
	_exit(0);
}

static void locks_that_are_removed_all_the_time_let_one_in(void **state)
{
	_cleanup_free_ char *lock = path_join(*state, "lock"),
			    *inside = path_join(*state, "inside");
	pid_t pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			enter_often(lock, inside);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(shared_locks_go_together_and_exclude_an_exclusive_one),
		in_folder(the_holder_is_named),
		in_folder(the_lock_goes_with_its_holder),
		in_folder(who_waited_for_a_lock_that_was_removed_holds_the_one_that_is_there),
		in_folder(locks_that_are_removed_all_the_time_let_one_in),
		cmocka_unit_test(a_lock_in_no_folder_is_an_error),
	};

	return cmocka_run_group_tests_name("base/lock", tests, NULL, NULL);
}
