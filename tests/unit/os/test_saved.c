/* SPDX-License-Identifier: MIT */
/* Machines that are prepared, saved and gone on from. */
#include "played.h"

static char pass_word[] = "^PASS", panic_word[] = "^panic", start_word[] = "^BEGIN";

static void prepare(struct world *w, const char *steps)
{
	read_list(steps, &w->prepare);
	w->spec.prepare = &w->prepare;
}

static void preparation_comes_first_and_its_words_mean_nothing(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	w->grammar = (struct os_grammar){ .start = start_word, .pass = pass_word };
	read_steps(w, "[{send: go}, {expect: PASS}]");
	start(w);
	says("BEGIN\r\nPASS\r\nready> ");
	turns(w);
	assert_string_equal(buf_str(&played.sent), "go\r");
	assert_null(w->report);
	says("BEGIN\r\nPASS\r\n");
	finish(w);
	assert_int_equal(w->report->n_steps, 3);
	assert_true(w->report->steps[0].prepares && !w->report->steps[1].prepares);
	assert_int_equal(w->report->steps[2].state, OS_STEP_DONE);
	assert_string_equal(w->report->pass.line, "PASS");
	assert_int_equal(w->told, 0);
	assert_false(w->report->cloned);
}

static void prepared_machine_is_saved_and_goes_on_from_there(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{send: go}, {expect: '^done'}]");
	w->spec.saves = true;
	w->spec.shutdown.button_ms = 60000;
	start(w);
	assert_true(played.spec.memory_fd > 0 && played.spec.memory_shared);
	assert_int_equal(played.spec.state_fd, 0);
	says("done\r\nready> ");
	turns(w);
	turns(w);
	assert_int_equal(played.saves, 1);
	assert_int_equal(played.starts, 2);
	assert_true(played.spec.memory_fd > 0 && !played.spec.memory_shared);
	assert_true(played.spec.state_fd > 0);
	assert_int_equal(w->told, 1);
	assert_non_null(w->saved);
	assert_string_equal(buf_str(&played.sent), "go\r");
	assert_null(w->report);
	says("done\r\n");
	finish(w);
	assert_true(w->report->cloned);
	assert_int_equal(w->report->steps[2].state, OS_STEP_DONE);
	/* Of a copy nobody wants to know how it is shut down. */
	assert_int_equal(played.buttons, 0);
	assert_int_equal(w->report->engine_cpu_us, 2);
}

static void others_go_on_from_a_saved_machine_on_layers_of_their_own(void **state)
{
	static struct machine_disk disk = { .path = "/a.img", .format = "raw" };
	static struct os_media media = { .virtual_size = 1 << 20 };
	struct world *w = *state;
	int frozen;

	w->plan.disks = &disk;
	w->plan.media = &media;
	w->plan.os.n_disks = 1;
	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{expect: '^done'}]");
	w->spec.saves = true;
	start(w);
	assert_true(played.disk.own > 0 && !played.disk.frozen);
	says("ready> ");
	turns(w);
	turns(w);
	frozen = played.disk.frozen;
	assert_true(frozen > 0 && played.disk.own > 0);
	says("done\r\n");
	finish(w);
	os_free(w->os);
	w->os = NULL;
	w->report = NULL;
	w->spec.saves = false;
	w->spec.from = w->saved;
	start(w);
	assert_true(played.spec.state_fd > 0 && !played.spec.memory_shared);
	assert_int_equal(played.disk.frozen, frozen);
	assert_int_not_equal(played.disk.own, frozen);
	/* Once it goes on from there it needs it no more. */
	os_saved_free(w->saved);
	w->saved = NULL;
	says("done\r\n");
	finish(w);
	assert_true(w->report->cloned);
	assert_int_equal(w->report->n_steps, 1);
	assert_int_equal(played.saves, 1);
}

static void machine_that_cannot_be_saved_goes_on_as_it_is(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{send: go}, {expect: '^done'}]");
	w->spec.saves = true;
	played.not_saved = "State blocked by a device";
	start(w);
	says("ready> ");
	turns(w);
	assert_int_equal(played.conts, 1);
	assert_int_equal(played.starts, 1);
	assert_int_equal(w->told, 1);
	assert_null(w->saved);
	assert_string_equal(w->why, "State blocked by a device");
	says("done\r\n");
	finish(w);
	assert_false(w->report->cloned);
	assert_string_equal(w->report->not_saved, "State blocked by a device");
	assert_int_equal(w->report->steps[2].state, OS_STEP_DONE);
}

static void preparation_that_fails_is_told_and_nothing_is_saved(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>', timeout: 20ms}]");
	read_steps(w, "[{send: go}]");
	w->spec.saves = true;
	start(w);
	finish(w);
	assert_int_equal(w->told, 0);
	assert_int_equal(w->report->steps[0].state, OS_STEP_TIMEOUT);
	assert_int_equal(w->report->steps[1].state, OS_STEP_WAITING);
	assert_int_equal(played.sent.len, 0);
}

static void panic_while_it_is_prepared_counts(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	w->grammar =
		(struct os_grammar){ .start = start_word, .pass = pass_word, .panic = panic_word };
	w->spec.saves = true;
	start(w);
	says("panic: no root\r\nready> ");
	finish(w);
	assert_string_equal(w->report->panic.line, "panic: no root");
	assert_int_equal(played.saves, 0);
}

static void the_end_of_the_engine_while_it_saves_is_a_loss(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{send: go}]");
	w->spec.saves = played.keeps_saving = true;
	start(w);
	says("ready> ");
	turns(w);
	assert_int_equal(played.saves, 1);
	ends(MACHINE_DIED);
	finish(w);
	assert_int_equal(w->report->end, MACHINE_DIED);
	assert_int_equal(w->report->steps[1].state, OS_STEP_WAITING);
	assert_int_equal(w->told, 0);
}

static void limit_of_the_test_bounds_the_saving(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{send: go}]");
	w->spec.saves = played.keeps_saving = true;
	w->spec.test_ms = 50;
	start(w);
	says("ready> ");
	finish(w);
	assert_int_equal(w->report->limit, OS_LIMIT_TEST);
}

/* The machine that was saved has ended, the next one has not begun. */
static void run_that_is_cancelled_between_two_machines_ends(void **state)
{
	struct world *w = *state;

	prepare(w, "[{expect: 'ready>'}]");
	read_steps(w, "[{send: go}]");
	w->spec.saves = true;
	start(w);
	says("ready> ");
	for (unsigned i = 0; i < 100 && !w->os->again; i++)
		loop_turn(w->loop, 1);
	assert_true(w->os->again);
	os_cancel(w->os);
	finish(w);
	assert_true(w->report->cancelled);
	assert_int_equal(played.starts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(preparation_comes_first_and_its_words_mean_nothing),
		test(prepared_machine_is_saved_and_goes_on_from_there),
		test(others_go_on_from_a_saved_machine_on_layers_of_their_own),
		test(machine_that_cannot_be_saved_goes_on_as_it_is),
		test(preparation_that_fails_is_told_and_nothing_is_saved),
		test(panic_while_it_is_prepared_counts),
		test(the_end_of_the_engine_while_it_saves_is_a_loss),
		test(limit_of_the_test_bounds_the_saving),
		test(run_that_is_cancelled_between_two_machines_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
