/* SPDX-License-Identifier: MIT */
/* Runs that do not come to their own end: signals, limits, full disks; and going on with them. */
#include "run_harness.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "suite/run_dir.h"

static const char interrupted[] = "tests:\n"
				  "  - {name: a, run: [x]}\n"
				  "  - {name: b, run: [signal=15, hang]}\n"
				  "  - {name: c, run: [x]}\n";
static const char mended[] = "tests:\n"
			     "  - {name: a, run: [x]}\n"
			     "  - {name: b, run: [x]}\n"
			     "  - {name: c, run: [x]}\n";

static void signal_ends_the_run_with_what_was_finished(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run_with(interrupted, (struct run_options){ .jobs = 1 });
	_cleanup_free_ char *info = get_file("out/run.json"), *tap = get_file("out/results.tap");

	assert_int_equal(o.code, 128 + SIGTERM);
	assert_int_equal(o.records.n, 1);
	expect_verdict(&o, "a", VERDICT_PASS, true);
	assert_non_null(strstr(o.out, "stopped by SIGTERM"));
	assert_non_null(strstr(o.out, "test --resume out"));
	assert_non_null(strstr(info, "\"complete\": false"));
	/* A plan that is not met: nobody who reads the report alone takes it for a success. */
	assert_non_null(strstr(tap, "Bail out!"));
	assert_true(file_exists("out/junit.xml"));
}

static void signal_cancels_all_that_runs_side_by_side(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with("tests:\n"
						      "  - {name: a, run: [hang]}\n"
						      "  - {name: b, run: [hang]}\n"
						      "  - {name: c, run: [signal=2, hang]}\n",
		(struct run_options){ .jobs = 3 });

	assert_int_equal(o.code, 128 + SIGINT);
	assert_int_equal(o.records.n, 0);
	assert_int_equal(fake.started, 3);
}

static void second_signal_ends_the_process_at_once(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		run_with(
			"tests: [{name: a, run: [signal=2, stubborn]}, {name: b, run: [signal=15, stubborn]}]\n",
			(struct run_options){ .jobs = 2 });
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT);
}

static void limit_of_the_whole_run_stops_it(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with(
		"tests: [{name: a, run: [x]}, {name: b, run: [hang]}, {name: c, run: [x]}]\n",
		(struct run_options){ .jobs = 1, .total_ms = 500 });

	assert_int_equal(o.code, 1);
	assert_int_equal(o.records.n, 1);
	assert_non_null(strstr(o.out, "the limit of the whole run, 500 ms, ran out"));
}

/* ---- going on ---- */

static void resume_runs_only_what_has_no_record(void **state)
{
	_cleanup_outcome_ struct outcome first =
		run_with(interrupted, (struct run_options){ .jobs = 1 });
	_cleanup_outcome_ struct outcome second =
		run_with(mended, (struct run_options){ .resume = "out" });
	_cleanup_free_ char *info = get_file("out/run.json");

	assert_int_equal(first.records.n, 1);
	assert_int_equal(second.code, 0);
	assert_int_equal(fake.started, 2);
	assert_int_equal(second.records.n, 3);
	assert_non_null(strstr(second.err, "3/3"));
	assert_non_null(strstr(info, "\"complete\": true"));
	assert_non_null(strstr(second.out, "3 cases"));
}

static void resume_drops_the_torn_record_of_a_killed_run(void **state)
{
	_cleanup_outcome_ struct outcome first =
		run_with(interrupted, (struct run_options){ .jobs = 1 });
	int fd = open("out/results.jsonl", O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(first.code, 128 + SIGTERM);
	assert_int_equal(fd_write_all(fd, "{\"schema\":1,\"id\":\"b\",\"verd", 26), 0);
	close(fd);
	_cleanup_outcome_ struct outcome second =
		run_with(mended, (struct run_options){ .resume = "out" });
	assert_int_equal(second.code, 0);
	assert_int_equal(second.records.n, 3);
}

static void resume_of_a_finished_run_tells_its_result_again(void **state)
{
	_cleanup_outcome_ struct outcome first = run("tests: [{name: a, run: [exit=1]}]\n");
	_cleanup_outcome_ struct outcome second = run_with(
		"tests: [{name: a, run: [exit=1]}]\n", (struct run_options){ .resume = "out" });

	assert_int_equal(first.code, 1);
	assert_int_equal(second.code, 1);
	assert_int_equal(fake.started, 0);
}

static void resume_keeps_the_selection(void **state)
{
	const char *const filters[] = { "!c" };
	const struct selection sel = { .filters = filters, .n_filters = 1 };
	_cleanup_outcome_ struct outcome first =
		run_with(interrupted, (struct run_options){ .jobs = 1, .selection = &sel });
	_cleanup_outcome_ struct outcome second =
		run_with(mended, (struct run_options){ .resume = "out" });

	assert_int_equal(first.code, 128 + SIGTERM);
	assert_int_equal(second.code, 0);
	assert_int_equal(second.records.n, 2);
}

static void resume_refuses_a_suite_with_other_cases(void **state)
{
	_cleanup_outcome_ struct outcome first =
		run_with(interrupted, (struct run_options){ .jobs = 1 });
	_cleanup_outcome_ struct outcome second =
		run_with("tests: [{name: a, run: [x]}, {name: z, run: [x]}, {name: c, run: [x]}]\n",
			(struct run_options){ .resume = "out" });
	_cleanup_outcome_ struct outcome third =
		run_with("tests: [{name: a, run: [x]}]\n", (struct run_options){ .resume = "out" });

	assert_int_equal(first.code, 128 + SIGTERM);
	assert_int_equal(second.code, 2);
	assert_non_null(strstr(second.error, "the suite file changed"));
	assert_int_equal(third.code, 2);
	assert_int_equal(fake.started, 0);
}

static void resume_refuses_a_run_that_goes_on_and_a_folder_without_one(void **state)
{
	_cleanup_outcome_ struct outcome first =
		run_with(interrupted, (struct run_options){ .jobs = 1 });
	struct run_dir d;

	assert_int_equal(first.code, 128 + SIGTERM);
	assert_int_equal(run_dir_open("out", &d, NULL), 0);
	_cleanup_outcome_ struct outcome second =
		run_with(mended, (struct run_options){ .resume = "out" });
	run_dir_release(&d);
	_cleanup_outcome_ struct outcome third =
		run_with(mended, (struct run_options){ .resume = "nowhere" });
	assert_int_equal(second.code, EXIT_INFRA);
	assert_non_null(strstr(second.error, "another vmrig writes to out"));
	assert_int_equal(third.code, 2);
}

/* ---- folders ---- */

static void folder_that_holds_a_run_is_not_overwritten(void **state)
{
	_cleanup_outcome_ struct outcome first = run("tests: [{name: a, run: [x]}]\n");
	_cleanup_outcome_ struct outcome second = run("tests: [{name: a, run: [x]}]\n");

	assert_int_equal(first.code, 0);
	assert_int_equal(second.code, 2);
	assert_non_null(strstr(second.error, "out holds a run already"));
	assert_int_equal(second.records.n, 1);
}

static void sixteen_runs_at_once_in_one_folder_do_not_meet(void **state)
{
	pid_t pids[16];
	struct run_dir d;

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			bool fine = true;

			/* Three each, so that one process meets itself in one second too. */
			for (int k = 0; k < 3; k++) {
				fine = fine && run_dir_make(NULL, &d, NULL) == 0;
				if (fine)
					run_dir_release(&d);
			}
			_exit(!fine);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_true(file_exists("vmrig-results/latest/results.jsonl"));
	assert_int_equal(system("test $(ls vmrig-results | grep -vc latest) = 48"), 0);
	assert_int_equal(system("test -z \"$(ls -A vmrig-results | grep '^\\.')\""), 0);
}

/* ---- disks ---- */

/* Runs with files limited to BYTES: what a full disk says, without one. */
static struct outcome run_limited(const char *text, struct run_options o, rlim_t bytes)
{
	struct rlimit was, now;
	struct outcome ret;

	getrlimit(RLIMIT_FSIZE, &was);
	now = was;
	now.rlim_cur = bytes;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &now);
	ret = run_with(text, o);
	setrlimit(RLIMIT_FSIZE, &was);
	return ret;
}

static void record_that_cannot_be_kept_stops_the_run_and_is_no_pass(void **state)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "tests:\n");
	for (int i = 0; i < 40; i++)
		buf_addf(&b, "- {name: t%d, run: [x]}\n", i);
	_cleanup_outcome_ struct outcome o =
		run_limited(b.data, (struct run_options){ .jobs = 1 }, 4000);
	assert_int_equal(o.code, EXIT_INFRA);
	assert_non_null(strstr(o.error, "could not be kept"));
	assert_true(o.records.n > 0 && o.records.n < 20);
	assert_true(fake.started == o.records.n + 1);
	for (size_t i = 0; i < o.records.n; i++)
		assert_int_equal(o.records.v[i].verdict, VERDICT_PASS);
	buf_release(&b);
}

static void output_that_cannot_be_kept_stops_the_run(void **state)
{
	_cleanup_outcome_ struct outcome o =
		run_limited("tests: [{name: a, run: [flood=100000]}, {name: b, run: [x]}]\n",
			(struct run_options){ .jobs = 1 }, 40000);

	assert_int_equal(o.code, EXIT_INFRA);
	assert_non_null(strstr(o.error, "cases/a/stdout"));
	assert_int_equal(o.records.n, 0);
	assert_int_equal(fake.started, 1);
}

static void reader_of_json_that_goes_away_stops_the_run(void **state)
{
	struct suite *s = suite_of("tests: [{name: a, run: [x]}, {name: b, run: [hang]}]\n");
	struct run_options o = { .output = "out", .json = true, .jobs = 2 };
	struct err e = ERR_INIT;
	int pipe_fds[2], out, err, code;

	assert_int_equal(pipe(pipe_fds), 0);
	close(pipe_fds[0]);
	fake_reset();
	out = divert(STDOUT_FILENO, "/dev/null");
	err = divert(STDERR_FILENO, "stderr.txt");
	dup2(pipe_fds[1], STDOUT_FILENO);
	code = suite_run(s, &o, &e);
	divert_back(STDOUT_FILENO, out);
	divert_back(STDERR_FILENO, err);
	close(pipe_fds[1]);
	assert_int_equal(code, 128 + SIGPIPE);
	err_release(&e);
	suite_free(s);
}

static void reports_to_a_full_device_are_an_error_of_the_rig(void **state)
{
	_cleanup_outcome_ struct outcome o = run_with("tests: [{name: a, run: [x]}]\n",
		(struct run_options){ .junit = "no/such/folder/x.xml" });

	assert_int_equal(o.code, EXIT_INFRA);
	assert_non_null(strstr(o.error, "no/such/folder"));
	expect_verdict(&o, "a", VERDICT_PASS, true);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(signal_ends_the_run_with_what_was_finished),
		CASE(signal_cancels_all_that_runs_side_by_side),
		CASE(second_signal_ends_the_process_at_once),
		CASE(limit_of_the_whole_run_stops_it),
		CASE(resume_runs_only_what_has_no_record),
		CASE(resume_drops_the_torn_record_of_a_killed_run),
		CASE(resume_of_a_finished_run_tells_its_result_again),
		CASE(resume_keeps_the_selection),
		CASE(resume_refuses_a_suite_with_other_cases),
		CASE(resume_refuses_a_run_that_goes_on_and_a_folder_without_one),
		CASE(folder_that_holds_a_run_is_not_overwritten),
		CASE(sixteen_runs_at_once_in_one_folder_do_not_meet),
		CASE(record_that_cannot_be_kept_stops_the_run_and_is_no_pass),
		CASE(output_that_cannot_be_kept_stops_the_run),
		CASE(reader_of_json_that_goes_away_stops_the_run),
		CASE(reports_to_a_full_device_are_an_error_of_the_rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
