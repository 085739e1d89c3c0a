/* SPDX-License-Identifier: MIT */
/* Time that runs out, and what is asked of the guest before it is ended. */
#include "rig.h"

#define PANIC "[    9.000000] Kernel panic - not syncing: fake\n"

static void expect_limit(enum guest_limit limit, int64_t ms, int command)
{
	pass(6000); /* the diagnosis */
	expect_over();
	assert_int_equal(rig.report->limit, limit);
	assert_int_equal(rig.report->limit_ms, ms);
	assert_int_equal(rig.report->limit_command, command);
	assert_int_equal(rig.report->end, MACHINE_STOPPED);
	assert_int_equal(machine.sysrqs, 1);
	assert_int_equal(machine.key, 'l');
	assert_false(machine.nmi_before_sysrq);
	assert_false(rig.report->bye);
	assert_null(rig.report->broken);
	assert_null(rig.report->infra);
}

/* ---- each limit ---- */

static void a_guest_that_does_not_get_ready_meets_the_limit_on_booting(void **state)
{
	for (enum stage s = AT_BOOT; s <= AT_MOUNT; s++) {
		rig.spec.boot_ms = 5000;
		reach(s);
		pass(4950);
		assert_int_equal(machine.sysrqs, 0);
		pass(100);
		expect_limit(LIMIT_BOOT, 5000, -1);
		assert_int_equal(rig.report->connected, s == AT_MOUNT);
		rig_again();
	}
}

static void the_limit_on_booting_ends_with_the_boot(void **state)
{
	rig.spec.boot_ms = 5000;
	reach(AT_RUN);
	pass(100000);
	assert_int_equal(rig.dones + machine.sysrqs, 0);
}

static void a_test_that_does_not_end_meets_its_limit(void **state)
{
	rig.commands[0].timeout_ms = 3000;
	rig.spec.idle_ms = 4000;
	reach(AT_EXEC);
	pass(2000);
	say_started(0);
	pass(2900);
	say_beat();
	assert_int_equal(machine.sysrqs, 0);
	pass(200);
	expect_limit(LIMIT_TEST, 3000, 0);
	assert_true(rig.report->exits[0].started && !rig.report->exits[0].ended);
}

static void an_exec_that_does_not_end_meets_the_limit_too(void **state)
{
	rig.commands[0].timeout_ms = 3000;
	reach(AT_EXEC);
	for (int i = 0; i < 4; i++) {
		pass(1000);
		say_beat();
	}
	expect_limit(LIMIT_TEST, 3000, 0);
	assert_false(rig.report->exits[0].started);
}

static void a_limit_belongs_to_one_command(void **state)
{
	use_commands(3, true);
	rig.commands[0].timeout_ms = 1000;
	rig.commands[2].timeout_ms = 2000;
	reach(AT_EXEC);
	say_done(ID_COMMAND, -ENOENT, "no setup");
	expect_exec(2);
	pass(1500);
	say_started(2);
	pass(1500);
	assert_int_equal(machine.sysrqs, 0);
	pass(600);
	expect_limit(LIMIT_TEST, 2000, 2);
}

static void a_command_that_ended_has_no_limit(void **state)
{
	rig.commands[0].timeout_ms = 1000;
	rig.spec.idle_ms = 1000;
	reach(AT_LEAVE);
	pass(100000);
	assert_int_equal(machine.sysrqs, 0);
	say_bye();
	expect_over();
	assert_int_equal(rig.report->limit, LIMIT_NONE);
}

static void silence_meets_the_limit_on_idleness(void **state)
{
	rig.spec.idle_ms = 2000;
	reach(AT_RUN);
	for (int i = 0; i < 4; i++) {
		pass(1500);
		if (i == 0)
			say_output(WIRE_STDOUT, 0, "x");
		else if (i == 1)
			say_output(WIRE_STDERR, 0, "x");
		else
			fake_console("x");
	}
	assert_int_equal(machine.sysrqs, 0);
	pass(1000);
	say_beat(); /* is no output */
	pass(1100);
	expect_limit(LIMIT_IDLE, 2000, 0);
}

static void a_guest_without_heartbeat_meets_its_limit(void **state)
{
	for (enum stage s = AT_EXEC; s <= AT_LEAVE; s++) {
		rig.spec.heartbeat_ms = 2000;
		reach(s);
		for (int i = 0; i < 4; i++) {
			pass(1500);
			say_beat();
		}
		assert_int_equal(machine.sysrqs, 0);
		pass(2100);
		expect_limit(LIMIT_HEARTBEAT, 2000, s <= AT_RUN ? 0 : -1);
		rig_again();
	}
}

static void whatever_the_agent_says_is_a_heartbeat(void **state)
{
	rig.spec.heartbeat_ms = 2000;
	reach(AT_RUN);
	for (int i = 0; i < 5; i++) {
		pass(1500);
		say_output(WIRE_STDOUT, 0, "x");
	}
	assert_int_equal(machine.sysrqs, 0);
}

static void the_limit_of_everything_fires_at_every_stage(void **state)
{
	for (enum stage s = AT_BOOT; s <= AT_LEAVE; s++) {
		rig.spec.total_ms = 4000;
		reach(s);
		for (int i = 0; i < 5; i++) {
			pass(1000);
			if (s > AT_BOOT)
				say_beat();
		}
		expect_limit(LIMIT_TOTAL, 4000, s == AT_EXEC || s == AT_RUN ? 0 : -1);
		rig_again();
	}
}

static void the_nearest_limit_is_the_one_that_is_told(void **state)
{
	rig.spec.total_ms = 9000;
	rig.spec.idle_ms = 5000;
	rig.spec.heartbeat_ms = 6000;
	rig.commands[0].timeout_ms = 7000;
	reach(AT_RUN);
	pass(5100);
	expect_limit(LIMIT_IDLE, 5000, 0);
}

static void names_of_limits(void **state)
{
	assert_null(guest_limit_name(LIMIT_NONE));
	assert_string_equal(guest_limit_name(LIMIT_BOOT), "boot");
	assert_string_equal(guest_limit_name(LIMIT_TOTAL), "total");
	assert_null(guest_limit_name((enum guest_limit)99));
}

/* ---- diagnosis ---- */

static void a_silent_kernel_gets_an_nmi_and_then_the_end(void **state)
{
	machine.on_nmi = "[    9.000000] NMI backtrace for cpu 0\n";
	reach(AT_DIAGNOSIS);
	assert_int_equal(machine.sysrqs, 1);
	pass(1400);
	assert_int_equal(machine.nmis, 0);
	pass(200);
	assert_int_equal(machine.nmis, 1);
	assert_int_equal(machine.stops, 0);
	pass(4000);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_int_equal(machine.nmis, 1);
	assert_false(rig.report->lived_on);
}

static void a_kernel_silent_to_all_is_ended(void **state)
{
	reach(AT_DIAGNOSIS);
	pass(6000);
	assert_int_equal(machine.nmis, 1);
	expect_limit(LIMIT_TEST, 1000, 0);
}

static void a_kernel_that_answers_gets_no_nmi(void **state)
{
	machine.on_sysrq = "[    9.000000] sysrq: Show backtrace of all active CPUs\n";
	reach(AT_DIAGNOSIS);
	pass(4000);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_int_equal(machine.nmis, 0);
}

static void a_kernel_may_finish_its_words(void **state)
{
	reach(AT_DIAGNOSIS);
	for (int i = 0; i < 20; i++) {
		pass(200);
		fake_console("[    9.000000] a line of a backtrace\n");
	}
	assert_int_equal(machine.stops, 0);
	pass(1000);
	assert_int_equal(machine.nmis, 0);
	expect_limit(LIMIT_TEST, 1000, 0);
}

static void a_guest_that_prints_for_ever_is_ended_all_the_same(void **state)
{
	reach(AT_DIAGNOSIS);
	for (int i = 0; i < 200 && !rig.dones; i++) {
		pass(100);
		if (!rig.dones)
			fake_console("x");
	}
	assert_int_equal(rig.dones, 1);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_int_equal(machine.nmis, 0);
}

static void a_guest_that_talks_for_ever_is_ended_all_the_same(void **state)
{
	reach(AT_DIAGNOSIS);
	for (int i = 0; i < 200 && !rig.dones; i++) {
		pass(100);
		say_beat();
	}
	assert_int_equal(rig.dones, 1);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_true(rig.report->lived_on);
}

static void complaints_after_the_limit_are_not_counted(void **state)
{
	machine.on_nmi = "[    9.500000] Kernel panic - not syncing: NMI: Not continuing\n";
	rig.commands[0].timeout_ms = 1000;
	reach(AT_RUN);
	fake_console("[    5.000000] WARNING: CPU: 0 PID: 1 at kernel/fake.c:1 fake+0x1/0x2\n"
		     "[    5.000000] ---[ end trace 0000000000000000 ]---\n");
	pass(8000);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_int_equal(rig.report->n_console, 1);
	assert_int_equal(splats_count(rig.report->console), 2);
	rig_again();

	reach(AT_RUN);
	fake_console(PANIC);
	fake_end(MACHINE_PANICKED, NULL);
	expect_over();
	assert_int_equal(rig.report->n_console, 1);
}

/* What the agent had to say no longer matters, but that it speaks does. */
static void what_the_agent_says_after_the_limit_changes_no_result(void **state)
{
	reach(AT_DIAGNOSIS);
	assert_false(rig.dones);
	say_output(WIRE_STDOUT, 0, "late");
	say_exited(0, 0);
	say_done(ID_PULL, 0, "");
	say_credit(ID_COMMAND, 5);
	say_file("x", 1);
	expect_limit(LIMIT_TEST, 1000, 0);
	assert_true(rig.report->lived_on);
	assert_false(rig.report->exits[0].ended);
	assert_false(dir_exists("artifacts"));
	expect_events("ready started:0 done");
}

static void a_hello_after_the_limit_on_booting_shows_life_alone(void **state)
{
	rig.spec.boot_ms = 1000;
	start();
	pass(1100);
	say_hello();
	expect_nothing();
	expect_limit(LIMIT_BOOT, 1000, -1);
	assert_true(rig.report->lived_on);
	assert_false(rig.report->connected || rig.report->kmsg_whole);
}

static void a_broken_channel_does_not_cut_the_diagnosis_short(void **state)
{
	reach(AT_DIAGNOSIS);
	say_bytes("this is no frame at all", 23);
	assert_int_equal(machine.stops, 0);
	pass(6000);
	expect_over();
	assert_int_equal(rig.report->limit, LIMIT_TEST);
	assert_int_equal(machine.nmis, 1);
	assert_non_null(rig.report->broken);
}

static void a_machine_that_dies_of_the_diagnosis_has_met_its_limit(void **state)
{
	reach(AT_DIAGNOSIS);
	pass(2000);
	assert_int_equal(machine.nmis, 1);
	fake_console(PANIC);
	fake_end(MACHINE_PANICKED, NULL);
	expect_over();
	assert_int_equal(rig.report->limit, LIMIT_TEST);
	assert_int_equal(rig.report->end, MACHINE_PANICKED);
	assert_int_equal(rig.report->n_console, 0);
	assert_int_equal(machine.stops, 0);
}

/* ---- pausing ---- */

static void while_output_is_paused_idleness_and_heartbeats_wait(void **state)
{
	rig.spec.idle_ms = 2000;
	rig.spec.heartbeat_ms = 3000;
	reach(AT_RUN);
	pass(1000);
	job_pause_output(rig.job, true);
	job_pause_output(rig.job, true);
	pass(100000);
	say_output(WIRE_STDOUT, 0, "waits");
	expect_events("ready started:0");
	assert_int_equal(machine.sysrqs, 0);
	job_pause_output(rig.job, false);
	turn();
	expect_events("out:0:waits");
	pass(1900);
	assert_int_equal(machine.sysrqs, 0);
	pass(200);
	expect_limit(LIMIT_IDLE, 2000, 0);
}

static void heartbeats_are_due_again_after_a_pause(void **state)
{
	rig.spec.heartbeat_ms = 3000;
	reach(AT_RUN);
	job_pause_output(rig.job, true);
	pass(100000);
	job_pause_output(rig.job, false);
	pass(2900);
	assert_int_equal(machine.sysrqs, 0);
	pass(200);
	expect_limit(LIMIT_HEARTBEAT, 3000, 0);
}

static void a_pause_does_not_stretch_the_tests_own_limit(void **state)
{
	rig.commands[0].timeout_ms = 3000;
	reach(AT_RUN);
	job_pause_output(rig.job, true);
	pass(3100);
	expect_limit(LIMIT_TEST, 3000, 0);
}

static void a_pause_before_the_end_loses_no_output(void **state)
{
	reach(AT_RUN);
	job_pause_output(rig.job, true);
	say_output(WIRE_STDOUT, 0, "last words");
	fake_end(MACHINE_RESET, NULL);
	expect_over();
	expect_events("ready started:0 out:0:last words done");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(a_guest_that_does_not_get_ready_meets_the_limit_on_booting),
		in_rig(the_limit_on_booting_ends_with_the_boot),
		in_rig(a_test_that_does_not_end_meets_its_limit),
		in_rig(an_exec_that_does_not_end_meets_the_limit_too),
		in_rig(a_limit_belongs_to_one_command),
		in_rig(a_command_that_ended_has_no_limit),
		in_rig(silence_meets_the_limit_on_idleness),
		in_rig(a_guest_without_heartbeat_meets_its_limit),
		in_rig(whatever_the_agent_says_is_a_heartbeat),
		in_rig(the_limit_of_everything_fires_at_every_stage),
		in_rig(the_nearest_limit_is_the_one_that_is_told),
		in_rig(names_of_limits),
		in_rig(a_silent_kernel_gets_an_nmi_and_then_the_end),
		in_rig(a_kernel_silent_to_all_is_ended),
		in_rig(a_kernel_that_answers_gets_no_nmi),
		in_rig(a_kernel_may_finish_its_words),
		in_rig(a_guest_that_prints_for_ever_is_ended_all_the_same),
		in_rig(a_guest_that_talks_for_ever_is_ended_all_the_same),
		in_rig(complaints_after_the_limit_are_not_counted),
		in_rig(what_the_agent_says_after_the_limit_changes_no_result),
		in_rig(a_hello_after_the_limit_on_booting_shows_life_alone),
		in_rig(a_broken_channel_does_not_cut_the_diagnosis_short),
		in_rig(a_machine_that_dies_of_the_diagnosis_has_met_its_limit),
		in_rig(while_output_is_paused_idleness_and_heartbeats_wait),
		in_rig(heartbeats_are_due_again_after_a_pause),
		in_rig(a_pause_does_not_stretch_the_tests_own_limit),
		in_rig(a_pause_before_the_end_loses_no_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
