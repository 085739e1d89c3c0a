/* SPDX-License-Identifier: MIT */
/* The kernel's two witnesses: records of /dev/kmsg, and the console; and the files that keep them. */
#include <fcntl.h>

#include "rig.h"

#define PANIC "Kernel panic - not syncing: fake"

static int open_log(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return fd;
}

static void leave(void)
{
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_true(rig.report->bye);
}

/* ---- records ---- */

static void only_the_kernels_own_facility_can_complain(void **state)
{
	rig.spec.kmsg_fd = open_log("kmsg");
	reach(AT_RUN);
	say_kmsg("12,0,1000000,-;" PANIC "\n"
		 "8,1,1000000,-;" PANIC "\n"
		 "30,2,1000000,-;" PANIC "\n"
		 "191,3,1000000,-;" PANIC "\n"
		 "4294967295,4,1000000,-;" PANIC "\n");
	leave();
	assert_int_equal(splats_count(rig.report->kmsg), 0);
	assert_true(rig.report->kmsg_whole);
	assert_true(file_is("kmsg", "<12>[    1.000000] " PANIC "\n"
				    "<8>[    1.000000] " PANIC "\n"
				    "<30>[    1.000000] " PANIC "\n"
				    "<191>[    1.000000] " PANIC "\n"
				    "<4294967295>[    1.000000] " PANIC "\n"));
	rig_again();

	for (int prio = 0; prio < 8; prio++) {
		char record[80];

		reach(AT_RUN);
		snprintf(record, sizeof(record), "%d,0,1000000,-;" PANIC "\n", prio);
		say_kmsg(record);
		leave();
		assert_int_equal(splats_count(rig.report->kmsg), 1);
		assert_int_equal(splats_at(rig.report->kmsg, 0)->kind, SPLAT_PANIC);
		rig_again();
	}
}

static void every_line_of_a_record_is_read(void **state)
{
	reach(AT_RUN);
	say_kmsg("0,0,1000000,-;some words\\x0a" PANIC "\n");
	leave();
	assert_int_equal(splats_count(rig.report->kmsg), 1);
}

static void continuation_lines_and_garbage_are_left_out(void **state)
{
	static const char garbage[] =
		" SUBSYSTEM=" PANIC "\n"
		" 0,0,1,-;" PANIC "\n"
		"\n"
		";\n"
		";" PANIC "\n" PANIC "\n"
		"0;" PANIC "\n"
		"0,0;" PANIC "\n"
		"x,0,1,-;" PANIC "\n"
		"0,x,1,-;" PANIC "\n"
		"0,0,x,-;" PANIC "\n"
		"0000000000000000000000000000000000000000000000000000000000000"
		"00000000000000000000000000000000000000000,0,1,-;" PANIC "\n";

	rig.spec.kmsg_fd = open_log("kmsg");
	reach(AT_RUN);
	say_kmsg(garbage);
	say(WIRE_KMSG, "\0\0;\0\377\n;", 7);
	say_kmsg("");
	leave();
	assert_int_equal(splats_count(rig.report->kmsg), 0);
	assert_true(file_is("kmsg", ""));
	assert_false(rig.report->kmsg_whole);
}

static void a_record_without_newline_is_one_all_the_same(void **state)
{
	reach(AT_RUN);
	say_kmsg("0,0,1000000,-;" PANIC);
	leave();
	assert_int_equal(splats_count(rig.report->kmsg), 1);
}

static void the_longest_frame_of_records_is_read_to_its_end(void **state)
{
	static char records[WIRE_PAYLOAD_MAX + 1];
	size_t n = 0;
	unsigned seq = 0;

	while (n + 200 < sizeof(records))
		n += (size_t)snprintf(records + n, 100, "6,%u,1000000,-;nothing to see\n", seq++);
	snprintf(records + n, 100, "0,%u,1000000,-;" PANIC "\n", seq);
	reach(AT_RUN);
	say_kmsg(records);
	leave();
	assert_int_equal(splats_count(rig.report->kmsg), 1);
	assert_true(rig.report->kmsg_whole);
}

/* ---- whether the record is whole ---- */

static void a_gap_in_the_numbers_is_a_loss(void **state)
{
	static const struct {
		const char *records;
		bool whole;
	} cases[] = {
		{ "6,0,1,-;a\n6,1,2,-;b\n6,2,3,-;c\n", true },
		{ "6,0,1,-;a\n 6,7,2,-;b\n KEY=x\n6,1,3,-;c\n", true },
		{ "6,0,1,-;a\n6,2,3,-;c\n", false },
		{ "6,5,1,-;its start was overwritten\n", false },
		{ "6,0,1,-;a\n6,0,1,-;a\n", false },
		{ "6,1,1,-;b\n6,0,1,-;a\n", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		reach(AT_RUN);
		say_kmsg(cases[i].records);
		leave();
		assert_int_equal(rig.report->kmsg_whole, cases[i].whole);
		rig_again();
	}
}

static void without_a_goodbye_the_record_is_not_whole(void **state)
{
	reach(AT_RUN);
	say_kmsg("6,0,1,-;a\n");
	fake_end(MACHINE_PANICKED, NULL);
	expect_over();
	assert_false(rig.report->kmsg_whole);
}

static void a_guest_that_outlives_its_limit_has_a_whole_record(void **state)
{
	reach(AT_DIAGNOSIS);
	say_kmsg("6,0,1,-;a\n");
	pass(6000);
	expect_over();
	assert_true(rig.report->lived_on);
	assert_true(rig.report->kmsg_whole);
}

static void records_that_arrive_with_the_end_still_count(void **state)
{
	reach(AT_RUN);
	rig.muffled = true;
	say_kmsg("0,0,1000000,-;" PANIC "\n");
	fake_end(MACHINE_RESET, NULL);
	expect_over();
	assert_int_equal(splats_count(rig.report->kmsg), 1);
}

/* ---- files ---- */

static void the_log_of_records_has_a_limit(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	rig.spec.kmsg_fd = open_log("kmsg");
	rig.spec.file_max = 1000;
	reach(AT_RUN);
	for (int i = 0; i < 1000; i++) {
		char record[80];

		snprintf(record, sizeof(record), "6,%d,1000000,-;twenty bytes of text\n", i);
		say_kmsg(record);
	}
	say_kmsg("0,1000,1000000,-;" PANIC "\n");
	leave();
	assert_int_equal(file_read("kmsg", 4000, &b, NULL), 0);
	assert_in_range(b.len, 950, 1100);
	assert_int_equal(splats_count(rig.report->kmsg), 1);
	assert_true(rig.report->kmsg_whole);
}

static void a_full_disk_for_the_records_is_the_rigs_failure(void **state)
{
	rig.spec.kmsg_fd = open_log("/dev/full");
	reach(AT_RUN);
	say_kmsg("6,0,1,-;a\n6,1,1,-;b\n");
	expect_infra("cannot write the kernel log: No space left on device");
	assert_false(rig.report->exits[0].ended);
}

static void a_full_disk_for_the_console_is_the_rigs_failure(void **state)
{
	rig.spec.console_fd = open_log("/dev/full");
	reach(AT_RUN);
	fake_console("[    1.000000] hello\n");
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
	say_bye();
	expect_over();
	assert_string_equal(
		rig.report->infra, "cannot write the console log: No space left on device");
}

static void the_console_is_kept_as_it_came(void **state)
{
	rig.spec.console_fd = open_log("console");
	reach(AT_RUN);
	fake_console("[    1.000000] hello\r\n");
	fake_console("\033[1mword");
	leave();
	job_free(rig.job);
	rig.job = NULL;
	assert_true(file_is("console", "[    1.000000] hello\r\n\033[1mword"));
}

/* ---- the kernel's end ---- */

static void a_halted_kernel_is_stopped_at_every_stage(void **state)
{
	for (enum stage s = AT_BOOT; s <= AT_DIAGNOSIS; s++) {
		reach(s);
		fake_console("[    1.000000] Linux is up\n[    5.000000] reboot: System halted\n");
		expect_over();
		assert_true(rig.report->kernel_end->halted);
		assert_int_equal(machine.stops, 1);
		assert_int_equal(rig.report->end, MACHINE_STOPPED);
		assert_false(rig.report->bye);
		rig_again();
	}
}

static void a_machine_that_prints_while_it_ends_is_heard(void **state)
{
	reach(AT_ENDING);
	fake_console("[    1.000000] " PANIC "\n[    5.000000] reboot: System halted\n");
	assert_int_equal(machine.stops, 1);
	fake_end(MACHINE_STOPPED, NULL);
	expect_over();
	assert_int_equal(splats_count(rig.report->console), 1);
	assert_int_equal(rig.report->n_console, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(only_the_kernels_own_facility_can_complain),
		in_rig(every_line_of_a_record_is_read),
		in_rig(continuation_lines_and_garbage_are_left_out),
		in_rig(a_record_without_newline_is_one_all_the_same),
		in_rig(the_longest_frame_of_records_is_read_to_its_end),
		in_rig(a_gap_in_the_numbers_is_a_loss),
		in_rig(without_a_goodbye_the_record_is_not_whole),
		in_rig(a_guest_that_outlives_its_limit_has_a_whole_record),
		in_rig(records_that_arrive_with_the_end_still_count),
		in_rig(the_log_of_records_has_a_limit),
		in_rig(a_full_disk_for_the_records_is_the_rigs_failure),
		in_rig(a_full_disk_for_the_console_is_the_rigs_failure),
		in_rig(the_console_is_kept_as_it_came),
		in_rig(a_halted_kernel_is_stopped_at_every_stage),
		in_rig(a_machine_that_prints_while_it_ends_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
