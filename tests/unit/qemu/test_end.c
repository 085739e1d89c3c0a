/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "harness.h"

#include "qemu/private.h"

/* Wait statuses as Linux makes them. */
#define EXITED(code) ((code) << 8)
#define KILLED(sig)  (sig)

static struct qemu_evidence evidence(const char *shutdown, int status, const char *text)
{
	return (struct qemu_evidence){ .shutdown = shutdown,
		.status = status,
		.stderr_text = text,
		.stderr_len = strlen(text) };
}

static void shutdown_reasons_are_ends(void **state)
{
	static const struct {
		const char *reason;
		enum qemu_end end;
	} cases[] = {
		{ "guest-shutdown", QEMU_GUEST_SHUTDOWN },
		{ "guest-reset", QEMU_GUEST_RESET },
		{ "guest-panic", QEMU_GUEST_PANIC },
		{ "host-qmp-quit", QEMU_STOPPED },
		{ "host-qmp-system-reset", QEMU_GUEST_RESET },
		{ "host-signal", QEMU_DIED },
		{ "host-error", QEMU_DIED },
		{ "subsystem-reset", QEMU_DIED },
		{ "guest-something-new", QEMU_DIED },
		{ NULL, QEMU_DIED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct qemu_evidence v = evidence(cases[i].reason, 0, "");

		assert_int_equal(qemu_end_classify(&v), cases[i].end);
	}
}

static void exit_code_is_the_guests_where_it_has_a_port_for_it(void **state)
{
	struct qemu_evidence v = evidence(NULL, EXITED(33), "");
	_cleanup_buf_ struct buf why = BUF_INIT;

	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
	v.exit_port = true;
	assert_int_equal(qemu_end_classify(&v), QEMU_GUEST_EXIT);
	qemu_end_describe(&v, &why);
	assert_string_equal(why.data, "the guest wrote 0x10 to the exit port");
	/* QEMU from 9.1 on takes it for a shutdown that the guest asked for. */
	v.shutdown = "guest-shutdown";
	assert_int_equal(qemu_end_classify(&v), QEMU_GUEST_EXIT);
	v.shutdown = NULL;
	v.status = EXITED(255);
	assert_int_equal(qemu_exit_port_value(v.status), 0x7f);
	v.status = EXITED(1); /* its own failure, or a value of 0 */
	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
	v.status = EXITED(2);
	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
	v.status = KILLED(SIGKILL);
	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
	v.status = EXITED(33);
	v.fault = "its monitor broke";
	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
}

static void only_a_reset_can_be_a_triple_fault(void **state)
{
	struct qemu_evidence v = evidence("guest-reset", 0, "");

	v.triple_fault = true;
	assert_int_equal(qemu_end_classify(&v), QEMU_TRIPLE_FAULT);
	v.shutdown = "guest-shutdown";
	assert_int_equal(qemu_end_classify(&v), QEMU_GUEST_SHUTDOWN);
}

static void a_panic_told_by_the_guest_outweighs_how_it_went(void **state)
{
	struct qemu_evidence v = evidence("guest-reset", 0, "");

	v.panicked = true;
	v.triple_fault = true;
	assert_int_equal(qemu_end_classify(&v), QEMU_GUEST_PANIC);
	v.shutdown = "guest-shutdown";
	assert_int_equal(qemu_end_classify(&v), QEMU_GUEST_PANIC);
}

static void a_stop_we_asked_for_is_no_death(void **state)
{
	struct qemu_evidence v = evidence(NULL, KILLED(SIGKILL), "");

	v.stop_asked = true;
	assert_int_equal(qemu_end_classify(&v), QEMU_STOPPED);
}

static void a_fault_is_a_death_whatever_came_after(void **state)
{
	struct qemu_evidence v = evidence(NULL, KILLED(SIGKILL), "");

	v.fault = "QMP: no greeting";
	v.stop_asked = true;
	assert_int_equal(qemu_end_classify(&v), QEMU_DIED);
}

static void a_death_is_described_with_its_last_words(void **state)
{
	struct qemu_evidence v;
	static const struct {
		const char *shutdown, *fault, *text, *expected;
		int status;
	} cases[] = {
		{ NULL, NULL, "", "QEMU was killed by SIGKILL", KILLED(SIGKILL) },
		{ NULL, NULL, "", "QEMU was killed by SIGABRT", KILLED(SIGABRT) | 0x80 },
		{ NULL, NULL, "", "QEMU ended by itself with exit code 0", EXITED(0) },
		{ NULL, NULL, "1\n2\n3\n4\n5",
			"QEMU ended by itself with exit code 1; its last words: 3 / 4 / 5",
			EXITED(1) },
		{ NULL, NULL, "\033[1mno\033[0m \x07\n",
			"QEMU ended by itself with exit code 1; its last words: no \\x07",
			EXITED(1) },
		{ "host-signal", NULL, "x\n",
			"QEMU was ended from outside (host-signal); its last words: x", EXITED(0) },
		{ NULL, "broken", "a\nb\nc\nd\n", "broken; its last words: a / b",
			KILLED(SIGKILL) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		v = evidence(cases[i].shutdown, cases[i].status, cases[i].text);
		v.fault = cases[i].fault;
		qemu_end_describe(&v, &b);
		assert_string_equal(buf_str(&b), cases[i].expected);
	}
}

static bool log_has(const char *text, size_t split)
{
	struct qemu_log l = { 0 };

	qemu_log_feed(&l, text, split);
	qemu_log_feed(&l, text + split, strlen(text) - split);
	return l.triple_fault;
}

static void the_marker_is_found_over_every_split(void **state)
{
	static const char text[] = "CPU Reset (CPU 0)\nTriTriple Triple fault\nEAX=0\n";

	for (size_t i = 0; i < sizeof(text); i++) {
		assert_true(log_has(text, i));
		assert_false(log_has("Triple faul\nTriple\nfault Triple  fault", i % 30));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shutdown_reasons_are_ends),
		cmocka_unit_test(exit_code_is_the_guests_where_it_has_a_port_for_it),
		cmocka_unit_test(only_a_reset_can_be_a_triple_fault),
		cmocka_unit_test(a_panic_told_by_the_guest_outweighs_how_it_went),
		cmocka_unit_test(a_stop_we_asked_for_is_no_death),
		cmocka_unit_test(a_fault_is_a_death_whatever_came_after),
		cmocka_unit_test(a_death_is_described_with_its_last_words),
		cmocka_unit_test(the_marker_is_found_over_every_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
