/* SPDX-License-Identifier: MIT */
/* Machines whose system is its own: what the file may say, which cases come of it, and how facts become verdicts. */
#include "harness.h"

#include <errno.h>

/* ---- the file and the plan ---- */

static void expect_mistake(const char *text, const char *message)
{
	struct suite *s = NULL;
	struct err e = ERR_INIT;

	put_file("vmrig.yaml", text);
	assert_int_equal(suite_load("vmrig.yaml", &s, &e), -EINVAL);
	if (!strstr(err_text(&e), message))
		fail_msg("said \"%s\", not \"%s\"", err_text(&e), message);
	err_release(&e);
}

static void expect_ids(const char *text, const char *want)
{
	struct suite *s = suite_of(text);
	struct plan p = { 0 };
	struct buf b = BUF_INIT;

	assert_int_equal(plan_make(s, NULL, &p, NULL), 0);
	for (size_t i = 0; i < p.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", p.v[i].id);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
	plan_release(&p);
	suite_free(s);
}

static void machine_with_a_system_is_read(void **state)
{
	struct suite *s = suite_of(
		"machines:\n"
		"  - { name: m, iso: a.iso, image: b.img, firmware: uefi, type: pc, resets: true,\n"
		"      disks: [{ size: 1G, bus: nvme, serial: x }], serials: 2,\n"
		"      prepare: [{ expect: ready }, { send: go }],\n"
		"      nics: [{ model: e1000, forward: [22, 80] }], shutdown: { acpi: 9s } }\n"
		"tests: [{ name: t, steps: [{ expect: x }] }]\n");
	const struct suite_machine *m = &s->machines[0];

	assert_true(m->has_system);
	assert_int_equal(m->system.n_disks, 3);
	assert_true(m->system.disks[0].iso);
	assert_string_equal(m->system.disks[1].image, "b.img");
	assert_null(m->system.disks[2].image);
	assert_int_equal(m->system.disks[2].bus, BUS_NVME);
	assert_int_equal(m->system.firmware, FIRMWARE_UEFI);
	assert_int_equal(m->system.nics[0].forwards[1], 80);
	assert_int_equal(m->system.shutdown.button_ms, 9000);
	assert_int_equal(m->system.shutdown.quit_ms, 5000);
	assert_true(m->system.resets);
	assert_int_equal(m->system.prepare.n, 2);
	suite_free(s);
}

static void lists_make_machines(void **state)
{
	expect_ids(
		"machines: [{ name: m, memory: [256, 1G], cpus: [1, 2], accel: tcg }]\n"
		"tests: [{ name: a, run: x }, { name: b, run: x, machines: m-1024M-2cpu }, { name: c, run: x, machines: m }]\n",
		"a@m-256M-1cpu c@m-256M-1cpu a@m-256M-2cpu c@m-256M-2cpu a@m-1024M-1cpu c@m-1024M-1cpu "
		"a@m-1024M-2cpu b@m-1024M-2cpu c@m-1024M-2cpu");
	expect_ids("machines: [{ name: m, accel: [tcg, kvm] }]\ntests: [{ name: a, run: x }]\n",
		"a@m-tcg a@m-kvm");
	expect_ids("machines: [{ name: m, memory: [256] }]\ntests: [{ name: a, run: x }]\n", "a");
	expect_mistake("machines: [{ name: m, memory: [] }]\ntests: [{ name: a, run: x }]\n",
		"at least one");
	expect_mistake(
		"machines: [{ name: m, memory: [1G, 1024] }]\ntests: [{ name: a, run: x }]\n",
		"two machines are named 'm-1024M'");
	expect_mistake(
		"machines: [{ name: m, memory: [1G, much] }]\ntests: [{ name: a, run: x }]\n",
		"'memory'");
}

static void kernels_do_not_multiply_systems(void **state)
{
	expect_ids("kernels: [k1, k2]\n"
		   "machines: [{ name: ours }, { name: own, iso: a.iso }]\n"
		   "tests: [{ name: r, run: x }, { name: s, steps: [{ expect: x }] }]\n",
		"r@k1@ours r@k2@ours s@own");
}

static void test_needs_a_machine_of_its_kind(void **state)
{
	expect_mistake("tests: [{ name: t, steps: [{ expect: x }] }]\n",
		"none of its machines boots a system of its own");
	expect_mistake("machines: [{ name: m, iso: x }]\ntests: [{ name: t, run: x }]\n",
		"all of its machines boot a system of their own");
	expect_mistake("tests: [{ name: t }]\n", "nothing could tell whether 't' passes");
	expect_mistake("tests: [{ name: t, console: { fail: x } }]\n",
		"nothing could tell whether 't' passes");
	expect_mistake("tests: [{ name: t, run: x, steps: [{ expect: x }] }]\n",
		"'run' is for kernels with our agent");
	expect_mistake("tests: [{ name: t, steps: [{ expect: x }], setup: y }]\n",
		"'setup' needs our agent");
	expect_mistake("tests: [{ name: t, steps: [{ expect: x }], isolate: shared }]\n",
		"'isolate: shared' needs our agent");
	expect_mistake("tests: [{ name: t, steps: [{ expect: x }], protocol: kselftest }]\n",
		"the protocol is tap or ktap");
}

static void keys_of_a_system_need_one(void **state)
{
#define T "tests: [{ name: t, run: x }]\n"
	expect_mistake("machines: [{ name: m, firmware: uefi }]\n" T,
		"'firmware' is for a machine with a system of its own");
	expect_mistake(
		"machines: [{ name: m, disks: [{ size: 1G }] }]\n" T, "'disks' is for a machine");
	expect_mistake(
		"machines: [{ name: m, iso: x, cmdline: y }]\n" T, "'cmdline' goes with 'kernel'");
	expect_mistake(
		"machines: [{ name: m, iso: x, initrd: y }]\n" T, "'initrd' goes with 'kernel'");
	expect_mistake("machines: [{ name: m, iso: x, disks: [{ size: 1G, image: y }] }]\n" T,
		"a disk has one of");
	expect_mistake("machines: [{ name: m, iso: x, disks: [{ size: 1G, bus: floppy }] }]\n" T,
		"virtio, ide, sata, nvme or scsi");
	expect_mistake("machines: [{ name: m, iso: x, nics: [{ forward: [0] }] }]\n" T,
		"TCP ports of the guest");
	expect_mistake("machines: [{ name: m, iso: x, nics: [{ model: 'a,b' }] }]\n" T,
		"the name of a device");
	expect_mistake("machines: [{ name: m, iso: x, resets: maybe }]\n" T, "true or false");
#undef T
}

static void steps_must_be_possible_on_every_machine_that_they_are_for(void **state)
{
#define ON(m, s) \
	"machines: [{ name: m, " m " }]\ntests: [{ name: t, steps: [{ expect: x }, { " s " }] }]\n"
	expect_mistake(
		ON("iso: x", "ssh: true"), "vmrig.yaml:2:43: step 'ssh': machine 'm' has no 'ssh'");
	expect_mistake(ON("iso: x", "copy_out: /x"), "has no 'ssh'");
	expect_mistake(
		ON("iso: x, arch: aarch64, firmware: uefi", "screenshot: s"), "has no display");
	expect_mistake(ON("kernel: x, type: microvm", "key: esc"), "has no display");
	expect_mistake(ON("iso: x, serials: 2", "send: y, serial: 2"), "serial ports");
	expect_mistake(ON("kernel: x, type: microvm", "expect: y, serial: 1"), "serial ports");
	expect_mistake(ON("iso: x, resets: true", "ends: reset"), "does not end by a reset");
	expect_mistake(ON("iso: x", "shell: echo @SSH_KEY@"), "has no key of the run");
	expect_mistake(ON("iso: x, ssh: { user: u, key: k }", "send: '@SSH_KEY@'"),
		"has no key of the run");
	expect_mistake(ON("iso: x, prepare: [{ ssh: y }]", "send: y"), "vmrig.yaml:1:");
	expect_mistake("machines: [{ name: a, iso: x, ssh: u }, { name: b, iso: x }]\n"
		       "tests: [{ name: t, steps: [{ ssh: y }] }]\n",
		"machine 'b' has no 'ssh'");
	expect_mistake(
		"machines: [{ name: m, iso: x, shutdown: { ssh: 1m } }]\ntests: [{ name: t, steps: [{ send: y }] }]\n",
		"goes with 'ssh'");
	expect_mistake("machines: [{ name: m, iso: x, serials: 1 }]\n"
		       "tests: [{ name: t, console: { serial: 1, pass: x } }]\n",
		"no serial port 1");
	expect_mistake("machines: [{ name: m, arch: aarch64, kernel: x }]\n"
		       "tests: [{ name: t, exit_port: { pass: 0x10 } }]\n",
		"no I/O ports");
	expect_ids(ON("iso: x, ssh: u", "shell: echo @SSH_KEY@"), "t");
	expect_ids(
		"machines: [{ name: a, iso: x, ssh: u }, { name: b, iso: x }]\n"
		"tests: [{ name: t, machines: a, steps: [{ ssh: y }] }, { name: s, steps: [{ send: y }] }]\n",
		"t@a s@a s@b");
#undef ON
}

/* ---- verdicts ---- */

static char some_start[] = "s", some_pass[] = "p", some_end[] = "e";

struct facts {
	struct os_step_result steps[2];
	struct os_case cases[2];
	struct os_report report;
	struct os_grammar grammar;
	struct os_exit_port port;
	struct verdict_system_input in;
	struct record rec;
};

/* Two steps done, ended by us. */
static struct facts all_is_well(void)
{
	static char first[] = "expect a", second[] = "send b";
	struct facts f = {
		.steps = { { .what = first, .state = OS_STEP_DONE },
			{ .what = second, .state = OS_STEP_DONE } },
		.report = { .n_steps = 2, .planned = -1, .end = MACHINE_STOPPED },
		.in = { .expect = EXPECT_PASS, .fail_on = SPLAT_STALL },
		.rec = RECORD_INIT,
	};

	return f;
}

static void judge(struct facts *f, enum verdict v, const char *reason)
{
	f->report.steps = f->steps;
	f->report.cases = f->cases;
	f->in.report = &f->report;
	f->in.grammar = &f->grammar;
	f->in.exit_port = &f->port;
	record_release(&f->rec);
	verdict_decide_system(&f->in, &f->rec);
	if (f->rec.verdict != v || !strstr(f->rec.reason, reason))
		fail_msg("%s: %s, not %s: %s", verdict_name(f->rec.verdict), f->rec.reason,
			verdict_name(v), reason);
	assert_int_equal(f->rec.ok, v == VERDICT_PASS);
	record_release(&f->rec);
}

static void declare_port(struct facts *f)
{
	f->port = (struct os_exit_port){
		.port = 0xf4, .pass = { 0x10 }, .n_pass = 1, .fail = { 0x11 }, .n_fail = 1
	};
	f->report.end = MACHINE_EXITED;
}

static void preparation_is_told_apart_and_never_what_was_expected(void **state)
{
	struct facts f = all_is_well();

	f.steps[0].prepares = true;
	judge(&f, VERDICT_PASS, "1 steps");
	f.steps[1].state = OS_STEP_FAILED;
	judge(&f, VERDICT_FAIL, "step 1 (send b): failed");
	f.steps[0].state = OS_STEP_TIMEOUT;
	f.steps[1].state = OS_STEP_WAITING;
	f.report.limit = OS_LIMIT_STEP;
	f.report.limit_ms = 2000;
	f.in.expect = EXPECT_TIMEOUT;
	judge(&f, VERDICT_TIMEOUT,
		"the preparation's step 1 (expect a) was not done within 2.00 s");
}

static void verdicts_of_systems(void **state)
{
	static char line[] = "the line", what[] = "it ended", name[] = "case";
	struct facts f = all_is_well();

	judge(&f, VERDICT_PASS, "2 steps");

	f.report.end = MACHINE_DIED;
	judge(&f, VERDICT_INFRA, "the engine died");

	f = all_is_well();
	f.report.infra = what;
	judge(&f, VERDICT_INFRA, "it ended");

	f = all_is_well();
	f.report.cancelled = true;
	judge(&f, VERDICT_INFRA, "stopped before a verdict");

	f = all_is_well();
	f.report.panic.line = line;
	judge(&f, VERDICT_CRASH, "the line");

	f = all_is_well();
	f.report.end = MACHINE_PANICKED;
	judge(&f, VERDICT_CRASH, "kernel panic");

	f = all_is_well();
	f.report.fail.line = line;
	f.report.limit = OS_LIMIT_TEST;
	judge(&f, VERDICT_FAIL, "console: the line");

	f = all_is_well();
	f.steps[1].state = OS_STEP_FAILED;
	judge(&f, VERDICT_FAIL, "step 2 (send b): failed");

	f = all_is_well();
	f.steps[1].state = OS_STEP_TIMEOUT;
	f.report.limit = OS_LIMIT_STEP;
	f.report.limit_ms = 30000;
	judge(&f, VERDICT_TIMEOUT, "step 2 (send b) was not done within 30.00 s (limit: step)");

	f = all_is_well();
	f.steps[0].state = OS_STEP_LOST;
	f.report.end = MACHINE_POWERED_OFF;
	f.report.end_why = what;
	judge(&f, VERDICT_LOST, "it ended before step 1 (expect a) was done");
	f.report.end = MACHINE_TRIPLE_FAULT;
	judge(&f, VERDICT_CRASH, "triple fault before a verdict");

	f = all_is_well();
	f.cases[0] = (struct os_case){ name, OS_CASE_FAIL };
	f.report.n_cases = 1;
	judge(&f, VERDICT_FAIL, "console: case failed");
}

static void exit_port_must_speak_and_be_understood(void **state)
{
	struct facts f = all_is_well();

	declare_port(&f);
	f.report.exit_value = 0x10;
	judge(&f, VERDICT_PASS, "exit port: 0x10");
	f.report.exit_value = 0x11;
	judge(&f, VERDICT_FAIL, "exit port: 0x11");
	f.report.exit_value = 0x12;
	judge(&f, VERDICT_FAIL, "declared to mean nothing");
	f.report.exit_value = 0;
	f.report.end = MACHINE_POWERED_OFF;
	judge(&f, VERDICT_LOST, "nothing was written to the exit port");
	f.report.limit = OS_LIMIT_TEST;
	judge(&f, VERDICT_TIMEOUT, "nothing was written to the exit port within");
}

/* Whatever else says pass. */
static void silence_of_one_is_no_pass(void **state)
{
	struct facts f = all_is_well();

	declare_port(&f);
	f.report.exit_value = 0x10;
	f.grammar.start = some_start;
	judge(&f, VERDICT_LOST, "did not begin to speak");
	f.report.start.line = some_start;
	f.grammar.pass = some_pass;
	judge(&f, VERDICT_LOST, "no line says pass");
	f.report.pass.line = some_pass;
	f.grammar.end = some_end;
	judge(&f, VERDICT_LOST, "its last line did not come");
	f.report.end_said.line = some_end;
	judge(&f, VERDICT_PASS, "2 steps");
	f.steps[1].state = OS_STEP_WAITING;
	judge(&f, VERDICT_LOST, "before step 2");
}

static void results_must_be_as_many_as_announced(void **state)
{
	static char name[] = "case", pattern[] = "c";
	struct facts f = all_is_well();

	f.grammar.case_pass = pattern;
	f.cases[0] = (struct os_case){ name, OS_CASE_PASS };
	f.cases[1] = (struct os_case){ name, OS_CASE_SKIP };
	f.report.n_cases = 2;
	f.report.planned = 2;
	judge(&f, VERDICT_PASS, "2 steps, 2 results");
	f.report.planned = 3;
	judge(&f, VERDICT_FAIL, "it spoke of 3 tests and told 2 results");
	f.report.planned = 1;
	judge(&f, VERDICT_FAIL, "it spoke of 1 tests and told 2 results");
}

static void report_on_a_serial_port_decides_last(void **state)
{
	static const char good[] = "1..1\nok 1 a\n", bad[] = "1..2\nok 1 a\n";
	struct facts f = all_is_well();
	struct tap *tap = tap_new();

	f.in.tap = tap;
	tap_feed(tap, good, strlen(good));
	tap_end(tap);
	judge(&f, VERDICT_PASS, "1 subtests");
	tap_free(tap);
	f.in.tap = tap = tap_new();
	tap_feed(tap, bad, strlen(bad));
	tap_end(tap);
	judge(&f, VERDICT_FAIL, "");
	tap_free(tap);
	f.in.tap = tap = tap_new();
	tap_end(tap);
	judge(&f, VERDICT_FAIL, "no test result");
	tap_free(tap);
}

static void a_linux_on_the_console_is_understood(void **state)
{
	static const char panic[] =
		"[    3.1] Kernel panic - not syncing: Attempted to kill init!\n";
	struct facts f = all_is_well();

	f.report.splats = splats_new();
	splats_feed(f.report.splats, panic, strlen(panic));
	splats_end(f.report.splats);
	judge(&f, VERDICT_CRASH, "Attempted to kill init");
	splats_free(f.report.splats);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(machine_with_a_system_is_read),
		in_folder(lists_make_machines),
		in_folder(kernels_do_not_multiply_systems),
		in_folder(test_needs_a_machine_of_its_kind),
		in_folder(keys_of_a_system_need_one),
		in_folder(steps_must_be_possible_on_every_machine_that_they_are_for),
		cmocka_unit_test(preparation_is_told_apart_and_never_what_was_expected),
		cmocka_unit_test(verdicts_of_systems),
		cmocka_unit_test(exit_port_must_speak_and_be_understood),
		cmocka_unit_test(silence_of_one_is_no_pass),
		cmocka_unit_test(results_must_be_as_many_as_announced),
		cmocka_unit_test(report_on_a_serial_port_decides_last),
		cmocka_unit_test(a_linux_on_the_console_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
