/* SPDX-License-Identifier: MIT */
/* Which lines begin a splat, whose lines count, and what bounds there are. */
#include "harness.h"

static const struct {
	const char *line;
	enum splat_kind kind;
	const char *title;
} lines[] = {
	{ "Kernel panic - not syncing: Fatal exception", SPLAT_PANIC,
		"kernel panic: Fatal exception" },
	{ "Kernel panic - not syncing: System is deadlocked on memory", SPLAT_PANIC,
		"kernel panic: System is deadlocked on memory" },
	{ "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: f+0x12/0x34",
		SPLAT_PANIC, "kernel panic: stack-protector: Kernel stack is corrupted in: f" },
	{ "Kernel panic - not syncing: NMI: Not continuing", SPLAT_PANIC,
		"kernel panic: NMI: Not continuing" },
	{ "BUG: unable to handle kernel paging request at ffff88801234", SPLAT_OOPS,
		"BUG: unable to handle page fault" },
	{ "BUG: unable to handle kernel NULL pointer dereference at 0000000000000008", SPLAT_OOPS,
		"BUG: kernel NULL pointer dereference" },
	{ "Unable to handle kernel access to user memory outside uaccess routines at virtual address "
	  "0000aaaad1a9f2a0",
		SPLAT_OOPS, "BUG: unable to handle access to user memory" },
	{ "Unable to handle kernel execution of user memory at virtual address 0000ffff8a",
		SPLAT_OOPS, "Unable to handle kernel execution of user memory" },
	{ "general protection fault: 0000 [#1] SMP PTI", SPLAT_OOPS, "general protection fault" },
	{ "divide error: 0000 [#1] PREEMPT SMP", SPLAT_OOPS, "divide error" },
	{ "stack segment: 0000 [#1] PREEMPT SMP", SPLAT_OOPS, "stack segment" },
	{ "Oops: divide error: 0000 [#1] SMP", SPLAT_OOPS, "divide error" },
	{ "Oops: 0002 [#1] SMP", SPLAT_OOPS, "Oops" },
	{ "Internal error: Oops: 0000000096000004 [#1] SMP", SPLAT_OOPS, "Oops" },
	{ "Internal error: synchronous external abort: 0000000096000010 [#1] SMP", SPLAT_OOPS,
		"synchronous external abort" },
	{ "Oops - illegal instruction [#1]", SPLAT_OOPS, "Oops - illegal instruction" },
	{ "PANIC: double fault, error_code: 0x0", SPLAT_OOPS, "double fault" },
	{ "BUG: TASK stack guard page was hit at 00000000b1ed2852 (stack is 00000000ef66803c..",
		SPLAT_OOPS, "BUG: stack guard page was hit" },
	{ "Insufficient stack space to handle exception!", SPLAT_OOPS, "kernel stack overflow" },
	{ "Kernel stack overflow", SPLAT_OOPS, "kernel stack overflow" },
	{ "kernel BUG at mm/slub.c:435!", SPLAT_BUG, "kernel BUG at mm/slub.c:435" },
	{ "BUG: Bad page state in process sh  pfn:1f4c2", SPLAT_BUG, "BUG: Bad page state" },
	{ "BUG: Bad page map in process sh  pte:800000 pmd:1234", SPLAT_BUG, "BUG: Bad page map" },
	{ "BUG: Bad rss-counter state mm:00000000f1a2b3c4 type:MM_ANONPAGES val:1", SPLAT_BUG,
		"BUG: Bad rss-counter state" },
	{ "list_del corruption. prev->next should be ffff888012345678, but was 0", SPLAT_BUG,
		"list_del corruption" },
	{ "BUG: the moon is at 0xffff888012345678 today", SPLAT_BUG,
		"BUG: the moon is at ADDR today" },
	{ "WARNING: possible recursive locking detected", SPLAT_LOCKDEP,
		"possible recursive locking" },
	{ "[ INFO: possible recursive locking detected ]", SPLAT_LOCKDEP,
		"possible recursive locking" },
	{ "WARNING: inconsistent lock state", SPLAT_LOCKDEP, "inconsistent lock state" },
	{ "WARNING: held lock freed!", SPLAT_LOCKDEP, "held lock freed" },
	{ "WARNING: lock held when returning to user space!", SPLAT_LOCKDEP,
		"lock held when returning to user space" },
	{ "WARNING: bad unlock balance detected!", SPLAT_LOCKDEP, "bad unlock balance" },
	{ "[ BUG: Invalid wait context ]", SPLAT_LOCKDEP, "invalid wait context" },
	{ "WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", SPLAT_LOCKDEP,
		"possible interrupt deadlock" },
	{ "BUG: using smp_processor_id() in preemptible [00000000] code: sh/12", SPLAT_LOCKDEP,
		"BUG: using a per-CPU value in preemptible code" },
	{ "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [sh:12]", SPLAT_STALL,
		"BUG: soft lockup" },
	{ "NMI watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [sh:12]", SPLAT_STALL,
		"BUG: soft lockup" },
	{ "watchdog: Watchdog detected hard LOCKUP on cpu 1", SPLAT_STALL, "hard LOCKUP" },
	{ "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1", SPLAT_STALL, "hard LOCKUP" },
	{ "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", SPLAT_STALL, "hard LOCKUP" },
	{ "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", SPLAT_STALL, "RCU stall" },
	{ "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... }", SPLAT_STALL,
		"RCU stall" },
	{ "INFO: rcu_preempt self-detected stall on CPU", SPLAT_STALL, "RCU stall" },
	{ "INFO: task sh:12 blocked for more than 120 seconds.", SPLAT_STALL, "task hung" },
	{ "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 33s!", SPLAT_STALL,
		"BUG: workqueue lockup" },
	{ "unreferenced object 0xffff888003cc1000 (size 64):", SPLAT_SANITIZER, "memory leak" },
	{ "UBSAN: division-overflow in ../lib/x.c:1:2", SPLAT_UBSAN,
		"UBSAN: division-overflow in x.c:1:2" },
	{ "BUG: KASAN: double-free in f+0x1/0x2", SPLAT_SANITIZER, "KASAN: double-free in f" },
};

static void each_line_begins_its_splat(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *stamped = xasprintf("[    1.000000] %s\n", lines[i].line);
		_cleanup_splats_ struct splats *s = splats_of(stamped);

		assert_splat(s, 0, lines[i].kind, lines[i].title);
		assert_int_equal(splats_count(s), 1);
	}
}

static void lines_that_only_sound_alike_begin_none(void **state)
{
	static const char *const harmless[] = {
		"traps: a.out[123] general protection fault ip:401136 sp:7ffd error:0 in a.out[401000+1000]",
		"traps: a.out[123] trap invalid opcode ip:401136 sp:7ffd error:0",
		"a.out[123]: segfault at 0 ip 0000000000401136 sp 00007ffd error 6",
		"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
		"NMI watchdog: Perf NMI watchdog permanently disabled",
		"Kernel command line: panic=1 oops=panic",
		"[Firmware Bug]: TSC doesn't count with P0 frequency!",
		"ACPI BIOS Error (bug): Could not resolve symbol",
		"debug: BUGS ahead",
		"kasan: KernelAddressSanitizer initialized",
		"UBSAN",
		"rcu: Hierarchical RCU implementation.",
		"INFO: lockdep is turned off.",
		"WARNING: Support for this device is missing",
		"---[ end trace 0000000000000000 ]---",
		"------------[ cut here ]------------",
		"======================================",
	};

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		_cleanup_free_ char *stamped = xasprintf("[    1.000000] %s\n", harmless[i]);
		_cleanup_splats_ struct splats *s = splats_of(stamped);

		if (splats_count(s) > 0)
			fail_msg("%s: %s", harmless[i], splats_at(s, 0)->title);
	}
}

static size_t count_of(const char *text)
{
	_cleanup_splats_ struct splats *s = splats_of(text);

	return splats_count(s);
}

#define PANIC "Kernel panic - not syncing: x\n"

static void prefixes_are_stripped(void **state)
{
	assert_int_equal(count_of("[    1.234567] " PANIC), 1);
	assert_int_equal(count_of("[12345.678901] " PANIC), 1);
	assert_int_equal(count_of("[    1.234567][ T123] " PANIC), 1);
	assert_int_equal(count_of("[ 0.0][ C0] " PANIC), 1);
	assert_int_equal(count_of("<4>[    1.234567] " PANIC), 1);
	assert_int_equal(count_of("<0>" PANIC), 1);
	assert_int_equal(count_of("\x1b[0m[    1.234567] " PANIC), 1);
	assert_int_equal(count_of(PANIC), 1);
	assert_int_equal(count_of("0,339,5140900,-;" PANIC), 1);
	assert_int_equal(count_of("0,339,5140900,-,caller=T1;" PANIC), 1);
	assert_int_equal(count_of("foo: " PANIC), 0);
	assert_int_equal(count_of("[    1.234567] foo: " PANIC), 0);
}

static void bare_line_in_a_stamped_stream_is_a_programs(void **state)
{
	assert_int_equal(count_of("[    1.234567] Run /init as init process\n" PANIC), 0);
	assert_int_equal(count_of("[    1.234567] Run /init as init process\n0,1,2,-;" PANIC), 0);
	assert_int_equal(count_of("[    1.234567] Run\n" PANIC "[    2.000000] " PANIC), 1);
}

static void kernel_without_time_stamps_is_heard(void **state)
{
	assert_int_equal(count_of("Linux version 6.1\n[    1.234567] from a program\n" PANIC), 1);
	assert_int_equal(
		count_of("[    0.000000] Kernel command line: printk.time=0 quiet\n" PANIC), 1);
	assert_int_equal(
		count_of("[    0.000000] Kernel command line: printk.time=1 quiet\n" PANIC), 0);
}

static void kernel_text_behind_a_programs_unfinished_line_is_found(void **state)
{
	_cleanup_splats_ struct splats *s =
		splats_of("[    1.000000] x\nRunning tests... 50%[    2.345678] " PANIC);

	assert_splat(s, 0, SPLAT_PANIC, "kernel panic: x");
	assert_string_equal(splats_at(s, 0)->text, "[    2.345678] " PANIC);
	assert_int_equal(
		count_of("[    1.000000] x\na [1.5] b [x.123456] [    2.34567] " PANIC), 0);
}

static void records_of_userspace_are_passed_over(void **state)
{
	assert_int_equal(count_of("12,340,5140901,-;" PANIC), 0);
	assert_int_equal(count_of("14,340,5140901,-;x\n"
				  " KEY=" PANIC),
		0);
	assert_int_equal(count_of("8,340,5140901,-;" PANIC "0,341,5140901,-;" PANIC), 1);
}

static void record_of_several_lines_is_read_as_such(void **state)
{
	_cleanup_splats_ struct splats *s =
		splats_of("4,5,1500000,-;x\\x0aBUG: y\\x09z\n SUBSYSTEM=a\n DEVICE=+b:c\n");

	assert_splat(s, 0, SPLAT_BUG, "BUG: y\tz");
	assert_string_equal(splats_at(s, 0)->text, "[    1.500000] BUG: y\tz\n");
}

static void another_boot_ends_the_report(void **state)
{
	_cleanup_splats_ struct splats *s =
		splats_of("[    9.000000] " PANIC
			  "[    0.000000] Linux version 6.1\n[    0.000000] Command line: x\n");

	assert_int_equal(splats_count(s), 1);
	assert_string_equal(splats_at(s, 0)->text, "[    9.000000] " PANIC);
}

static void another_cpus_line_within_a_trace_does_not_end_it(void **state)
{
	_cleanup_splats_ struct splats *s = splats_of(
		"[    9.000000] " PANIC
		"[    9.000001] Call Trace:\n[    9.000002]  panic+0x1/0x2\n"
		"[    9.000003] e1000: eth0 is up\n[    9.000004]  late_frame+0x1/0x2\n"
		"[    9.000005] one\n[    9.000006] two\n[    9.000007] three\n[    9.000008] four\n"
		"[    9.000009] five\n");

	assert_int_equal(splats_count(s), 1);
	assert_non_null(strstr(splats_at(s, 0)->text, "late_frame"));
	assert_null(strstr(splats_at(s, 0)->text, "one"));
}

static void signature_is_blind_to_what_changes(void **state)
{
	static const char form[] =
		"[%5d.000000] BUG: unable to handle page fault for address: %016x\n"
		"[%5d.000000] Oops: %04d [#%d] SMP\n"
		"[%5d.000000] CPU: %d PID: %d Comm: x\n"
		"[%5d.000000] RIP: 0010:foo%s+0x%x/0x80\n"
		"[%5d.000000] Call Trace:\n"
		"[%5d.000000]  bar%s+0x%x/0x100 [mod]\n"
		"[%5d.000000] ---[ end trace %016x ]---\n";
	_cleanup_free_ char *a =
		xasprintf(form, 1, 0x1234, 1, 2, 1, 1, 0, 7, 1, "", 0x12, 1, 1, "", 0x33, 1, 0);
	_cleanup_free_ char *b = xasprintf(form, 2, 0x999999, 3, 0, 2, 3, 5, 999, 3, ".isra.0",
		0x1c, 3, 3, ".cold", 0x9, 3, 0xabcdef);
	_cleanup_splats_ struct splats *x = splats_of(a), *y = splats_of(b);

	assert_splat(x, 0, SPLAT_OOPS, "BUG: unable to handle page fault in foo");
	assert_string_equal(splats_at(x, 0)->title, splats_at(y, 0)->title);
	assert_string_equal(splats_at(x, 0)->signature, splats_at(y, 0)->signature);
}

static void graver_splat_takes_a_milder_ones_place(void **state)
{
	_cleanup_splats_ struct splats *s = splats_new();

	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *line =
			xasprintf("[    1.000000] INFO: task x:%d blocked for more than 1 s\n", i);

		splats_feed(s, line, strlen(line));
	}
	splats_feed(s, "[    2.000000] " PANIC, strlen("[    2.000000] " PANIC));
	splats_end(s);
	assert_int_equal(splats_count(s), SPLATS_MAX);
	assert_int_equal(splats_lost(s), 101 - SPLATS_MAX);
	assert_string_equal(splats_worst(s, SPLAT_WARN)->title, "kernel panic: x");
}

static void panic_is_no_cause_of_a_panic(void **state)
{
	static const char line[] = "[    2.000000] Kernel panic - not syncing: Fatal exception\n";
	_cleanup_splats_ struct splats *s = splats_new();

	for (int i = 0; i < 20; i++)
		splats_feed(s, line, sizeof(line) - 1);
	splats_end(s);
	for (size_t i = 0; i < splats_count(s); i++)
		assert_splat(s, i, SPLAT_PANIC, "kernel panic: Fatal exception");
}

static void flood_without_newline_is_bounded_and_hides_nothing(void **state)
{
	_cleanup_splats_ struct splats *s = splats_new();
	char block[4096];

	memset(block, '[', sizeof(block));
	splats_feed(s, "[    1.000000] x\n", 17);
	for (int i = 0; i < 2000; i++)
		splats_feed(s, block, sizeof(block));
	splats_feed(s, "[    2.000000] " PANIC, strlen("[    2.000000] " PANIC));
	splats_end(s);
	assert_int_equal(splats_count(s), 1);
}

static void endless_report_is_cut(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_splats_ struct splats *s = NULL;
	char line[1000];

	memset(line, '\1', sizeof(line) - 1); /* four bytes each when cleaned */
	line[sizeof(line) - 1] = '\0';
	buf_adds(&text, "[    1.000000] ------------[ cut here ]------------\n");
	for (int i = 0; i < 300; i++)
		buf_addf(&text, "[    1.000000] %s\n", line);
	s = splats_of(text.data);
	assert_int_equal(splats_count(s), 1);
	assert_true(strlen(splats_at(s, 0)->text) <= 16 * 1024);
	assert_int_equal(splats_at(s, 0)->kind, SPLAT_WARN);
}

static void kinds_have_names(void **state)
{
	for (int k = SPLAT_NONE; k <= SPLAT_PANIC; k++)
		assert_int_equal(splat_kind_parse(splat_kind_name((enum splat_kind)k)), k);
	assert_int_equal(splat_kind_parse("hiccup"), SPLAT_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_begins_its_splat),
		cmocka_unit_test(lines_that_only_sound_alike_begin_none),
		cmocka_unit_test(prefixes_are_stripped),
		cmocka_unit_test(bare_line_in_a_stamped_stream_is_a_programs),
		cmocka_unit_test(kernel_without_time_stamps_is_heard),
		cmocka_unit_test(kernel_text_behind_a_programs_unfinished_line_is_found),
		cmocka_unit_test(records_of_userspace_are_passed_over),
		cmocka_unit_test(record_of_several_lines_is_read_as_such),
		cmocka_unit_test(another_boot_ends_the_report),
		cmocka_unit_test(another_cpus_line_within_a_trace_does_not_end_it),
		cmocka_unit_test(signature_is_blind_to_what_changes),
		cmocka_unit_test(graver_splat_takes_a_milder_ones_place),
		cmocka_unit_test(panic_is_no_cause_of_a_panic),
		cmocka_unit_test(flood_without_newline_is_bounded_and_hides_nothing),
		cmocka_unit_test(endless_report_is_cut),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests_name("console-splats", tests, NULL, NULL);
}
