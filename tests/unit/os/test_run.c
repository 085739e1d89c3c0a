/* SPDX-License-Identifier: MIT */
/* Runs on a machine that is played: what is sent to it, when it is ended and how, and what is told of it. */
#include "played.h"

/* ---- steps ---- */

static void steps_go_on_by_what_is_heard(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: 'ready>'}, {send: hello}, {expect: '^bye$'}]");
	start(w);
	says("booting\r\nrea");
	turns(w);
	assert_int_equal(played.sent.len, 0);
	says("dy> ");
	turns(w);
	assert_string_equal(buf_str(&played.sent), "hello\r");
	assert_null(w->report);
	says("hello\r\nbye\r\n");
	finish(w);
	assert_int_equal(w->report->steps[2].state, OS_STEP_DONE);
	assert_int_equal(w->report->rung, OS_RUNG_QUIT);
	assert_true(w->report->boot_ms >= 0);
}

static void login_answers_both_prompts(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{login: {user: ci, password: pw}}]");
	start(w);
	says("box login: ");
	assert_string_equal(buf_str(&played.sent), "ci\r");
	says("ci\r\nPassword: ");
	assert_string_equal(buf_str(&played.sent), "ci\rpw\r");
	says("\r\nWelcome\r\n$ ");
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_DONE);
}

static void login_that_is_refused_fails(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{login: {user: ci, password: pw}}, {send: never}]");
	start(w);
	says("login: ");
	says("ci\r\nPassword: ");
	says("\r\nLogin incorrect\r\nlogin: ");
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_FAILED);
	assert_int_equal(w->report->steps[1].state, OS_STEP_WAITING);
	assert_null(strstr(buf_str(&played.sent), "never"));
}

/* The echo of the command line is no answer. */
static void shell_takes_the_exit_code(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{shell: 'true'}, {shell: 'false'}]");
	start(w);
	says("# true; echo 'vmrig''said='$?'='\r\n");
	turns(w);
	assert_null(w->report);
	says("vmrigsaid=0=\r\n# ");
	turns(w);
	says("false\r\nvmrigsaid=1=\r\n# ");
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_DONE);
	assert_int_equal(w->report->steps[1].state, OS_STEP_FAILED);
}

static void step_has_a_limit_of_its_own(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: never, timeout: 30ms}]");
	start(w);
	says("something else\r\n");
	finish(w);
	assert_int_equal(w->report->limit, OS_LIMIT_STEP);
	assert_int_equal(w->report->limit_ms, 30);
	assert_non_null(strstr(w->report->steps[0].why, "something else"));
	assert_true(strv_has(&w->report->artifacts, "registers.txt"));
}

static void monitor_that_refuses_fails_the_step(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{qmp: query-status}, {qmp: bad}]");
	start(w);
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_DONE);
	assert_string_equal(w->report->steps[1].why, "no such command");
}

/* No reply comes any more, which is nothing that the step could have done better. */
static void engine_that_is_gone_loses_the_step(void **state)
{
	static const char *const steps[] = { "[{qmp: query-status}]", "[{screenshot: x}]" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		played.gone = true;
		read_steps(w, steps[i]);
		start(w);
		turns(w);
		assert_int_equal(w->os->report.steps[0].state, OS_STEP_RUNNING);
		ends(i ? MACHINE_POWERED_OFF : MACHINE_DIED);
		finish(w);
		assert_int_equal(w->report->steps[0].state, OS_STEP_LOST);
		os_free(w->os);
		w->os = NULL;
		w->report = NULL;
		os_steps_release(&w->steps);
	}
}

static void end_of_the_machine_is_a_step_or_a_loss(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{ends: powered-off}]");
	start(w);
	ends(MACHINE_POWERED_OFF);
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_DONE);
	assert_true(w->report->by_itself);
}

static void machine_that_ends_otherwise_fails_the_step(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{ends: powered-off}]");
	start(w);
	ends(MACHINE_RESET);
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_FAILED);
}

static void step_that_waits_when_the_machine_ends_is_lost(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: never}]");
	start(w);
	ends(MACHINE_POWERED_OFF);
	finish(w);
	assert_int_equal(w->report->steps[0].state, OS_STEP_LOST);
}

/* ---- grammar ---- */

static char start_word[] = "^Running (?<count>\\d+)", pass_word[] = "^PASS", fail_word[] = "^FAIL",
	    panic_word[] = "^panic", case_word[] = "^(\\S+) ok$", end_word[] = "^END";

static void nothing_counts_before_the_start(void **state)
{
	struct world *w = *state;

	w->grammar = (struct os_grammar){
		.start = start_word, .pass = pass_word, .fail = fail_word, .case_pass = case_word
	};
	start(w);
	says("FAIL of the firmware\r\nPASS\r\na ok\r\nRunning 2 tests\r\nb ok\r\nc ok\r\n");
	turns(w);
	assert_null(w->report);
	says("PASS\r\n");
	finish(w);
	assert_null(w->report->fail.line);
	assert_string_equal(w->report->pass.line, "PASS");
	assert_int_equal(w->report->planned, 2);
	assert_int_equal(w->report->n_cases, 2);
	assert_string_equal(w->report->cases[0].name, "b");
}

static void panic_gets_its_last_words(void **state)
{
	struct world *w = *state;

	w->grammar = (struct os_grammar){ .pass = pass_word, .panic = panic_word };
	start(w);
	says("panic: all is lost\r\n");
	turns(w);
	assert_null(w->report);
	says("  at kernel.c:1\r\n");
	finish(w);
	assert_string_equal(w->report->panic.line, "panic: all is lost");
	assert_int_equal(played.buttons, 0);
}

static void last_word_needs_no_end_of_its_line(void **state)
{
	struct world *w = *state;

	w->grammar.pass = pass_word;
	start(w);
	says("PASS");
	finish(w);
	assert_string_equal(w->report->pass.line, "PASS");
}

static void exit_port_is_waited_for_after_a_pass(void **state)
{
	struct world *w = *state;

	w->grammar.pass = pass_word;
	w->exit_port = (struct os_exit_port){ .port = 0xf4, .pass = { 0x10 }, .n_pass = 1 };
	start(w);
	says("PASS\r\n");
	turns(w);
	assert_null(w->report);
	played.exit_value = 0x10;
	ends(MACHINE_EXITED);
	finish(w);
	assert_int_equal(w->report->exit_value, 0x10);
	assert_int_equal(w->report->rung, OS_RUNG_NONE);
}

static void report_ends_with_the_grammars_end(void **state)
{
	struct world *w = *state;

	w->grammar.end = end_word;
	w->spec.report_serial = true;
	start(w);
	says("1..1\r\nok 1\r\n");
	turns(w);
	assert_null(w->report);
	says("END\r\n");
	finish(w);
	assert_non_null(w->report->end_said.line);
}

/* ---- limits and the ladder ---- */

static void boot_limit_ends_with_the_start(void **state)
{
	struct world *w = *state;

	w->grammar = (struct os_grammar){ .start = start_word, .pass = pass_word };
	w->spec.boot_ms = 30;
	start(w);
	finish(w);
	assert_int_equal(w->report->limit, OS_LIMIT_BOOT);
}

static void flood_does_not_hold_up_the_limit(void **state)
{
	struct world *w = *state;
	char junk[4096];

	memset(junk, 'x', sizeof(junk) - 1);
	junk[sizeof(junk) - 1] = 0;
	read_steps(w, "[{expect: '(x+x+)+[yz]'}]");
	w->spec.test_ms = 50;
	w->spec.file_max = 10000;
	start(w);
	for (unsigned i = 0; i < 10000 && !w->report; i++) {
		says(junk);
		loop_turn(w->loop, 0);
	}
	assert_non_null(w->report);
	assert_int_equal(w->report->limit, OS_LIMIT_TEST);
	assert_non_null(
		strstr(w->report->steps[0].why ? w->report->steps[0].why : "", "too many steps"));
}

static void ladder_is_climbed_to_its_end(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: go}]");
	played.heeds_quit = false;
	w->spec.shutdown = (struct os_shutdown){ .button_ms = 10, .quit_ms = 10, .term_ms = 10 };
	start(w);
	says("go");
	finish(w);
	assert_int_equal(played.buttons, 1);
	assert_int_equal(played.quits, 1);
	assert_int_equal(played.terms, 1);
	assert_int_equal(played.kills, 1);
	assert_int_equal(w->report->rung, OS_RUNG_KILL);
	assert_int_equal(w->report->trouble.n, 1);
}

static void system_that_heeds_the_button_powers_off(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: go}]");
	played.heeds_button = true;
	w->spec.shutdown.button_ms = 60000;
	start(w);
	says("go");
	finish(w);
	assert_int_equal(w->report->rung, OS_RUNG_BUTTON);
	assert_int_equal(w->report->end, MACHINE_POWERED_OFF);
	assert_int_equal(w->report->trouble.n, 0);
}

static void wedged_monitor_does_not_hold_up_the_end(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: go, timeout: 10ms}]");
	played.heeds_quit = false;
	played.wedged = true;
	w->spec.shutdown = (struct os_shutdown){ .quit_ms = 10 };
	start(w);
	finish(w);
	assert_int_equal(played.kills, 1);
	assert_int_equal(w->report->limit, OS_LIMIT_STEP);
}

static void cancelled_run_is_told(void **state)
{
	struct world *w = *state;

	read_steps(w, "[{expect: go}]");
	start(w);
	os_cancel(w->os);
	finish(w);
	assert_true(w->report->cancelled);
	assert_int_equal(played.kills, 1);
}

static void every_byte_is_kept_with_its_time(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *log = path_join(w->dir, "console.log"),
			    *timing = path_join(w->dir, "console.timing");
	_cleanup_buf_ struct buf b = BUF_INIT, t = BUF_INIT;
	double gap;
	size_t n;

	w->grammar.pass = pass_word;
	start(w);
	says("\033[1mone\033[0m\r\n");
	says("PASS\r\n");
	finish(w);
	assert_int_equal(file_read(log, 1000, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "\033[1mone\033[0m\r\nPASS\r\n");
	assert_int_equal(file_read(timing, 1000, &t, NULL), 0);
	assert_int_equal(sscanf(buf_str(&t), "%lf %zu", &gap, &n), 2);
	assert_int_equal(n, 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(steps_go_on_by_what_is_heard),
		test(login_answers_both_prompts),
		test(login_that_is_refused_fails),
		test(shell_takes_the_exit_code),
		test(step_has_a_limit_of_its_own),
		test(monitor_that_refuses_fails_the_step),
		test(engine_that_is_gone_loses_the_step),
		test(end_of_the_machine_is_a_step_or_a_loss),
		test(machine_that_ends_otherwise_fails_the_step),
		test(step_that_waits_when_the_machine_ends_is_lost),
		test(nothing_counts_before_the_start),
		test(panic_gets_its_last_words),
		test(last_word_needs_no_end_of_its_line),
		test(exit_port_is_waited_for_after_a_pass),
		test(report_ends_with_the_grammars_end),
		test(boot_limit_ends_with_the_start),
		test(flood_does_not_hold_up_the_limit),
		test(ladder_is_climbed_to_its_end),
		test(system_that_heeds_the_button_powers_off),
		test(wedged_monitor_does_not_hold_up_the_end),
		test(cancelled_run_is_told),
		test(every_byte_is_kept_with_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
