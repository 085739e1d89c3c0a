/* SPDX-License-Identifier: MIT */
/* The row of commands, their ends, their input, and signals to them. */
#include <signal.h>
#include <sys/stat.h>

#include "rig.h"

/* Command I runs and exits with CODE. */
static void run(size_t i, int code)
{
	expect_exec(i);
	say_started(i);
	say_exited(i, code);
}

static void to_commands(size_t n, bool always_last)
{
	use_commands(n, always_last);
	reach(AT_MOUNT);
	say_done(ID_ROOT, 0, "");
}

static void goodbye(void)
{
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
}

static void commands_run_one_after_the_other(void **state)
{
	to_commands(3, true);
	run(0, 0);
	run(1, 0);
	run(2, 0);
	goodbye();
	expect_events("ready started:0 started:1 started:2 done");
}

/* ---- where a command lies ---- */

/* The last field of EXEC for command I, as it comes now. */
static void expect_program(size_t i, const char *program)
{
	struct wire_dec d;
	char **v, *text;
	size_t n;

	expect_exec(i);
	dec_init(&d, &rig.got);
	dec_u32(&d);
	for (int strvs = 0; strvs < 2; strvs++) {
		v = dec_strv(&d, &n);
		for (size_t k = 0; k < n; k++)
			free(v[k]);
		free(v);
	}
	free(dec_str(&d));
	free(dec_str(&d));
	dec_u8(&d);
	text = dec_str(&d);
	assert_string_equal(text, program);
	free(text);
	assert_int_equal(dec_end(&d), 0);
}

static char *make_tool(const char *folder, int mode)
{
	_cleanup_free_ char *dir = path_join(rig.dir, folder);
	char *path = path_join(dir, "tool");
	FILE *f;

	assert_int_equal(mkdir(dir, 0755), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(path, (mode_t)mode), 0);
	return path;
}

/* A job of two commands "tool" with that PATH up to the first EXEC, whose program is to be PROGRAM. */
static void look(const char *path, const char *root, const char *user, const char *program)
{
	static const char *const argv[] = { "tool", NULL };
	_cleanup_free_ char *variable = xasprintf("PATH=%s", path);
	const char *const env[] = { "HOME=/", variable, NULL };

	rig_again();
	use_commands(2, false);
	for (int i = 0; i < 2; i++) {
		rig.commands[i].argv = argv;
		rig.commands[i].env = env;
		rig.commands[i].user = user;
	}
	rig.plan->root_dir = root ? xstrdup(root) : NULL;
	start();
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect_program(0, program);
	say_started(0);
	say_exited(0, 0);
	expect_program(1, ""); /* the first one may have put another there */
	say_started(1);
	say_exited(1, 0);
	goodbye();
}

static void the_first_command_is_looked_for_on_this_machine_where_its_root_is_the_guests(
	void **state)
{
	_cleanup_free_ char *good = make_tool("good", 0755);
	_cleanup_free_ char *path =
		xasprintf("/no/such:%s/plain:%s/good:%s/later", rig.dir, rig.dir, rig.dir);
	_cleanup_free_ char *here = xasprintf("/no/such::%s/good", rig.dir);
	_cleanup_free_ char *relative = xasprintf("bin:%s/good", rig.dir);

	free(make_tool("plain", 0644));
	free(make_tool("later", 0755));
	look(path, "/", NULL, good);
	look(path, "/", "nobody", "");
	look(path, rig.dir, NULL, "");
	look(path, NULL, NULL, "");
	look(here, "/", NULL, "");
	look(relative, "/", NULL, "");
	look("/no/such", "/", NULL, "");
	look("", "/", NULL, "");
}

/* ---- the row ---- */

static void the_teardown_runs_though_the_test_failed(void **state)
{
	to_commands(3, true);
	run(0, 0);
	run(1, 1);
	run(2, 0);
	goodbye();
	assert_int_equal(rig.report->exits[1].code, 1);
}

static void the_teardown_alone_runs_when_the_setup_failed(void **state)
{
	to_commands(3, true);
	run(0, 1);
	run(2, 0);
	goodbye();
	assert_false(rig.report->exits[1].started);
	assert_true(rig.report->exits[2].ended);
}

static void the_teardown_runs_though_the_test_cannot_be_executed(void **state)
{
	to_commands(3, true);
	run(0, 0);
	expect_exec(1);
	say_done(ID_COMMAND + 1, -ENOENT, "cannot execute foo");
	run(2, 0);
	goodbye();
	assert_int_equal(rig.report->exits[1].exec_error, ENOENT);
	assert_string_equal(rig.report->exits[1].exec_text, "cannot execute foo");
	assert_false(rig.report->exits[1].started || rig.report->exits[1].ended);
}

static void a_signal_fails_a_command_as_a_code_does(void **state)
{
	to_commands(3, false);
	expect_exec(0);
	say_started(0);
	say_exited_raw(ID_COMMAND, 1, SIGKILL, 10);
	goodbye();
	assert_true(rig.report->exits[0].signalled);
	assert_int_equal(rig.report->exits[0].code, SIGKILL);
	assert_false(rig.report->exits[1].started);
}

static void without_a_teardown_the_first_failure_ends_the_row(void **state)
{
	to_commands(3, false);
	run(0, 0);
	run(1, 7);
	goodbye();
	assert_false(rig.report->exits[2].started);
}

static void a_teardown_that_fails_is_not_run_again(void **state)
{
	to_commands(3, true);
	run(0, 0);
	run(1, 0);
	run(2, 9);
	goodbye();
	assert_int_equal(rig.report->exits[2].code, 9);
}

static void a_command_that_fits_no_frame_is_the_rigs_failure(void **state)
{
	static char word[70000];
	const char *const argv[] = { "program", word, NULL };

	memset(word, 'x', sizeof(word) - 1);
	rig.commands[0].argv = argv;
	reach(AT_MOUNT);
	say_done(ID_ROOT, 0, "");
	expect_infra("test: command line and environment are larger than");
	assert_int_equal(machine.stops, 1);
}

/* ---- how they end ---- */

static void an_end_without_a_start_breaks_the_channel(void **state)
{
	reach(AT_EXEC);
	say_exited(0, 0);
	expect_broken("EXITED: malformed");
	assert_false(rig.report->exits[0].ended);
}

static void output_without_a_start_breaks_the_channel(void **state)
{
	reach(AT_EXEC);
	say_output(WIRE_STDOUT, 0, "too early");
	expect_broken("STDOUT");
	expect_events("ready done");
}

static void a_second_start_breaks_the_channel(void **state)
{
	reach(AT_RUN);
	say_started(0);
	expect_broken("STARTED: malformed");
}

static void what_is_for_another_command_breaks_the_channel(void **state)
{
	static const uint32_t ids[] = { 0, ID_ROOT, ID_COMMAND + 1, ID_COMMAND - 1, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		use_commands(2, false);
		reach(AT_RUN);
		say_exited_raw(ids[i], 0, 0, 10);
		expect_broken("EXITED: for a command that does not run");
		assert_false(rig.report->exits[0].ended || rig.report->exits[1].ended);
		rig_again();
	}
}

static void a_command_ends_but_once(void **state)
{
	reach(AT_RUN);
	rig.muffled = true;
	say_exited(0, 1);
	say_exited(0, 0);
	turn();
	expect_broken("EXITED: for a command that does not run");
	assert_int_equal(rig.report->exits[0].code, 1);
}

static void an_impossible_end_breaks_the_channel(void **state)
{
	static const struct {
		uint8_t signalled;
		uint32_t code;
		uint64_t wall_us;
	} ends[] = {
		{ 0, 300, 1 },
		{ 0, 256, 1 },
		{ 0, 0xffffffff, 1 },
		{ 1, 0, 1 },
		{ 1, 65, 1 },
		{ 2, 9, 1 },
		{ 0, 0, UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		reach(AT_RUN);
		say_exited_raw(ID_COMMAND, ends[i].signalled, ends[i].code, ends[i].wall_us);
		expect_broken("EXITED: malformed");
		assert_false(rig.report->exits[0].ended);
		rig_again();
	}
}

static void an_exec_that_failed_after_it_started_breaks_the_channel(void **state)
{
	reach(AT_RUN);
	say_done(ID_COMMAND, -ENOENT, "cannot");
	expect_broken("DONE");
	rig_again();

	reach(AT_EXEC);
	say_done(ID_COMMAND, 0, "");
	expect_broken("DONE");
	assert_false(rig.report->exits[0].started);
}

/* ---- input ---- */

static char input[2 * WIRE_STDIN_WINDOW];

static void to_input(void)
{
	rig.commands[0].has_stdin = true;
	reach(AT_RUN);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW);
}

static size_t input_at_the_guest(void)
{
	size_t n = 0;

	while (n < WIRE_STDIN_WINDOW) {
		expect(WIRE_STDIN);
		if (rig.got.len == 4)
			break;
		n += rig.got.len - 4;
	}
	return n;
}

static void input_is_credited_as_the_guest_takes_it(void **state)
{
	to_input();
	job_stdin(rig.job, input, 1000);
	say_credit(ID_COMMAND, 600);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW - 400);
	say_credit(ID_COMMAND, 400);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW);
	job_stdin(rig.job, NULL, 0);
	assert_int_equal(input_at_the_guest(), 1000);
}

static void all_the_room_may_be_used_at_once(void **state)
{
	to_input();
	job_stdin(rig.job, input, WIRE_STDIN_WINDOW);
	assert_int_equal(input_at_the_guest(), WIRE_STDIN_WINDOW);
	say_credit(ID_COMMAND, WIRE_STDIN_WINDOW);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW);
}

static void credit_beyond_the_window_breaks_the_channel(void **state)
{
	static const uint32_t credits[] = { 101, WIRE_STDIN_WINDOW, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(credits); i++) {
		to_input();
		job_stdin(rig.job, input, 100);
		say_credit(ID_COMMAND, credits[i]);
		expect_broken("CREDIT");
		rig_again();
	}
}

static void credit_for_a_command_that_takes_no_input_breaks_the_channel(void **state)
{
	reach(AT_RUN);
	say_credit(ID_COMMAND, 1);
	expect_broken("CREDIT");
	assert_int_equal(rig.room, 0);
	rig_again();

	rig.commands[0].has_stdin = true;
	reach(AT_EXEC);
	say_credit(ID_COMMAND, 1);
	expect_broken("CREDIT");
	assert_int_equal(rig.room, 0);
}

static void late_credit_is_not_given_to_the_next_command(void **state)
{
	use_commands(2, false);
	rig.commands[0].has_stdin = rig.commands[1].has_stdin = true;
	reach(AT_EXEC);
	say_started(0);
	job_stdin(rig.job, input, 1000);
	say_exited(0, 0);
	say_credit(ID_COMMAND, 1000);
	say_started(1);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW);
	say_credit(ID_COMMAND, 1000);
	assert_int_equal(rig.room, WIRE_STDIN_WINDOW);
	assert_int_equal(rig.dones, 0);
}

/* Nobody tells the caller of an end. */
static void input_for_a_command_that_ended_is_dropped(void **state)
{
	use_commands(2, false);
	rig.commands[0].has_stdin = true;
	reach(AT_EXEC);
	say_started(0);
	say_exited(0, 0);
	expect_exec(1);
	job_stdin(rig.job, input, 1000);
	say_started(1);
	job_stdin(rig.job, input, 1000);
	job_stdin(rig.job, NULL, 0);
	say_exited(1, 0);
	job_stdin(rig.job, input, 1000);
	expect(WIRE_SHUTDOWN);
}

static void a_guest_that_reads_no_input_cannot_have_it_piled_up(void **state)
{
	to_input();
	for (int i = 0; i < 200 && !rig.dones; i++) {
		job_stdin(rig.job, input, rig.room);
		say_credit(ID_COMMAND, WIRE_STDIN_WINDOW);
	}
	expect_broken("CREDIT");
}

/* ---- signals ---- */

static void signals_reach_a_command_only_while_it_runs(void **state)
{
	reach(AT_EXEC);
	assert_int_equal(job_signal(rig.job, SIGINT), -ESRCH);
	say_started(0);
	assert_int_equal(job_signal(rig.job, SIGINT), 0);
	expect(WIRE_SIGNAL);
	assert_int_equal(rig.got.payload[4], SIGINT);
	say_exited(0, 0);
	assert_int_equal(job_signal(rig.job, SIGINT), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(commands_run_one_after_the_other),
		in_rig(the_teardown_runs_though_the_test_failed),
		in_rig(the_teardown_alone_runs_when_the_setup_failed),
		in_rig(the_teardown_runs_though_the_test_cannot_be_executed),
		in_rig(a_signal_fails_a_command_as_a_code_does),
		in_rig(without_a_teardown_the_first_failure_ends_the_row),
		in_rig(a_teardown_that_fails_is_not_run_again),
		in_rig(a_command_that_fits_no_frame_is_the_rigs_failure),
		in_rig(an_end_without_a_start_breaks_the_channel),
		in_rig(output_without_a_start_breaks_the_channel),
		in_rig(a_second_start_breaks_the_channel),
		in_rig(what_is_for_another_command_breaks_the_channel),
		in_rig(a_command_ends_but_once),
		in_rig(an_impossible_end_breaks_the_channel),
		in_rig(an_exec_that_failed_after_it_started_breaks_the_channel),
		in_rig(input_is_credited_as_the_guest_takes_it),
		in_rig(all_the_room_may_be_used_at_once),
		in_rig(credit_beyond_the_window_breaks_the_channel),
		in_rig(credit_for_a_command_that_takes_no_input_breaks_the_channel),
		in_rig(late_credit_is_not_given_to_the_next_command),
		in_rig(input_for_a_command_that_ended_is_dropped),
		in_rig(a_guest_that_reads_no_input_cannot_have_it_piled_up),
		in_rig(the_first_command_is_looked_for_on_this_machine_where_its_root_is_the_guests),
		in_rig(signals_reach_a_command_only_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
