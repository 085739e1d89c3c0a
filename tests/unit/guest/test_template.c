/* SPDX-License-Identifier: MIT */
/* A guest that is a clone: making the template, waiting for it, and every way in which it comes to nothing. */
#include "rig.h"

static int wish_clone(void **state)
{
	int r = rig_make(state);

	rig.spec.isolate = ISOLATE_CLONE;
	return r;
}

#define T(f) cmocka_unit_test_setup_teardown(f, wish_clone, rig_remove)

/* The frames of a clone go on behind the HELLO of its template. */
static void woken(void)
{
	session_anew(1);
	machine.ended = 0;
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
}

static void to_the_end(void)
{
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
}

static void make_template(void)
{
	if (!rig.job)
		start();
	be_parked();
	turn();
	assert_int_equal(machine.commits, 1);
	woken();
}

static void the_first_makes_it_and_is_its_first_clone(void **state)
{
	start();
	assert_true(machine.last.memory_fd && machine.last.memory_shared && !machine.last.state_fd);
	pass(300);
	make_template();
	assert_int_equal(machine.started, 2);
	assert_int_equal(machine.saves, 1);
	assert_true(machine.last.memory_fd && !machine.last.memory_shared && machine.last.state_fd);
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_null(rig.report->isolate_why);
	assert_string_equal(rig.report->release, "6.1.0-fake");
	assert_int_equal(rig.report->boot_ms, 300);
	assert_int_equal(rig.report->engine_cpu_us, 2 * 1234);
}

static void each_step_is_told_with_its_time(void **state)
{
	const int64_t *at;

	start();
	pass(300);
	make_template(); /* what was before the clone itself is forgotten */
	pass(10);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	pass(20);
	say_started(0);
	pass(30);
	say_output(WIRE_STDOUT, 0, "x");
	pass(40);
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	pass(50);
	say_bye();
	expect_over();
	at = rig.report->steps_us;
	assert_int_equal(at[STEP_STATE], -1); /* the fake does not tell */
	assert_int_equal(at[STEP_AGENT], 310000);
	assert_int_equal(at[STEP_ROOT], 310000);
	assert_int_equal(at[STEP_COMMAND], 330000);
	assert_int_equal(at[STEP_OUTPUT], 360000);
	assert_int_equal(at[STEP_EXIT], 400000);
	assert_int_equal(at[STEP_END], 450000);
	assert_true(at[STEP_ENGINE] >= 0 && at[STEP_RUNS] >= at[STEP_ENGINE]);
	for (enum guest_step s = 0; s < GUEST_STEPS; s++)
		assert_true(strlen(guest_step_name(s)) > 0);
}

static void the_next_is_a_clone_at_once(void **state)
{
	make_template();
	to_the_end();
	rig_again();
	rig.spec.isolate = ISOLATE_CLONE;
	machine.started = 0;
	start();
	woken();
	to_the_end();
	assert_int_equal(machine.started, 1);
	assert_int_equal(machine.saves, 0);
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_string_equal(rig.report->agent, "agent 1");
	assert_int_equal(rig.report->trouble.n, 1);
}

/* What WELCOME, which has just come, gives a guest of its own. */
struct given {
	int64_t wall_ns;
	size_t entropy_len;
	char machine_id[64];
};

static struct given given(void)
{
	struct given g;
	struct wire_dec d;
	char *text;

	dec_init(&d, &rig.got);
	dec_u16(&d);
	dec_u64(&d);
	g.wall_ns = (int64_t)dec_u64(&d);
	dec_bytes(&d, &g.entropy_len);
	free(dec_str(&d));
	text = dec_str(&d);
	assert_non_null(text);
	snprintf(g.machine_id, sizeof(g.machine_id), "%s", text);
	free(text);
	return g;
}

/* One guest from HELLO to its end. */
static struct given welcomed(void)
{
	struct given g;

	session_anew(1);
	machine.ended = 0;
	expect(WIRE_WELCOME);
	g = given();
	expect(WIRE_ROOT);
	to_the_end();
	return g;
}

static void use_key(const char *key)
{
	rig.plan->template_key = xstrdup(key);
}

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void each_clone_is_given_what_is_its_own(void **state)
{
	struct given first, second;

	use_key(KEY);
	start();
	be_parked();
	first = welcomed();
	rig_again();
	rig.spec.isolate = ISOLATE_CLONE;
	use_key(KEY);
	start();
	second = welcomed();
	assert_int_equal(first.entropy_len, 64);
	assert_int_equal(second.entropy_len, 64);
	assert_true(first.wall_ns > 0 && second.wall_ns > 0);
	assert_string_not_equal(first.machine_id, second.machine_id);
	assert_int_equal(strlen(first.machine_id), 32);
	assert_false(rig.report->deterministic);
}

static void those_that_are_to_be_alike_are_given_the_same(void **state)
{
	struct given g;

	for (int i = 0; i < 2; i++) {
		if (i)
			rig_again();
		rig.spec.isolate = ISOLATE_CLONE;
		rig.plan->deterministic = true;
		use_key(KEY);
		start();
		if (!i)
			be_parked();
		g = welcomed();
		assert_int_equal(g.entropy_len, 0);
		assert_int_equal(g.wall_ns, 0);
		assert_string_equal(g.machine_id, "0123456789ab4def"
						  "a123456789abcdef");
		assert_true(rig.report->deterministic);
	}
}

/* There is nobody to be alike with. */
static void a_guest_that_boots_is_given_its_own_however_it_was_wished_for(void **state)
{
	rig.spec.isolate = ISOLATE_BOOT;
	rig.plan->deterministic = true;
	start();
	say_hello();
	expect(WIRE_WELCOME);
	assert_int_equal(given().entropy_len, 64);
	expect(WIRE_ROOT);
	to_the_end();
	assert_false(rig.report->deterministic);
}

static void one_that_somebody_else_makes_is_waited_for(void **state)
{
	machine.template_taken = 5;
	start();
	pass(20);
	assert_int_equal(machine.started, 0);
	pass(500);
	assert_int_equal(machine.started, 1);
	assert_true(machine.last.memory_shared);
}

static void what_is_waited_for_does_not_count_as_booting(void **state)
{
	machine.template_taken = 1000;
	rig.spec.boot_ms = 50;
	start();
	pass(500);
	machine.template_taken = 0;
	pass(20);
	assert_int_equal(machine.started, 1);
	assert_int_equal(rig.dones, 0);
}

static void who_waits_can_be_cancelled(void **state)
{
	machine.template_taken = BIG;
	start();
	pass(20);
	job_cancel(rig.job);
	turn();
	assert_int_equal(rig.dones, 1);
	assert_true(rig.report->cancelled);
	assert_int_equal(machine.started, 0);
}

static void a_maker_that_never_ends_is_not_waited_for_for_ever(void **state)
{
	machine.template_taken = BIG;
	start();
	pass(125000);
	assert_int_equal(machine.started, 1);
	assert_int_equal(machine.last.memory_fd, 0);
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "another process"));
}

static void a_machine_that_cannot_be_saved_goes_on_as_it_is(void **state)
{
	machine.cannot_save = true;
	start();
	be_parked();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	assert_int_equal(machine.conts, 1);
	to_the_end();
	assert_int_equal(machine.started, 1);
	assert_int_equal(machine.commits, 0);
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "no space"));
}

static void one_that_is_not_parked_is_booted_instead(void **state)
{
	start();
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_PARK);
	say_done(ID_PARK, -5, "it will not");
	turn();
	assert_int_equal(machine.started, 2);
	assert_int_equal(machine.saves, 0);
	session_anew(0);
	machine.ended = 0;
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "it will not"));
}

/* It may hold what the agent has not taken yet. */
static void a_guest_on_a_uart_is_saved_without_being_parked(void **state)
{
	rig.plan->spec.channel = CHANNEL_UART;
	start();
	say_hello();
	turn();
	assert_int_equal(machine.commits, 1);
	woken();
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
}

static void where_there_can_be_no_template_it_boots(void **state)
{
	machine.no_templates = true;
	start();
	assert_int_equal(machine.last.memory_fd, 0);
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "the fake saves nothing"));
}

static void a_damaged_one_is_named_and_made_anew(void **state)
{
	machine.template_damaged = true;
	make_template();
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_non_null(strstr(rig.report->isolate_why, "damaged"));
}

static void one_that_the_engine_refuses_is_removed_and_made_anew(void **state)
{
	make_template();
	to_the_end();
	rig_again();
	rig.spec.isolate = ISOLATE_CLONE;
	machine.commits = 0;
	machine.refuses_state = true;
	start();
	turn();
	assert_int_equal(machine.removes, 1);
	assert_true(machine.last.memory_shared);
	session_anew(0);
	be_parked();
	turn();
	assert_int_equal(machine.commits, 1);
	woken();
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_non_null(strstr(rig.report->isolate_why, "load of migration failed"));
}

static void a_boot_that_dies_is_the_jobs_own(void **state)
{
	start();
	fake_end(MACHINE_PANICKED, "the guest panicked");
	turn();
	assert_int_equal(rig.dones, 1);
	assert_int_equal(rig.report->end, MACHINE_PANICKED);
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_int_equal(machine.started, 1);
	assert_int_equal(machine.commits, 0);
}

static void an_engine_that_dies_while_it_makes_one_is_started_again_without(void **state)
{
	start();
	fake_end(MACHINE_DIED, "killed by SIGBUS");
	turn();
	assert_int_equal(machine.started, 2);
	assert_int_equal(machine.last.memory_fd, 0);
	say_hello();
	machine.ended = 0;
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	to_the_end();
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "SIGBUS"));
}

static void a_boot_that_hangs_runs_into_its_limit(void **state)
{
	rig.spec.boot_ms = 1000;
	start();
	pass(20000);
	assert_int_equal(rig.dones, 1);
	assert_int_equal(rig.report->limit, LIMIT_BOOT);
	assert_int_equal(machine.commits, 0);
}

static void a_clone_that_dies_later_is_not_the_templates_fault(void **state)
{
	make_template();
	fake_end(MACHINE_DIED, "killed");
	turn();
	assert_int_equal(rig.dones, 1);
	assert_int_equal(rig.report->end, MACHINE_DIED);
	assert_int_equal(machine.removes, 0);
}

static void it_can_be_cancelled_between_boot_and_clone(void **state)
{
	machine.stubborn = true;
	start();
	be_parked();
	assert_int_equal(machine.saves, 1);
	job_cancel(rig.job);
	fake_end(MACHINE_STOPPED, NULL);
	turn();
	assert_int_equal(rig.dones, 1);
	assert_int_equal(machine.started, 1);
}

/* Up to EXITED of the command that is run before the template is kept. */
static void prepare(int code)
{
	use_commands(2, false);
	rig.commands[0].prepares = true;
	start();
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_PREPARE);
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n");
	say_output(WIRE_STDOUT, 3 - ID_COMMAND, "no such thing\n");
	say_exited_raw(ID_PREPARE, 0, (uint32_t)code, 1000);
}

static void a_command_is_run_once_before_it_is_kept(void **state)
{
	prepare(0);
	expect(WIRE_PARK);
	say_done(ID_PARK, 0, "");
	rig.w = (struct wire_writer){ 0 };
	say_hello();
	turn();
	assert_int_equal(machine.commits, 1);
	woken();
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n");
	say_done(ID_ROOT, 0, "");
	expect_exec(1);
	say_started(1);
	say_exited(1, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_int_equal(rig.report->isolate, ISOLATE_CLONE);
	assert_true(rig.report->kmsg_whole);
	assert_true(rig.report->exits[0].ended);
	assert_int_equal(rig.report->exits[1].wall_us, 1000);
}

static void one_that_fails_is_run_in_a_guest_that_boots(void **state)
{
	prepare(3);
	turn();
	assert_int_equal(machine.started, 2);
	assert_int_equal(machine.commits, 0);
	machine.ended = 0;
	session_anew(0);
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_ROOT);
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 3);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_int_equal(rig.report->isolate, ISOLATE_BOOT);
	assert_non_null(strstr(rig.report->isolate_why, "exit code 3: no such thing"));
}

static void a_guest_that_dies_of_it_is_booted_anew(void **state)
{
	use_commands(2, false);
	rig.commands[0].prepares = true;
	start();
	say_hello();
	expect(WIRE_WELCOME);
	fake_end(MACHINE_PANICKED, "the guest panicked");
	turn();
	assert_int_equal(machine.started, 2);
	assert_int_equal(machine.last.memory_fd, 0);
	assert_int_equal(rig.dones, 0);
}

static void a_guest_is_kept_for_other_commands_while_it_is_well(void **state)
{
	const struct job_report *r;
	const struct job_handlers none = { 0 };

	rig.spec.keep = true;
	make_template();
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n");
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	expect_nothing();
	r = rig.report;
	assert_true(r->kept && r->bye && r->kmsg_whole);
	assert_int_equal(rig.dones, 1);
	assert_true(job_usable(rig.job));
	rig.spec.keep = false;
	job_again(rig.job, &rig.spec, &none);
	expect_exec(0);
	say_started(0);
	say_exited(0, 7);
	expect(WIRE_SHUTDOWN);
	say_bye();
	turn();
	assert_int_equal(rig.report->exits[0].code, 7);
	assert_true(rig.report->bye && !rig.report->kept);
	assert_int_equal(rig.report->boot_ms, 0);
}

static void a_guest_whose_kernel_complained_leaves(void **state)
{
	rig.spec.keep = true;
	make_template();
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n"
		 "1,1,2000,-;BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
		 "1,2,2000,-;Oops: 0000 [#1] PREEMPT SMP NOPTI\n");
	to_the_end();
	assert_false(rig.report->kept);
	assert_true(rig.report->bye);
}

static void a_kept_guest_that_ends_is_of_no_more_use(void **state)
{
	rig.spec.keep = true;
	make_template();
	say_kmsg("6,0,1000,-;Linux version 6.1.0-fake\n");
	say_done(ID_ROOT, 0, "");
	expect_exec(0);
	say_started(0);
	say_exited(0, 0);
	assert_true(job_usable(rig.job));
	fake_end(MACHINE_PANICKED, "the guest panicked");
	turn();
	assert_false(job_usable(rig.job));
	assert_int_equal(rig.dones, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_first_makes_it_and_is_its_first_clone),
		T(each_step_is_told_with_its_time),
		T(the_next_is_a_clone_at_once),
		T(each_clone_is_given_what_is_its_own),
		T(those_that_are_to_be_alike_are_given_the_same),
		T(a_guest_that_boots_is_given_its_own_however_it_was_wished_for),
		T(one_that_somebody_else_makes_is_waited_for),
		T(what_is_waited_for_does_not_count_as_booting),
		T(who_waits_can_be_cancelled),
		T(a_maker_that_never_ends_is_not_waited_for_for_ever),
		T(a_machine_that_cannot_be_saved_goes_on_as_it_is),
		T(one_that_is_not_parked_is_booted_instead),
		T(a_guest_on_a_uart_is_saved_without_being_parked),
		T(where_there_can_be_no_template_it_boots),
		T(a_damaged_one_is_named_and_made_anew),
		T(one_that_the_engine_refuses_is_removed_and_made_anew),
		T(a_boot_that_dies_is_the_jobs_own),
		T(an_engine_that_dies_while_it_makes_one_is_started_again_without),
		T(a_boot_that_hangs_runs_into_its_limit),
		T(a_clone_that_dies_later_is_not_the_templates_fault),
		T(it_can_be_cancelled_between_boot_and_clone),
		T(a_command_is_run_once_before_it_is_kept),
		T(one_that_fails_is_run_in_a_guest_that_boots),
		T(a_guest_that_dies_of_it_is_booted_anew),
		T(a_guest_is_kept_for_other_commands_while_it_is_well),
		T(a_guest_whose_kernel_complained_leaves),
		T(a_kept_guest_that_ends_is_of_no_more_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
