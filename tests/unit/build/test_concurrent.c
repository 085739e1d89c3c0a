/* SPDX-License-Identifier: MIT */
/* Builds beside each other, and builds that are killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/cache.h"
#include "tree.h"

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wait_for_steps(const char *dir, size_t n)
{
	for (int i = 0; i < 3000 && tree_steps(dir) < n; i++)
		usleep(10000);
	assert_true(tree_steps(dir) >= n);
}

static size_t count_entries(void)
{
	struct cache_entry *entries;
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	size_t n;

	assert_int_equal(cache_scan(&entries, &n, &damaged, NULL), 0);
	cache_entries_free(entries, n);
	assert_int_equal(damaged.n, 0);
	return n;
}

static void eight_processes_make_one_build_and_eight_successes(void **state)
{
	pid_t pids[8];

	tree_slow(*state, "0.02");
	for (int i = 0; i < 8; i++)
		pids[i] = tree_build_apart(*state);
	for (int i = 0; i < 8; i++)
		assert_int_equal(wait_for(pids[i]), 0);
	assert_int_equal(tree_steps(*state), TREE_STEPS);
	assert_int_equal(count_entries(), 1);
}

/* Nobody has the build folder's lock any more: make and all its children are gone. */
static void expect_nothing_left(const char *dir)
{
	size_t before;

	usleep(300000);
	before = tree_steps(dir);
	usleep(700000);
	assert_int_equal(tree_steps(dir), before);
}

static void a_signal_ends_make_and_what_was_compiled_is_kept(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM };
	pid_t pid;

	tree_slow(*state, "0.2");
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		size_t before = tree_steps(*state);

		pid = tree_build_apart(*state);
		wait_for_steps(*state, before + 4);
		kill(pid, signals[i]);
		assert_int_equal(wait_for(pid), 2);
		expect_nothing_left(*state);
		assert_true(tree_steps(*state) < TREE_STEPS);
	}
	pid = tree_build_apart(*state);
	assert_int_equal(wait_for(pid), 0);
	/* those that were killed in the midst were begun anew: at most four at each signal */
	assert_true(tree_steps(*state) <= TREE_STEPS + 8);
	assert_int_equal(count_entries(), 1);
}

/* Of the only entry. */
static int64_t recorded_steps(void)
{
	struct cache_entry *v;
	int64_t steps;
	size_t n;

	assert_int_equal(cache_scan(&v, &n, NULL, NULL), 0);
	assert_int_equal(n, 1);
	steps = v[0].built.steps;
	cache_entries_free(v, n);
	return steps;
}

/* In the log of the only entry. */
static size_t count_in_log(const char *text)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf log = BUF_INIT;
	struct cache_entry *v;
	size_t n, found = 0;

	assert_int_equal(cache_scan(&v, &n, NULL, NULL), 0);
	assert_int_equal(n, 1);
	path = path_join(v[0].dir, "build.log");
	cache_entries_free(v, n);
	assert_int_equal(file_read(path, 1 << 20, &log, NULL), 0);
	for (const char *s = buf_str(&log); (s = strstr(s, text)); s++)
		found++;
	return found;
}

static void a_build_killed_without_a_word_is_resumed(void **state)
{
	pid_t pid;

	tree_slow(*state, "0.2");
	pid = tree_build_apart(*state);
	wait_for_steps(*state, 4);
	kill(pid, SIGKILL);
	assert_int_equal(wait_for(pid), 128 + SIGKILL);
	pid = tree_build_apart(*state);
	assert_int_equal(wait_for(pid), 0);
	assert_true(tree_steps(*state) <= TREE_STEPS + 8);
	assert_int_equal(count_entries(), 1);
	/* What the second one did is not what it takes. */
	assert_int_equal(recorded_steps(), 0);
	/* and its log goes on behind that of the first, which had no end */
	assert_int_equal(count_in_log("\n$ "), count_in_log("# make ended with exit code 0") + 1);
}

/* Wherever the store is interrupted: there is an entry, or there is none. */
static void sigkill_in_the_midst_of_a_store_leaves_no_half_entry(void **state)
{
	for (int turn = 0; turn < 12; turn++) {
		_cleanup_free_ char *commit = xasprintf("int turn_%d;\n", turn);
		_cleanup_free_ char *mark = path_join(*state, "storing");
		_cleanup_free_ char *script =
			xasprintf(": > '%s'; sleep 0.02; cp \"$2\" \"$3\"\n", mark);
		pid_t pid;

		lay(*state, "linux/init/main.c", commit);
		tree_commit(*state);
		/* stripping is a part of storing */
		put_program(*state, "objcopy", script);
		pid = tree_build_apart(*state);
		for (int i = 0; i < 3000 && !exists(*state, "storing"); i++)
			usleep(1000);
		usleep((useconds_t)turn * 4000);
		kill(pid, SIGKILL);
		wait_for(pid);
		count_entries();
		assert_int_equal(wait_for(tree_build_apart(*state)), 0);
		assert_int_equal(count_entries(), (size_t)turn + 1);
		assert_int_equal(count_names(*state, "cache/kernels", ".tmp"), 0);
		unlink(mark);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(eight_processes_make_one_build_and_eight_successes),
		in_tree(a_signal_ends_make_and_what_was_compiled_is_kept),
		in_tree(a_build_killed_without_a_word_is_resumed),
		in_tree(sigkill_in_the_midst_of_a_store_leaves_no_half_entry),
	};

	return cmocka_run_group_tests_name("builds beside each other", tests, NULL, NULL);
}
