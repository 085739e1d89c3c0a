/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/text.h"
#include "harness.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SH(text)  ARGV("sh", "-c", text)

static void output_error_and_status_are_gathered(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT, in = BUF_INIT;
	int status = -1;

	buf_adds(&in, "input");
	assert_int_equal(proc_capture(SH("cat; echo problem >&2; exit 3"), &in, &out, &err, 10000,
				 &status, NULL),
		0);
	assert_string_equal(buf_str(&out), "input");
	assert_string_equal(buf_str(&err), "problem\n");
	assert_int_equal(WEXITSTATUS(status), 3);
}

static void a_child_that_reads_no_input_harms_nobody(void **state)
{
	_cleanup_buf_ struct buf in = BUF_INIT;
	int status = -1;

	buf_reserve(&in, 1 << 20);
	memset(in.data, 'x', 1 << 20);
	in.len = 1 << 20;
	assert_int_equal(proc_capture(ARGV("true"), &in, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(status, 0);
	assert_int_equal(
		proc_capture(SH("read x; test -z \"$x\""), NULL, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(status, 0);
}

static void much_output_comes_whole_and_too_much_is_an_error(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(
		proc_capture(SH("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"), NULL,
			&out, &err, 0, NULL, NULL),
		0);
	assert_int_equal(out.len, 3000000);
	assert_int_equal(err.len, 3000000);
	buf_clear(&out);
	assert_int_equal(
		proc_capture(ARGV("cat", "/dev/zero"), NULL, &out, NULL, 0, NULL, &e), -EFBIG);
	assert_non_null(strstr(err_text(&e), "16 MiB"));
	err_release(&e);
}

static void a_child_beyond_its_time_is_killed(void **state)
{
	struct err e = ERR_INIT;
	int64_t start = clock_ms();

	assert_int_equal(
		proc_capture(ARGV("sleep", "100"), NULL, NULL, NULL, 30, NULL, &e), -ETIMEDOUT);
	assert_true(clock_ms() - start < 50000);
	assert_non_null(strstr(err_text(&e), "sleep did not end within 30 ms"));
	err_release(&e);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
}

static void a_grandchild_that_keeps_the_output_open_is_not_awaited(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int64_t start = clock_ms();
	int status;

	assert_int_equal(
		proc_capture(SH("sleep 30 & echo $!"), NULL, &out, NULL, 0, &status, NULL), 0);
	assert_true(clock_ms() - start < 20000);
	assert_true(atoi(buf_str(&out)) > 1);
	kill(atoi(buf_str(&out)), SIGKILL);
}

static void a_program_that_cannot_start_is_told_at_once(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "data");
	struct proc_spec spec = { .argv = ARGV("no-such-program-here") };
	struct proc p = PROC_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(proc_spawn(&spec, &p, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "no-such-program-here"));
	assert_non_null(e.hint);
	spec.argv = ARGV("/nonexistent/x");
	assert_int_equal(proc_spawn(&spec, &p, &e), -ENOENT);
	assert_string_equal(
		err_text(&e), "cannot execute /nonexistent/x: No such file or directory");
	file_put(path, "data", 4);
	spec.argv = ARGV(path);
	assert_int_equal(proc_spawn(&spec, &p, &e), -EACCES);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(proc_spawn(&spec, &p, &e), -ENOEXEC);
	spec.argv = ARGV("true");
	spec.cwd = "/nonexistent";
	assert_int_equal(proc_spawn(&spec, &p, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "folder /nonexistent"));
	spec.cwd = NULL;
	spec.fds = &(struct proc_fd){ .fd = 987654, .child = 3 };
	spec.n_fds = 1;
	assert_int_equal(proc_spawn(&spec, &p, &e), -EBADF);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	err_release(&e);
}

/* Runs the shell with SPEC's rest and the output on descriptor 1 of N_FDS more; to its end. */
static void run(
	struct proc_spec *spec, struct proc_fd *fds, size_t n, const char *script, struct buf *out)
{
	struct proc p = PROC_INIT;
	int ends[2], status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fds[n] = (struct proc_fd){ ends[1], 1 };
	spec->argv = SH(script);
	spec->fds = fds;
	spec->n_fds = n + 1;
	assert_int_equal(proc_spawn(spec, &p, NULL), 0);
	close(ends[1]);
	assert_int_equal(buf_read_all(out, ends[0], 1 << 20), 0);
	close(ends[0]);
	poll(&(struct pollfd){ .fd = p.pidfd, .events = POLLIN }, 1, -1);
	assert_int_equal(proc_reap(&p, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(proc_reap(&p, &status), -ECHILD);
}

static void swapped_descriptors_reach_their_numbers(void **state)
{
	int a = fd_memfd("a", "A", 1), b = fd_memfd("b", "B", 1), c = fd_memfd("c", "C", 1);
	struct proc_fd fds[8] = { { a, b }, { b, a }, { c, c }, { a, 8 } };
	_cleanup_free_ char *script = xasprintf(
		"head -c1 <&%d; head -c1 <&%d; head -c1 <&%d; cat /proc/self/fd/8", a, b, c);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proc_spec spec = { 0 };

	assert_true(a < 8 && b < 8 && c < 8); /* one digit, for the shell */
	run(&spec, fds, 4, script, &out);
	assert_string_equal(buf_str(&out), "BACA");
	fd_close(a);
	fd_close(b);
	fd_close(c);
}

static void no_other_descriptor_is_inherited(void **state)
{
	int leak = fcntl(fd_memfd("leak", "", 0), F_DUPFD, 100);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proc_fd fds[2];
	struct proc_spec spec = { 0 };

	assert_true(leak >= 100);
	run(&spec, fds, 0,
		"i=3; while [ $i -lt 110 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done;"
		"cd /proc/$$/fd; readlink 0 2",
		&out);
	assert_string_equal(buf_str(&out), "/dev/null\n/dev/null\n");
	fd_close(leak);
}

static void folder_environment_and_session_are_as_asked(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proc_fd fds[2];
	struct proc_spec spec = { .cwd = "/", .envp = ARGV("ONLY=this"), .new_session = true };

	run(&spec, fds, 0, "/bin/pwd; echo $ONLY$HOME; cut -d' ' -f1,6 /proc/$$/stat", &out);
	assert_true(str_starts(buf_str(&out), "/\nthis\n"));
	{
		int pid = -1, session = -2;

		assert_int_equal(sscanf(buf_str(&out) + 7, "%d %d", &pid, &session), 2);
		assert_int_equal(pid, session);
	}
}

static void count(void *arg, int signo)
{
	++*(int *)arg;
}

static void children_start_with_the_first_mask_and_default_handlers(void **state)
{
	_cleanup_loop_ struct loop *l = loop_new();
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proc_fd fds[2];
	struct proc_spec spec = { 0 };
	int n = 0;

	loop_signal_add(l, SIGTERM, count, &n);
	loop_signal_add(l, SIGCHLD, count, &n);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	run(&spec, fds, 0, "grep -E '^Sig(Blk|Ign)' /proc/self/status", &out);
	assert_string_equal(
		buf_str(&out), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static void an_ignored_sigchld_loses_no_status(void **state)
{
	int status = -1;

	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(proc_capture(SH("exit 5"), NULL, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(WEXITSTATUS(status), 5);
}

static void reaping_waits_for_nothing_and_killing_leaves_nothing(void **state)
{
	struct proc_spec spec = { .argv = ARGV("sleep", "100") };
	struct proc p = PROC_INIT;
	int status;

	proc_kill(&p);
	assert_int_equal(proc_spawn(&spec, &p, NULL), 0);
	assert_int_equal(proc_reap(&p, &status), -EAGAIN);
	proc_kill(&p);
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_child_dies_with_a_parent_that_is_killed(void **state)
{
	struct proc_spec spec = { .argv = ARGV("sleep", "100") };
	struct proc_fd fd;
	struct pollfd wait;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct proc p = PROC_INIT;

		fd = (struct proc_fd){ ends[1], 5 };
		spec.fds = &fd;
		spec.n_fds = 1;
		if (proc_spawn(&spec, &p, NULL) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	close(ends[1]);
	wait = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	assert_int_equal(poll(&wait, 1, 20000), 1); /* the sleeper held the other end */
	assert_true(wait.revents & POLLHUP);
	waitpid(pid, NULL, 0);
	close(ends[0]);
}

static void statuses_are_described(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	proc_describe_status(&b, W_EXITCODE(3, 0));
	buf_addc(&b, '|');
	proc_describe_status(&b, W_EXITCODE(0, SIGKILL));
	buf_addc(&b, '|');
	proc_describe_status(&b, W_EXITCODE(0, 40));
	assert_string_equal(buf_str(&b), "exit code 3|signal 9 (SIGKILL)|signal 40");
	assert_string_equal(signal_name(SIGSEGV), "SIGSEGV");
	assert_string_equal(signal_name(40), "signal 40");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_error_and_status_are_gathered),
		cmocka_unit_test(a_child_that_reads_no_input_harms_nobody),
		cmocka_unit_test(much_output_comes_whole_and_too_much_is_an_error),
		cmocka_unit_test(a_child_beyond_its_time_is_killed),
		cmocka_unit_test(a_grandchild_that_keeps_the_output_open_is_not_awaited),
		in_folder(a_program_that_cannot_start_is_told_at_once),
		cmocka_unit_test(swapped_descriptors_reach_their_numbers),
		cmocka_unit_test(no_other_descriptor_is_inherited),
		cmocka_unit_test(folder_environment_and_session_are_as_asked),
		cmocka_unit_test(children_start_with_the_first_mask_and_default_handlers),
		cmocka_unit_test(an_ignored_sigchld_loses_no_status),
		cmocka_unit_test(reaping_waits_for_nothing_and_killing_leaves_nothing),
		cmocka_unit_test(a_child_dies_with_a_parent_that_is_killed),
		cmocka_unit_test(statuses_are_described),
	};

	return cmocka_run_group_tests_name("base/proc", tests, NULL, NULL);
}
