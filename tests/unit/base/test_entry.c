/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/clock.h"
#include "base/entry.h"
#include "base/lock.h"
#include "harness.h"

/* STATE/NAME with a file, and its lock; the caller owns the path. */
static char *entry(void **state, const char *name)
{
	char *dir = path_join(*state, name);
	_cleanup_free_ char *file = path_join(dir, "file"), *lock = xasprintf("%s.lock", dir);

	assert_int_equal(dir_make(dir, 0755, NULL), 0);
	file_put(file, "x", 1);
	file_put(lock, "", 0);
	return dir;
}

static void an_entry_goes_with_its_lock(void **state)
{
	_cleanup_free_ char *dir = entry(state, "a"), *lock = path_join(*state, "a.lock");

	assert_int_equal(entry_remove(dir, true, NULL), 0);
	assert_true(dir_exists(dir) && file_exists(lock));
	assert_int_equal(entry_remove(dir, false, NULL), 0);
	assert_false(dir_exists(dir) || file_exists(lock));
	assert_int_equal(entry_remove(dir, false, NULL), 0);
	assert_int_equal(entry_hold(dir, NULL), -ENOENT);
}

static void one_that_is_used_or_made_stays(void **state)
{
	_cleanup_free_ char *dir = entry(state, "a"), *lock = path_join(*state, "a.lock");
	int held = entry_hold(dir, NULL), also = entry_hold(dir, NULL);

	assert_true(held >= 0 && also >= 0);
	assert_int_equal(entry_remove(dir, false, NULL), 1);
	assert_int_equal(entry_remove(dir, true, NULL), 1);
	fd_close(held);
	assert_int_equal(entry_remove(dir, false, NULL), 1);
	fd_close(also);
	held = lock_take(lock, false, CLOCK_NEVER, NULL);
	assert_int_equal(entry_remove(dir, false, NULL), 1);
	assert_true(dir_exists(dir));
	fd_close(held);
	assert_int_equal(entry_remove(dir, false, NULL), 0);
}

static void locks_of_nothing_that_nobody_holds_are_swept(void **state)
{
	_cleanup_free_ char *dir = entry(state, "a");
	_cleanup_free_ char *made = path_join(*state, "b.tmp");
	_cleanup_free_ char *made_lock = path_join(*state, "b.lock");
	_cleanup_free_ char *busy = path_join(*state, "c.lock"),
			    *orphan = path_join(*state, "d.lock");
	_cleanup_free_ char *lock = path_join(*state, "a.lock");
	int held = lock_take(busy, false, CLOCK_NEVER, NULL);

	assert_int_equal(dir_make(made, 0755, NULL), 0);
	file_put(made_lock, "", 0);
	file_put(orphan, "", 0);
	assert_int_equal(entry_sweep_locks(*state, true), 1);
	assert_true(file_exists(orphan));
	assert_int_equal(entry_sweep_locks(*state, false), 1);
	assert_false(file_exists(orphan));
	assert_true(dir_exists(dir));
	assert_true(file_exists(lock) && file_exists(made_lock) && file_exists(busy));
	fd_close(held);
	assert_int_equal(entry_sweep_locks(*state, false), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(an_entry_goes_with_its_lock),
		in_folder(one_that_is_used_or_made_stays),
		in_folder(locks_of_nothing_that_nobody_holds_are_swept),
	};

	return cmocka_run_group_tests_name("base/entry", tests, NULL, NULL);
}
