/* SPDX-License-Identifier: MIT */
/* The order of a session: HELLO, mounts, SHUTDOWN, BYE; and what breaks it. */
#include "rig.h"

static void a_whole_session_gives_all_facts(void **state)
{
	const struct job_report *r;

	start();
	pass(300);
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n");
	pass(200);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_output(WIRE_STDOUT, 0, "one");
	say_output(WIRE_STDERR, 0, "two");
	say_beat();
	fake_console("[    1.000000] hello\n");
	say_output(WIRE_STDOUT, 0, "");
	say_output(WIRE_STDERR, 0, "");
	say_exited(0, 3);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	expect_events("ready started:0 out:0:one err:0:two console:21 done");
	r = rig.report;
	assert_true(r->connected && r->ready && r->bye && r->kmsg_whole);
	assert_string_equal(r->release, "6.1.0-fake");
	assert_string_equal(r->agent, "agent 1");
	assert_int_equal(r->n_exits, 1);
	assert_true(r->exits[0].started && r->exits[0].ended && !r->exits[0].signalled);
	assert_int_equal(r->exits[0].code, 3);
	assert_int_equal(r->exits[0].wall_us, 1000);
	assert_int_equal(r->exits[0].user_us, 2000);
	assert_int_equal(r->exits[0].sys_us, 3000);
	assert_int_equal(r->exits[0].maxrss_kib, 4000);
	assert_int_equal(r->exits[0].leftover, 5);
	assert_int_equal(r->boot_ms, 300);
	assert_int_equal(r->ready_ms, 500);
	assert_int_equal(r->end, MACHINE_STOPPED);
	assert_int_equal(r->limit, LIMIT_NONE);
	assert_null(r->broken);
	assert_null(r->infra);
	assert_int_equal(r->engine_cpu_us, 1234);
	assert_int_equal(r->trouble.n, 1);
	assert_string_equal(r->trouble.v[0], "a module did not load");
}

static void frames_that_come_together_are_one_session(void **state)
{
	reach(AT_RUN);
	rig.muffled = true;
	say_output(WIRE_STDOUT, 0, "a");
	say_output(WIRE_STDOUT, 0, "b");
	say_exited(0, 0);
	turn();
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
	expect_events("ready started:0 out:0:a out:0:b done");
}

static void a_session_that_comes_byte_by_byte_is_the_same(void **state)
{
	static const uint8_t id[4] = { ID_COMMAND & 0xff, ID_COMMAND >> 8 };
	uint8_t payload[16], frame[64];
	size_t n;

	reach(AT_RUN);
	memcpy(payload, id, 4);
	memcpy(payload + 4, "slow", 4);
	n = frame_bytes(WIRE_STDOUT, payload, 8, frame);
	for (size_t i = 0; i < n; i++)
		say_bytes(frame + i, 1);
	say_exited(0, 0);
	expect_events("ready started:0 out:0:slow");
}

static void nothing_to_run_is_a_session_too(void **state)
{
	use_commands(0, true);
	start();
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
	assert_int_equal(rig.report->n_exits, 0);
}

/* ---- HELLO ---- */

static void a_second_hello_breaks_the_channel(void **state)
{
	for (enum stage s = AT_MOUNT; s <= AT_LEAVE; s++) {
		reach(s);
		say_hello();
		expect_broken("HELLO: out of order");
		rig_again();
	}
}

static void a_hello_of_another_version_is_the_rigs_failure(void **state)
{
	start();
	say_hello_version(WIRE_VERSION + 7);
	expect_infra("the agent speaks version");
	assert_false(rig.report->connected);
	expect_nothing();
}

/* The version is the one field that never moves. */
static void a_hello_of_another_version_may_look_different(void **state)
{
	start();
	say(WIRE_HELLO, "\x63\x00whatever a later version says", 31);
	expect_infra("version 99");
}

static void a_malformed_hello_breaks_the_channel(void **state)
{
	static const uint8_t version[2] = { WIRE_VERSION, 0 };

	for (size_t len = 0; len <= 2; len++) {
		start();
		say(WIRE_HELLO, version, len);
		expect_broken("HELLO: malformed");
		rig_again();
	}
}

static void whatever_comes_before_hello_breaks_the_channel(void **state)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == WIRE_HELLO)
			continue;
		start();
		say((uint8_t)type, "\1\0\0\0\0\0\0\0\0\0\0\0", 12);
		expect_broken("out of order");
		assert_false(rig.report->connected);
		assert_int_equal(splats_count(rig.report->kmsg), 0);
		rig_again();
	}
}

/* ---- mounts ---- */

static void shares_are_mounted_in_order_before_anything_runs(void **state)
{
	use_shares(2);
	reach(AT_MOUNT);
	expect(WIRE_SHARE);
	expect(WIRE_SHARE);
	say_done(ID_ROOT, 0, "");
	say_done(ID_SHARE, 0, "");
	expect_events("");
	expect_nothing();
	say_done(ID_SHARE + 1, 0, "");
	expect_exec(0);
	expect_events("ready");
}

static void a_mount_answered_twice_or_out_of_order_breaks_the_channel(void **state)
{
	static const uint32_t answers[][2] = {
		{ ID_ROOT, ID_ROOT },
		{ ID_ROOT, ID_SHARE + 1 },
		{ ID_SHARE, ID_ROOT },
		{ 0, 0 },
		{ ID_ROOT, ID_COMMAND },
		{ ID_ROOT, 0xffffffff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		use_shares(2);
		reach(AT_MOUNT);
		say_done(answers[i][0], 0, "");
		say_done(answers[i][1], 0, "");
		expect_broken("DONE");
		assert_false(rig.report->ready);
		rig_again();
	}
}

static void a_root_that_cannot_be_mounted_is_the_rigs_failure(void **state)
{
	reach(AT_MOUNT);
	say_done(ID_ROOT, -ENODEV, "cannot mount 9p");
	expect_infra("cannot mount the root: cannot mount 9p (No such device)");
	assert_true(rig.report->connected);
	assert_false(rig.report->ready);
	expect_events("done");
}

static void a_share_that_cannot_be_mounted_is_named(void **state)
{
	use_shares(2);
	reach(AT_MOUNT);
	say_done(ID_ROOT, 0, "");
	say_done(ID_SHARE, 0, "");
	say_done(ID_SHARE + 1, -EACCES, "");
	expect_infra("cannot mount /share/1: no reason told (Permission denied)");
}

static void done_with_an_impossible_error_breaks_the_channel(void **state)
{
	static const int32_t errors[] = { 1, INT32_MAX, INT32_MIN, -4096 };
	static const enum stage stages[] = { AT_MOUNT, AT_EXEC, AT_PULL };

	for (size_t s = 0; s < ARRAY_SIZE(stages); s++) {
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
			const uint32_t id = stages[s] == AT_MOUNT  ? (uint32_t)ID_ROOT
					    : stages[s] == AT_EXEC ? (uint32_t)ID_COMMAND
								   : (uint32_t)ID_PULL;

			reach(stages[s]);
			say_done(id, errors[i], "impossible");
			expect_broken("DONE: malformed");
			rig_again();
		}
	}
}

static void what_the_plan_could_not_start_is_told_by_its_error(void **state)
{
	const struct job_handlers h = { 0 };
	struct err e = ERR_INIT;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	rig.spec.console_fd = fds[0];
	rig.spec.kmsg_fd = fds[1];
	machine.refuse = true;
	assert_int_equal(job_start(rig.loop, &rig.spec, &h, &rig.job, &e), -EIO);
	assert_string_equal(err_text(&e), "the engine does not start");
	err_release(&e);
	assert_int_equal(rig.plan->refs, 1);
}

static void a_root_over_fuse_that_is_not_there_is_told_by_its_error(void **state)
{
	const struct job_handlers h = { 0 };
	struct err e = ERR_INIT;

	rig.plan->root = WIRE_SHARE_FUSE;
	rig.plan->spec.fs_ports = 1;
	rig.plan->root_dir = xstrdup("/nowhere/at/all");
	assert_true(job_start(rig.loop, &rig.spec, &h, &rig.job, &e) < 0);
	assert_non_null(strstr(err_text(&e), "/nowhere/at/all"));
	err_release(&e);
}

static void a_fuse_stream_that_makes_no_sense_ends_the_guest(void **state)
{
	static const char junk[64] = "\377\377\377\377 this is no request";

	rig.plan->root = WIRE_SHARE_FUSE;
	rig.plan->spec.fs_ports = 1;
	rig.plan->root_dir = xstrdup(rig.dir);
	reach(AT_RUN);
	assert_int_equal(write(machine.fs_fd, junk, sizeof(junk)), sizeof(junk));
	expect_broken("the stream of the guest's root: the guest sent what is no FUSE request");
}

/* ---- the goodbye ---- */

static void a_goodbye_that_nobody_asked_for_breaks_the_channel(void **state)
{
	for (enum stage s = AT_MOUNT; s < AT_LEAVE; s++) {
		reach(s);
		say_bye();
		expect_broken("BYE: before it was asked to leave");
		rig_again();
	}
}

static void a_goodbye_after_a_limit_counts_only_where_it_was_asked_for(void **state)
{
	reach(AT_DIAGNOSIS);
	say_bye();
	expect_over();
	assert_false(rig.report->bye);
	assert_int_equal(rig.report->limit, LIMIT_TEST);

	rig_again();
	rig.spec.total_ms = 1000;
	reach(AT_LEAVE);
	pass(1000);
	assert_int_equal(machine.sysrqs, 1);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
	assert_int_equal(rig.report->limit, LIMIT_TOTAL);
}

static void the_goodbye_tells_the_taint_and_no_more(void **state)
{
	static const uint8_t tainted[8] = { 0x80, 2 };

	reach(AT_LEAVE);
	say(WIRE_BYE, tainted, 8);
	expect_over();
	assert_true(rig.report->bye);
	assert_int_equal(rig.report->tainted, 0x280);

	for (size_t len = 0; len < 8; len++) {
		rig_again();
		reach(AT_LEAVE);
		say(WIRE_BYE, tainted, len);
		expect_broken("BYE: malformed");
	}
}

static void nothing_counts_behind_the_goodbye(void **state)
{
	reach(AT_LEAVE);
	rig.muffled = true;
	say_bye();
	say_exited(0, 1);
	say_trouble("too late");
	turn();
	expect_over();
	assert_true(rig.report->bye);
	assert_int_equal(rig.report->exits[0].code, 0);
	assert_int_equal(rig.report->trouble.n, 1);
}

static void what_the_agent_complains_of_is_kept_within_bounds(void **state)
{
	reach(AT_RUN);
	for (int i = 0; i < 500; i++)
		say_trouble("the same again");
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->trouble.n > 10 && rig.report->trouble.n < 100);
	assert_string_equal(rig.report->trouble.v[1], "the same again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(a_whole_session_gives_all_facts),
		in_rig(frames_that_come_together_are_one_session),
		in_rig(a_session_that_comes_byte_by_byte_is_the_same),
		in_rig(nothing_to_run_is_a_session_too),
		in_rig(a_second_hello_breaks_the_channel),
		in_rig(a_hello_of_another_version_is_the_rigs_failure),
		in_rig(a_hello_of_another_version_may_look_different),
		in_rig(a_malformed_hello_breaks_the_channel),
		in_rig(whatever_comes_before_hello_breaks_the_channel),
		in_rig(shares_are_mounted_in_order_before_anything_runs),
		in_rig(a_mount_answered_twice_or_out_of_order_breaks_the_channel),
		in_rig(a_root_that_cannot_be_mounted_is_the_rigs_failure),
		in_rig(a_share_that_cannot_be_mounted_is_named),
		in_rig(done_with_an_impossible_error_breaks_the_channel),
		in_rig(what_the_plan_could_not_start_is_told_by_its_error),
		in_rig(a_root_over_fuse_that_is_not_there_is_told_by_its_error),
		in_rig(a_fuse_stream_that_makes_no_sense_ends_the_guest),
		in_rig(a_goodbye_that_nobody_asked_for_breaks_the_channel),
		in_rig(a_goodbye_after_a_limit_counts_only_where_it_was_asked_for),
		in_rig(the_goodbye_tells_the_taint_and_no_more),
		in_rig(nothing_counts_behind_the_goodbye),
		in_rig(what_the_agent_complains_of_is_kept_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
