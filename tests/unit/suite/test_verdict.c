/* SPDX-License-Identifier: MIT */
/* Facts in, verdict out: every way in which something may go wrong, and none of them reads as a pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "suite/verdict.h"

#define PANIC "[    3.1] Kernel panic - not syncing: sysrq triggered crash\n"
#define OOPS                                                                          \
	"[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000000\n" \
	"[    3.1] Oops: 0002 [#1] PREEMPT SMP NOPTI\n"                               \
	"[    3.1] RIP: 0010:broken_function+0x16/0x20\n"                             \
	"[    3.1] ---[ end trace 0000000000000000 ]---\n"
#define WARN "[    3.1] WARNING: CPU: 0 PID: 1 at kernel/x.c:10 f+0x1/0x2\n"

/* A guest that ran one command to exit code 0 and said goodbye: all in order. */
struct world {
	struct job_exit exits[3];
	struct job_report report;
	struct console_end end;
	struct verdict_input in;
	struct record rec;
	struct tap *tap;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->exits[0] = (struct job_exit){ .started = true, .ended = true };
	w->report = (struct job_report){
		.connected = true,
		.ready = true,
		.bye = true,
		.kmsg_whole = true,
		.exits = w->exits,
		.n_exits = 1,
		.end = MACHINE_STOPPED,
		.limit_command = -1,
		.console = splats_new(),
		.kmsg = splats_new(),
		.kernel_end = &w->end,
	};
	w->in = (struct verdict_input){
		.report = &w->report,
		.protocol = PROTOCOL_EXIT,
		.expect = EXPECT_PASS,
		.fail_on = SPLAT_STALL,
	};
	w->rec = (struct record)RECORD_INIT;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	splats_free(w->report.console);
	splats_free(w->report.kmsg);
	tap_free(w->tap);
	record_release(&w->rec);
	free(w);
	return 0;
}

static void says(struct splats *s, const char *text)
{
	splats_feed(s, text, strlen(text));
	splats_end(s);
}

static void console_says(struct world *w, const char *text)
{
	says(w->report.console, text);
	w->report.n_console = splats_count(w->report.console);
}

/* The guest is gone before it said goodbye. */
static void gone(struct world *w, enum machine_end end)
{
	w->report.bye = false;
	w->report.kmsg_whole = false;
	w->report.end = end;
	w->exits[0].ended = false;
}

static void prints(struct world *w, enum protocol p, const char *text)
{
	w->in.protocol = p;
	w->tap = tap_new();
	tap_feed(w->tap, text, strlen(text));
	tap_end(w->tap);
	w->in.tap = w->tap;
}

static void verdict_is(struct world *w, enum verdict v, bool ok)
{
	record_release(&w->rec);
	w->rec = (struct record)RECORD_INIT;
	verdict_decide(&w->in, &w->rec);
	assert_string_equal(verdict_name(w->rec.verdict), verdict_name(v));
	assert_int_equal(w->rec.ok, ok);
	assert_non_null(w->rec.reason);
}

/* ---- the test's own word ---- */

static void exit_code_0_passes(void **state)
{
	verdict_is(*state, VERDICT_PASS, true);
}

static void another_exit_code_fails(void **state)
{
	struct world *w = *state;

	w->exits[0].code = 7;
	verdict_is(w, VERDICT_FAIL, false);
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 7);
}

static void death_by_a_signal_fails(void **state)
{
	struct world *w = *state;

	w->exits[0].signalled = true;
	w->exits[0].code = 11;
	verdict_is(w, VERDICT_FAIL, false);
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 139);
}

static void a_command_that_cannot_be_executed_fails(void **state)
{
	struct world *w = *state;

	w->exits[0] = (struct job_exit){ .exec_error = ENOENT,
		.exec_text = (char[]){ "cannot execute x: No" } };
	verdict_is(w, VERDICT_FAIL, false);
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 127);
}

static void a_goodbye_without_the_commands_end_is_lost(void **state)
{
	struct world *w = *state;

	w->exits[0].ended = false;
	verdict_is(w, VERDICT_LOST, false);
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 123);
}

static void kselftest_codes_are_read(void **state)
{
	struct world *w = *state;

	w->in.protocol = PROTOCOL_KSELFTEST;
	w->exits[0].code = 4;
	verdict_is(w, VERDICT_SKIP, true);
	w->exits[0].code = 2;
	verdict_is(w, VERDICT_XFAIL, true);
	w->exits[0].code = 3;
	verdict_is(w, VERDICT_XPASS, false);
	w->exits[0].code = 1;
	verdict_is(w, VERDICT_FAIL, false);
}

static void automake_codes_are_read(void **state)
{
	struct world *w = *state;

	w->in.protocol = PROTOCOL_AUTOMAKE;
	w->exits[0].code = 77;
	verdict_is(w, VERDICT_SKIP, true);
	w->exits[0].code = 99;
	verdict_is(w, VERDICT_FAIL, false);
	w->exits[0].code = 4;
	verdict_is(w, VERDICT_FAIL, false);
}

static void a_whole_report_passes(void **state)
{
	prints(*state, PROTOCOL_KTAP, "KTAP version 1\n1..2\nok 1 a\nok 2 b\n");
	verdict_is(*state, VERDICT_PASS, true);
}

static void a_report_that_passes_does_not_excuse_a_bad_exit(void **state)
{
	struct world *w = *state;

	prints(w, PROTOCOL_TAP, "TAP version 13\n1..1\nok 1 a\n");
	w->exits[0].code = 1;
	verdict_is(w, VERDICT_FAIL, false);
	w->exits[0].signalled = true;
	w->exits[0].code = 9;
	verdict_is(w, VERDICT_FAIL, false);
}

static void a_report_cut_short_fails(void **state)
{
	prints(*state, PROTOCOL_KTAP, "KTAP version 1\n1..3\nok 1 a\nok 2 b\n");
	verdict_is(*state, VERDICT_FAIL, false);
}

static void no_report_at_all_fails(void **state)
{
	prints(*state, PROTOCOL_TAP, "all tests passed, trust me\n");
	verdict_is(*state, VERDICT_FAIL, false);
}

static void a_failing_subtest_fails_though_the_exit_code_is_0(void **state)
{
	prints(*state, PROTOCOL_KTAP, "KTAP version 1\n1..2\nok 1 a\nnot ok 2 b\n");
	verdict_is(*state, VERDICT_FAIL, false);
}

/* ---- setup and teardown ---- */

static void a_setup_that_fails_fails_the_test(void **state)
{
	struct world *w = *state;

	w->report.n_exits = 2;
	w->in.command = 1;
	w->exits[0].code = 1;
	w->exits[1] = (struct job_exit){ 0 };
	verdict_is(w, VERDICT_FAIL, false);
	assert_non_null(strstr(w->rec.reason, "setup"));
}

static void a_teardown_that_fails_spoils_a_pass(void **state)
{
	struct world *w = *state;

	w->report.n_exits = 2;
	w->exits[1] = (struct job_exit){ .started = true, .ended = true, .code = 1 };
	verdict_is(w, VERDICT_FAIL, false);
	assert_non_null(strstr(w->rec.reason, "teardown"));
}

/* ---- the kernel's word ---- */

static void an_oops_that_kills_the_test_only_is_a_crash(void **state)
{
	struct world *w = *state;

	w->exits[0].signalled = true;
	w->exits[0].code = 9;
	says(w->report.kmsg, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
	assert_non_null(strstr(w->rec.reason, "broken_function"));
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 122);
}

static void an_oops_outweighs_exit_code_0(void **state)
{
	struct world *w = *state;

	says(w->report.kmsg, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

static void a_warning_counts_only_when_asked(void **state)
{
	struct world *w = *state;

	says(w->report.kmsg, WARN);
	verdict_is(w, VERDICT_PASS, true);
	assert_int_equal(w->rec.n_splats, 1);
	w->in.fail_on = SPLAT_WARN;
	verdict_is(w, VERDICT_CRASH, false);
}

static void words_on_the_console_of_a_guest_that_lived_count_for_nothing(void **state)
{
	struct world *w = *state;

	console_says(w, PANIC);
	verdict_is(w, VERDICT_PASS, true);
}

static void words_on_the_console_count_when_the_kernels_record_was_cut(void **state)
{
	struct world *w = *state;

	w->report.kmsg_whole = false;
	console_says(w, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

static void a_taint_tells_what_the_log_lost(void **state)
{
	struct world *w = *state;

	w->report.tainted = 1 << 9 | 1 << 12 | 1 << 13; /* a warning, modules of others */
	verdict_is(w, VERDICT_PASS, true);
	w->in.fail_on = SPLAT_WARN;
	verdict_is(w, VERDICT_CRASH, false);
	w->in.fail_on = SPLAT_STALL;
	w->report.tainted = 1 << 14;
	verdict_is(w, VERDICT_CRASH, false);
	w->report.tainted = 1 << 7;
	verdict_is(w, VERDICT_CRASH, false);
	w->in.fail_on = SPLAT_PANIC;
	verdict_is(w, VERDICT_PASS, true);
}

/* ---- a guest that went away ---- */

static void a_panic_is_a_crash(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_RESET);
	console_says(w, PANIC);
	verdict_is(w, VERDICT_CRASH, false);
	assert_non_null(strstr(w->rec.reason, "sysrq triggered crash"));
}

static void a_panic_before_init_is_a_crash(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_RESET);
	w->report.connected = w->report.ready = false;
	console_says(w, "[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\n");
	verdict_is(w, VERDICT_CRASH, false);
}

static void power_off_reset_and_halt_are_lost(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_POWERED_OFF);
	verdict_is(w, VERDICT_LOST, false);
	gone(w, MACHINE_RESET);
	verdict_is(w, VERDICT_LOST, false);
	gone(w, MACHINE_STOPPED);
	w->end.halted = true;
	verdict_is(w, VERDICT_LOST, false);
}

static void a_guest_that_ended_after_the_commands_end_is_still_lost(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_POWERED_OFF);
	w->exits[0].ended = true;
	verdict_is(w, VERDICT_LOST, false);
}

static void a_triple_fault_is_a_crash(void **state)
{
	gone(*state, MACHINE_TRIPLE_FAULT);
	verdict_is(*state, VERDICT_CRASH, false);
}

static void a_restart_by_triple_fault_is_a_restart(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_CRASH;
	gone(w, MACHINE_TRIPLE_FAULT);
	w->end.restarting = true;
	verdict_is(w, VERDICT_LOST, false);
}

static void an_oops_before_an_orderly_end_counts_when_the_kernels_record_has_it(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_POWERED_OFF);
	w->end.powering_down = true;
	console_says(w, OOPS);
	verdict_is(w, VERDICT_LOST, false);
	assert_int_equal(w->rec.n_splats, 1);
	says(w->report.kmsg, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

/* Nobody but the kernel and the agent has printed anything. */
static void an_oops_of_booting_counts_before_an_orderly_end(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_POWERED_OFF);
	w->exits[0].started = w->report.ready = false;
	w->end.powering_down = true;
	console_says(w, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

static void a_broken_channel_is_lost(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_STOPPED);
	w->report.broken = (char[]){ "bad CRC" };
	verdict_is(w, VERDICT_LOST, false);
}

static void an_engine_that_dies_is_infra(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_DIED);
	verdict_is(w, VERDICT_INFRA, false);
	assert_int_equal(verdict_exit_code(&w->in, &w->rec), 125);
}

static void a_failure_of_the_rig_is_infra_whatever_else_was_seen(void **state)
{
	struct world *w = *state;

	w->report.infra = (char[]){ "disk full" };
	console_says(w, PANIC);
	verdict_is(w, VERDICT_INFRA, false);
}

static void a_cancelled_job_has_no_pass(void **state)
{
	struct world *w = *state;

	w->report.cancelled = true;
	verdict_is(w, VERDICT_INFRA, false);
}

/* ---- limits ---- */

static void a_limit_is_a_timeout_and_named(void **state)
{
	struct world *w = *state;

	for (enum guest_limit l = LIMIT_BOOT; l <= LIMIT_TOTAL; l++) {
		gone(w, MACHINE_STOPPED);
		w->report.limit = l;
		w->report.limit_ms = 5000;
		verdict_is(w, VERDICT_TIMEOUT, false);
		assert_string_equal(w->rec.limit, guest_limit_name(l));
		assert_int_equal(verdict_exit_code(&w->in, &w->rec), 124);
	}
}

static void the_panic_that_we_provoked_by_nmi_is_no_crash(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_RESET);
	w->report.limit = LIMIT_TEST;
	w->report.limit_ms = 5000;
	says(w->report.console, "[    9.0] Kernel panic - not syncing: NMI: Not continuing\n");
	w->report.n_console = 0;
	verdict_is(w, VERDICT_TIMEOUT, false);
}

static void a_guest_that_hangs_after_an_oops_is_a_crash(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_STOPPED);
	w->report.limit = LIMIT_TEST;
	console_says(w, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

static void words_of_a_panic_in_a_guest_that_lives_past_its_limit_are_no_crash(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_CRASH;
	gone(w, MACHINE_STOPPED);
	w->report.limit = LIMIT_TEST;
	w->report.lived_on = w->report.kmsg_whole = true;
	console_says(w, PANIC);
	verdict_is(w, VERDICT_TIMEOUT, false);
	w->report.kmsg_whole = false; /* records were lost: but the kernel lives */
	verdict_is(w, VERDICT_TIMEOUT, false);
}

static void a_stall_before_a_limit_is_told_with_the_timeout(void **state)
{
	struct world *w = *state;

	gone(w, MACHINE_STOPPED);
	w->report.limit = LIMIT_TEST;
	console_says(w, "[   30.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:80]\n");
	verdict_is(w, VERDICT_TIMEOUT, false);
	assert_non_null(strstr(w->rec.reason, "soft lockup"));
}

/* ---- expectations ---- */

static void an_expected_failure_that_passes_is_not_ok(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_FAIL;
	verdict_is(w, VERDICT_XPASS, false);
	w->exits[0].code = 1;
	verdict_is(w, VERDICT_XFAIL, true);
}

static void an_expected_failure_does_not_excuse_a_crash(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_FAIL;
	says(w->report.kmsg, OOPS);
	verdict_is(w, VERDICT_CRASH, false);
}

static void an_expected_crash_is_met_by_a_crash_alone(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_CRASH;
	verdict_is(w, VERDICT_PASS, false);
	w->exits[0].code = 1;
	verdict_is(w, VERDICT_FAIL, false);
	gone(w, MACHINE_POWERED_OFF);
	verdict_is(w, VERDICT_LOST, false);
	gone(w, MACHINE_RESET);
	console_says(w, PANIC);
	verdict_is(w, VERDICT_CRASH, true);
}

static void a_panic_that_is_only_printed_meets_no_expected_crash(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_CRASH;
	console_says(w, PANIC);
	verdict_is(w, VERDICT_PASS, false); /* the guest lived */
	gone(w, MACHINE_RESET);
	w->end.restarting = true; /* it restarted in order: no panic does that */
	verdict_is(w, VERDICT_LOST, false);
}

static void an_expected_timeout_is_met_by_the_tests_own_limit_alone(void **state)
{
	struct world *w = *state;

	w->in.expect = EXPECT_TIMEOUT;
	verdict_is(w, VERDICT_PASS, false);
	gone(w, MACHINE_STOPPED);
	w->report.limit = LIMIT_BOOT;
	verdict_is(w, VERDICT_TIMEOUT, false);
	w->report.limit = LIMIT_TEST;
	verdict_is(w, VERDICT_TIMEOUT, true);
}

/* Whatever combination of facts: a pass needs the goodbye, the end of the command, and no complaint. */
static void no_combination_of_facts_passes_without_proof(void **state)
{
	struct world *w = *state;

	for (unsigned bits = 0; bits < 1u << 10; bits++) {
		bool proof;

		w->report.bye = bits & 1;
		w->report.kmsg_whole = bits & 1 && bits & 2;
		w->exits[0].ended = bits & 4;
		w->exits[0].signalled = bits & 8;
		w->exits[0].code = bits & 16 ? 9 : w->exits[0].signalled ? 6 : 0;
		w->report.limit = bits & 32 ? LIMIT_TEST : LIMIT_NONE;
		w->report.cancelled = bits & 64;
		w->report.broken = bits & 128 ? (char[]){ "x" } : NULL;
		w->report.infra = bits & 256 ? (char[]){ "x" } : NULL;
		w->report.end = bits & 512 ? MACHINE_RESET : MACHINE_STOPPED;
		proof = w->report.bye && w->exits[0].ended && !w->exits[0].signalled &&
			!w->exits[0].code && !(bits & (32 | 64 | 256));
		record_release(&w->rec);
		w->rec = (struct record)RECORD_INIT;
		verdict_decide(&w->in, &w->rec);
		assert_int_equal(w->rec.verdict == VERDICT_PASS, proof);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exit_code_0_passes),
		TEST(another_exit_code_fails),
		TEST(death_by_a_signal_fails),
		TEST(a_command_that_cannot_be_executed_fails),
		TEST(a_goodbye_without_the_commands_end_is_lost),
		TEST(kselftest_codes_are_read),
		TEST(automake_codes_are_read),
		TEST(a_whole_report_passes),
		TEST(a_report_that_passes_does_not_excuse_a_bad_exit),
		TEST(a_report_cut_short_fails),
		TEST(no_report_at_all_fails),
		TEST(a_failing_subtest_fails_though_the_exit_code_is_0),
		TEST(a_setup_that_fails_fails_the_test),
		TEST(a_teardown_that_fails_spoils_a_pass),
		TEST(an_oops_that_kills_the_test_only_is_a_crash),
		TEST(an_oops_outweighs_exit_code_0),
		TEST(a_warning_counts_only_when_asked),
		TEST(words_on_the_console_of_a_guest_that_lived_count_for_nothing),
		TEST(words_on_the_console_count_when_the_kernels_record_was_cut),
		TEST(a_taint_tells_what_the_log_lost),
		TEST(a_panic_is_a_crash),
		TEST(a_panic_before_init_is_a_crash),
		TEST(power_off_reset_and_halt_are_lost),
		TEST(a_guest_that_ended_after_the_commands_end_is_still_lost),
		TEST(a_triple_fault_is_a_crash),
		TEST(a_restart_by_triple_fault_is_a_restart),
		TEST(an_oops_before_an_orderly_end_counts_when_the_kernels_record_has_it),
		TEST(an_oops_of_booting_counts_before_an_orderly_end),
		TEST(a_broken_channel_is_lost),
		TEST(an_engine_that_dies_is_infra),
		TEST(a_failure_of_the_rig_is_infra_whatever_else_was_seen),
		TEST(a_cancelled_job_has_no_pass),
		TEST(a_limit_is_a_timeout_and_named),
		TEST(the_panic_that_we_provoked_by_nmi_is_no_crash),
		TEST(a_guest_that_hangs_after_an_oops_is_a_crash),
		TEST(words_of_a_panic_in_a_guest_that_lives_past_its_limit_are_no_crash),
		TEST(a_stall_before_a_limit_is_told_with_the_timeout),
		TEST(an_expected_failure_that_passes_is_not_ok),
		TEST(an_expected_failure_does_not_excuse_a_crash),
		TEST(an_expected_crash_is_met_by_a_crash_alone),
		TEST(a_panic_that_is_only_printed_meets_no_expected_crash),
		TEST(an_expected_timeout_is_met_by_the_tests_own_limit_alone),
		TEST(no_combination_of_facts_passes_without_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
