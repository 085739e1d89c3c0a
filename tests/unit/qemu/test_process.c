/* SPDX-License-Identifier: MIT */
/* What becomes of a QEMU that misbehaves, played by fake_qemu.c. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct qemu_features fake;

static struct qemu_config config(const char *mode)
{
	setenv("FAKE_QEMU_MODE", mode, 1);
	return (struct qemu_config){
		.features = &fake, .cpus = 1, .memory_mib = 64, .kernel = "k"
	};
}

static void run(struct record *r, const char *mode)
{
	struct qemu_config c = config(mode);

	record_start(r, &c);
	record_run(r);
	assert_int_equal(r->ends, 1);
	assert_false(qemu_alive(r->qemu));
}

static void a_death_is_told_with_exit_code_and_last_words(void **state)
{
	struct record r = { 0 };

	run(&r, "dies");
	assert_int_equal(r.end, QEMU_DIED);
	assert_string_equal(r.why,
		"QEMU ended by itself with exit code 3; its last words: first / no such\tthing");
	record_release(&r);
}

static void a_killed_qemu_has_died_and_nothing_it_said_is_lost(void **state)
{
	struct record r = { 0 };

	run(&r, "killed");
	assert_int_equal(r.end, QEMU_DIED);
	assert_non_null(strstr(r.why, "killed by SIGKILL"));
	assert_string_equal(buf_str(&r.console), "the last byte");
	record_release(&r);
}

static void a_flood_is_delivered_to_its_last_byte_before_the_end(void **state)
{
	struct record r = { 0 };

	run(&r, "floods");
	assert_int_equal(r.end, QEMU_GUEST_SHUTDOWN);
	assert_int_equal(r.console.len, 8192 * 1024 + 3);
	assert_true(str_ends(r.console.data, "xEND"));
	record_release(&r);
}

static void a_monitor_that_talks_nonsense_ends_it(void **state)
{
	struct record r = { 0 };

	run(&r, "garbage");
	assert_int_equal(r.end, QEMU_DIED);
	assert_string_equal(r.why, "QMP: not a JSON object: bless you");
	record_release(&r);
	run(&r, "endless message");
	assert_int_equal(r.end, QEMU_DIED);
	assert_true(str_starts(r.why, "QMP: a message without end"));
	record_release(&r);
}

static void an_heir_that_holds_the_channels_does_not_hold_up_the_end(void **state)
{
	struct record r = { 0 };

	run(&r, "heir");
	assert_int_equal(r.end, QEMU_GUEST_RESET);
	record_release(&r);
}

static void a_guest_stopped_by_an_internal_error_is_a_death(void **state)
{
	struct record r = { 0 };

	run(&r, "internal error");
	assert_int_equal(r.end, QEMU_DIED);
	assert_string_equal(r.why, "QEMU stopped the guest with an internal error; its last words: "
				   "KVM internal error. Suberror: 1 / emulation failure");
	record_release(&r);
}

static void note_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct buf *b = arg;

	buf_addf(b, "%s;", error ? error->desc : "ok");
}

static void commands_are_answered_when_the_monitor_closes(void **state)
{
	struct qemu_config c = config("closes its monitor");
	_cleanup_buf_ struct buf replies = BUF_INIT;
	struct record r = { 0 };

	record_start(&r, &c);
	qemu_command(r.qemu, "stop", NULL, note_reply, &replies);
	while (replies.len == 0)
		loop_turn(r.loop, 1000);
	assert_string_equal(replies.data, "QEMU closed its monitor;");
	qemu_stop(r.qemu);
	record_run(&r);
	assert_int_equal(r.end, QEMU_STOPPED);
	qemu_command(r.qemu, "stop", NULL, note_reply, &replies);
	assert_string_equal(replies.data, "QEMU closed its monitor;QEMU closed its monitor;");
	record_release(&r);
}

static void a_silent_qemu_can_be_stopped(void **state)
{
	struct qemu_config c = config("silent");
	struct record r = { 0 };

	record_start(&r, &c);
	qemu_sysrq(r.qemu, 'l');
	qemu_console_write(r.qemu, "x", 1);
	qemu_inject_nmi(r.qemu);
	loop_turn(r.loop, 10);
	assert_true(qemu_alive(r.qemu));
	qemu_stop(r.qemu);
	assert_int_equal(r.ends, 0);
	record_run(&r);
	assert_int_equal(r.end, QEMU_STOPPED);
	assert_false(qemu_alive(r.qemu));
	record_release(&r);
}

static void a_signal_from_outside_is_a_death(void **state)
{
	struct qemu_config c = config("silent");
	struct record r = { 0 };
	char path[64];
	pid_t child = 0;
	FILE *f;

	record_start(&r, &c);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &child), 1);
	fclose(f);
	assert_int_equal(getsid(child), child); /* a terminal's Ctrl-C does not reach it */
	kill(child, SIGKILL);
	record_run(&r);
	assert_int_equal(r.end, QEMU_DIED);
	assert_string_equal(r.why, "QEMU was killed by SIGKILL");
	record_release(&r);
}

static void it_can_be_freed_inside_its_own_handlers(void **state)
{
	struct record r = { .free_on_console = true };
	struct qemu_config c = config("floods");

	record_start(&r, &c);
	record_run(&r);
	assert_null(r.qemu);
	assert_int_equal(r.ends, 0);
	record_release(&r);

	r.free_on_end = true;
	c = config("dies");
	record_start(&r, &c);
	record_run(&r);
	assert_int_equal(r.ends, 1);
	record_release(&r);
}

static void neither_zombie_nor_descriptor_is_left(void **state)
{
	static const char *const modes[] = { "dies", "killed", "heir", "garbage", "silent" };
	const char *const ports[] = { "a", "b" };
	size_t before = count_fds();

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct qemu_config c = config(modes[i]);
		struct record r = { 0 };

		c.ports = ports;
		c.n_ports = 2;
		c.second_uart = true;
		record_start(&r, &c);
		assert_true(qemu_port(r.qemu, 2) >= 0);
		if (i % 2 == 0)
			loop_turn(r.loop, 20);
		record_release(&r);
		assert_int_equal(count_fds(), before);
	}
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void a_missing_program_is_an_error_and_leaves_nothing(void **state)
{
	struct qemu_features missing = { .program = (char[]){ "/nonexistent/qemu" } };
	struct qemu_handlers h = { record_console, record_end, NULL };
	_cleanup_loop_ struct loop *loop = loop_new();
	struct qemu_config c = config("silent");
	size_t before = count_fds();
	struct err e = ERR_INIT;
	struct qemu *q = NULL;

	c.features = &missing;
	assert_int_equal(qemu_start(loop, &c, &h, &q, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "/nonexistent/qemu"));
	assert_null(q);
	assert_int_equal(count_fds(), before);
	err_release(&e);
}

static void usage_is_known_while_it_runs_and_afterwards(void **state)
{
	struct qemu_config c = config("floods");
	int64_t cpu_us = -1, maxrss_kib = -1;
	struct record r = { 0 };

	record_start(&r, &c);
	qemu_usage(r.qemu, &cpu_us, &maxrss_kib);
	assert_true(cpu_us >= 0);
	assert_true(maxrss_kib >= 0); /* the kernel counts a young process's pages late */
	record_run(&r);
	qemu_usage(r.qemu, &cpu_us, &maxrss_kib);
	assert_true(cpu_us > 0);
	assert_true(maxrss_kib > 100);
	record_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_is_told_with_exit_code_and_last_words),
		cmocka_unit_test(a_killed_qemu_has_died_and_nothing_it_said_is_lost),
		cmocka_unit_test(a_flood_is_delivered_to_its_last_byte_before_the_end),
		cmocka_unit_test(a_monitor_that_talks_nonsense_ends_it),
		cmocka_unit_test(an_heir_that_holds_the_channels_does_not_hold_up_the_end),
		cmocka_unit_test(a_guest_stopped_by_an_internal_error_is_a_death),
		cmocka_unit_test(commands_are_answered_when_the_monitor_closes),
		cmocka_unit_test(a_silent_qemu_can_be_stopped),
		cmocka_unit_test(a_signal_from_outside_is_a_death),
		cmocka_unit_test(it_can_be_freed_inside_its_own_handlers),
		cmocka_unit_test(neither_zombie_nor_descriptor_is_left),
		cmocka_unit_test(a_missing_program_is_an_error_and_leaves_nothing),
		cmocka_unit_test(usage_is_known_while_it_runs_and_afterwards),
	};

	fake.program = getenv("FAKE_QEMU");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
