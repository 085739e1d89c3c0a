/* SPDX-License-Identifier: MIT */
#include <signal.h>
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(shared_locks_go_together_and_exclude_an_exclusive_one),
		in_folder(the_holder_is_named),
		in_folder(the_lock_goes_with_its_holder),
		cmocka_unit_test(a_lock_in_no_folder_is_an_error),
	};

	return cmocka_run_group_tests_name("base/lock", tests, NULL, NULL);
}
