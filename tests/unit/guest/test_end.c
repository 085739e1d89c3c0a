/* SPDX-License-Identifier: MIT */
/* Every way out, at every stage: `done` exactly once, the facts as they were, and nothing left behind. */
#include "rig.h"

static void expect_facts(enum stage s)
{
	const struct job_report *r = rig.report;

	assert_int_equal(r->connected, s >= AT_MOUNT && s <= AT_DIAGNOSIS);
	assert_int_equal(r->ready, s >= AT_EXEC && s <= AT_DIAGNOSIS);
	assert_int_equal(r->exits[0].started, s >= AT_RUN && s <= AT_DIAGNOSIS);
	assert_int_equal(r->exits[0].ended, s == AT_PULL || s == AT_LEAVE);
	assert_int_equal(r->boot_ms >= 0, r->connected);
	assert_int_equal(r->ready_ms >= 0, r->ready);
	assert_int_equal(r->limit, s == AT_DIAGNOSIS ? LIMIT_TEST : LIMIT_NONE);
	assert_false(r->bye || r->kmsg_whole);
	assert_null(r->broken);
	assert_null(r->infra);
}

static void cancelling_at_every_stage_ends_it_once(void **state)
{
	for (enum stage s = AT_BOOT; s < N_STAGES; s++) {
		reach(s);
		machine.stubborn = false;
		job_cancel(rig.job);
		job_cancel(rig.job);
		if (s == AT_ENDING)
			fake_end(MACHINE_STOPPED, NULL);
		expect_over();
		assert_int_equal(machine.stops, 1);
		assert_int_equal(rig.report->end, MACHINE_STOPPED);
		assert_true(rig.report->cancelled);
		expect_facts(s);
		rig_again();
	}
}

static void a_machine_that_ends_at_any_stage_ends_the_job_once(void **state)
{
	static const struct {
		enum machine_end end;
		const char *why;
	} ends[] = {
		{ MACHINE_POWERED_OFF, NULL },
		{ MACHINE_RESET, NULL },
		{ MACHINE_TRIPLE_FAULT, NULL },
		{ MACHINE_PANICKED, NULL },
		{ MACHINE_DIED, "killed by signal 9" },
	};

	for (enum stage s = AT_BOOT; s < AT_ENDING; s++) {
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
			reach(s);
			pass(10);
			fake_end(ends[i].end, ends[i].why);
			expect_over();
			assert_int_equal(rig.report->end, ends[i].end);
			if (ends[i].why)
				assert_string_equal(rig.report->end_why, ends[i].why);
			else
				assert_null(rig.report->end_why);
			assert_false(rig.report->cancelled);
			assert_int_equal(machine.stops, 0);
			expect_facts(s);
			rig_again();
		}
	}
}

/* rig_again() counts no descriptors, so each stage does it for itself. */
static void freeing_at_every_stage_leaves_nothing(void **state)
{
	size_t fds = count_fds();

	for (enum stage s = AT_BOOT; s < N_STAGES; s++) {
		unsigned dones;

		rig.spec.console_fd = dup(STDERR_FILENO);
		rig.spec.kmsg_fd = dup(STDERR_FILENO);
		reach(s);
		if (s == AT_PULL)
			say_file("half", 10);
		dones = rig.dones;
		job_free(rig.job);
		rig.job = NULL;
		assert_int_equal(count_fds(), fds);
		assert_int_equal(rig.plan->refs, 1);
		pass(100000);
		assert_int_equal(rig.dones, dones);
		assert_int_equal(machine.freed, 1);
		rig_again();
	}
}

static void free_in_done(const char *name)
{
	if (!streq(name, "done"))
		return;
	job_free(rig.job);
	rig.job = NULL;
}

static void done_may_free_the_job(void **state)
{
	for (enum stage s = AT_BOOT; s < AT_ENDING; s++) {
		rig.on_event = free_in_done;
		reach(s);
		fake_end(MACHINE_RESET, NULL);
		turn();
		assert_int_equal(rig.dones, 1);
		assert_null(rig.job);
		assert_int_equal(machine.freed, 1);
		rig_again();
	}
}

static const char *cancel_at;

static void cancel_in_handler(const char *name)
{
	if (streq(name, cancel_at))
		job_cancel(rig.job);
}

static void every_handler_may_cancel(void **state)
{
	static const char *const names[] = { "ready", "started", "room", "out", "err", "console" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		rig.commands[0].has_stdin = true;
		cancel_at = names[i];
		rig.on_event = cancel_in_handler;
		start();
		say_hello();
		expect(WIRE_WELCOME);
		expect(WIRE_ROOT);
		rig.muffled = true;
		say_done(ID_ROOT, 0, "");
		say_started(0);
		say_output(WIRE_STDOUT, 0, "x");
		say_output(WIRE_STDERR, 0, "x");
		turn();
		if (!rig.dones)
			fake_console("x");
		expect_over();
		assert_int_equal(machine.stops, 1);
		assert_true(rig.report->cancelled);
		assert_int_equal(rig.report->end, MACHINE_STOPPED);
		rig_again();
	}
}

/* The whole rest of the session waits to be read when the machine ends by itself. */
static void what_was_said_before_the_end_is_heard(void **state)
{
	reach(AT_RUN);
	rig.muffled = true;
	say_output(WIRE_STDOUT, 0, "last");
	say_exited(0, 4);
	say_kmsg("6,0,1,-;a\n");
	fake_end(MACHINE_POWERED_OFF, NULL);
	expect_over();
	assert_true(rig.report->exits[0].ended);
	assert_int_equal(rig.report->exits[0].code, 4);
	assert_false(rig.report->bye);
	expect_events("ready started:0 out:0:last done");
}

static void a_goodbye_that_waits_to_be_read_counts(void **state)
{
	reach(AT_LEAVE);
	rig.muffled = true;
	say_kmsg("6,0,1,-;a\n");
	say_bye();
	fake_end(MACHINE_POWERED_OFF, NULL);
	expect_over();
	assert_true(rig.report->bye && rig.report->kmsg_whole);
	assert_int_equal(rig.report->end, MACHINE_POWERED_OFF);
	assert_null(rig.report->broken);
}

static void broken_frames_that_wait_to_be_read_are_noticed(void **state)
{
	reach(AT_LEAVE);
	rig.muffled = true;
	say_bytes("rubbish, and much of it", 23);
	say_bye();
	fake_end(MACHINE_POWERED_OFF, NULL);
	expect_over();
	assert_non_null(rig.report->broken);
	assert_false(rig.report->bye);
}

static void nothing_is_asked_of_a_job_that_is_over(void **state)
{
	reach(AT_OVER);
	assert_int_equal(job_signal(rig.job, 2), -ESRCH);
	job_stdin(rig.job, "x", 1);
	job_pause_output(rig.job, true);
	job_pause_output(rig.job, false);
	assert_non_null(job_console(rig.job));
	expect_over();
}

static void a_job_that_is_freed_in_a_pause_leaves_nothing(void **state)
{
	reach(AT_RUN);
	job_pause_output(rig.job, true);
	say_output(WIRE_STDOUT, 0, "never read");
	job_free(rig.job);
	rig.job = NULL;
	turn();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(cancelling_at_every_stage_ends_it_once),
		in_rig(a_machine_that_ends_at_any_stage_ends_the_job_once),
		in_rig(freeing_at_every_stage_leaves_nothing),
		in_rig(done_may_free_the_job),
		in_rig(every_handler_may_cancel),
		in_rig(what_was_said_before_the_end_is_heard),
		in_rig(a_goodbye_that_waits_to_be_read_counts),
		in_rig(broken_frames_that_wait_to_be_read_are_noticed),
		in_rig(nothing_is_asked_of_a_job_that_is_over),
		in_rig(a_job_that_is_freed_in_a_pause_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
