/* SPDX-License-Identifier: MIT */
/* A guest that others are copied from, its copies, and every way in which they come to nothing. */
#include "rig.h"

static struct job *parked;
static int parked_fd; /* its agent's end */

static int wish_parking(void **state)
{
	int r = rig_make(state);

	rig.spec.isolate = ISOLATE_CLONE;
	rig.spec.park = true;
	parked = NULL;
	parked_fd = -1;
	return r;
}

static int forget(void **state)
{
	job_free(parked);
	fd_close(parked_fd);
	return rig_remove(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, wish_parking, forget)

static void to_the_commands(void)
{
	start();
	be_parked();
	turn();
	assert_int_equal(machine.commits, 1);
	session_anew(1);
	machine.ended = 0;
	expect(WIRE_WELCOME);
}

static void park_it(void)
{
	expect(WIRE_PARK);
	say_done(ID_PARK, 0, "");
	session_anew(0);
	say_hello();
	turn();
}

static void make_parked(void)
{
	to_the_commands();
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	park_it();
	assert_int_equal(rig.dones, 1);
	assert_true(rig.report->kept);
	assert_int_equal(machine.pauses, 1);
}

/* The job goes aside, and another begins as a copy of it. */
static void start_copy(void)
{
	parked = TAKE_PTR(rig.job);
	parked_fd = machine.fd;
	machine.fd = -1;
	rig.dones = 0;
	machine.ended = 0;
	rig.spec.park = false;
	rig.spec.copy_of = parked;
	assert_true(job_parked(parked));
	start();
}

static void run_to_the_end(void)
{
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
}

static void it_stands_still_once_its_commands_have_run(void **state)
{
	make_parked();
	assert_true(machine.last.copies && machine.last.state_fd);
	assert_true(job_parked(rig.job));
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
}

static void a_command_that_fails_does_not_keep_it_from_that(void **state)
{
	use_commands(2, false);
	to_the_commands();
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 1);
	park_it();
	assert_true(job_parked(rig.job));
}

static void a_copy_has_its_root_and_runs_its_command_at_once(void **state)
{
	make_parked();
	for (unsigned i = 1; i <= 2; i++) {
		start_copy();
		assert_int_equal(machine.copies, i);
		session_anew(1);
		expect(WIRE_WELCOME);
		run_to_the_end();
		assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
		assert_true(rig.report->bye);
		assert_string_equal(rig.report->release, "6.1.0-fake");
		assert_null(rig.report->isolate_why);
		job_free(TAKE_PTR(rig.job));
		rig.job = TAKE_PTR(parked);
		machine.fd = parked_fd;
		parked_fd = -1;
	}
	assert_int_equal(machine.started, 2);
}

/* What is written may be seen by the next: so it is mounted by each, and what is read only once for all. */
static void folders_to_write_to_are_mounted_by_the_copies(void **state)
{
	use_shares(2);
	rig.plan->mounts[0].writable = false;
	to_the_commands();
	expect(WIRE_ROOT);
	expect(WIRE_SHARE);
	expect_nothing();
	say_done(ID_ROOT, 0, "");
	say_done(ID_SHARE, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	park_it();
	start_copy();
	session_anew(1);
	expect(WIRE_WELCOME);
	expect(WIRE_SHARE);
	expect_nothing();
	say_done(ID_SHARE + 1, 0, "");
	run_to_the_end();
}

static void where_there_is_no_copy_the_template_serves(void **state)
{
	make_parked();
	machine.no_copies = true;
	start_copy();
	assert_false(job_parked(parked));
	machine.ended = 0;
	assert_int_equal(machine.copies, 0);
	session_anew(1);
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	run_to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_non_null(strstr(rig.report->isolate_why, "no process more"));
}

static void a_copy_that_never_ran_is_no_verdict_and_does_not_cost_the_template(void **state)
{
	make_parked();
	machine.loses_copy = true;
	start_copy();
	turn();
	machine.ended = 0;
	session_anew(1);
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	run_to_the_end();
	assert_int_equal(machine.removes, 0);
	assert_non_null(strstr(rig.report->isolate_why, "a copy of a waiting guest did not start"));
}

static void one_that_cannot_stand_still_is_not_kept(void **state)
{
	machine.cannot_pause = true;
	to_the_commands();
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	park_it();
	assert_int_equal(rig.dones, 1);
	assert_false(rig.report->kept);
	assert_false(job_parked(rig.job));
}

static void one_that_is_no_clone_is_not_kept(void **state)
{
	machine.no_templates = true;
	start();
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	run_to_the_end();
	assert_false(rig.report->kept);
}

static void one_that_dies_cannot_be_copied(void **state)
{
	make_parked();
	fake_end(MACHINE_DIED, "killed");
	turn();
	assert_false(job_parked(rig.job));
	assert_int_equal(rig.dones, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_stands_still_once_its_commands_have_run),
		T(a_command_that_fails_does_not_keep_it_from_that),
		T(a_copy_has_its_root_and_runs_its_command_at_once),
		T(folders_to_write_to_are_mounted_by_the_copies),
		T(where_there_is_no_copy_the_template_serves),
		T(a_copy_that_never_ran_is_no_verdict_and_does_not_cost_the_template),
		T(one_that_cannot_stand_still_is_not_kept),
		T(one_that_is_no_clone_is_not_kept),
		T(one_that_dies_cannot_be_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
