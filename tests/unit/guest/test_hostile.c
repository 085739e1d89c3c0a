/* SPDX-License-Identifier: MIT */
/* Frames that are damaged, out of place or of no kind, at every stage of a session. */
#include "rig.h"

static uint8_t frame[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];

/* The stages at which the host listens and judges. */
#define JUDGED AT_LEAVE

static size_t good_frame(enum stage s)
{
	static const uint8_t beat[16];

	return s == AT_BOOT ? frame_bytes(WIRE_HELLO, beat, sizeof(beat), frame)
			    : frame_bytes(WIRE_HEARTBEAT, beat, sizeof(beat), frame);
}

static void a_flipped_bit_breaks_the_channel_at_every_stage(void **state)
{
	for (enum stage s = AT_BOOT; s <= JUDGED; s++) {
		for (size_t byte = 0; byte < WIRE_HEADER_SIZE + 16; byte += 3) {
			size_t n;

			reach(s);
			n = good_frame(s);
			frame[byte] ^= 1;
			say_bytes(frame, n);
			/* A length that grew waits for more. */
			if (!rig.dones)
				say_bytes(frame, sizeof(frame));
			expect_broken("frame ");
			rig_again();
		}
	}
}

static void a_frame_that_comes_twice_breaks_the_channel(void **state)
{
	for (enum stage s = AT_MOUNT; s <= JUDGED; s++) {
		size_t n;

		reach(s);
		n = good_frame(s);
		say_bytes(frame, n);
		assert_int_equal(rig.dones, 0);
		say_bytes(frame, n);
		expect_broken(" was due");
		rig_again();
	}
}

static void a_frame_that_is_lost_breaks_the_channel(void **state)
{
	for (enum stage s = AT_BOOT; s <= JUDGED; s++) {
		size_t n;

		reach(s);
		rig.w.seq++;
		n = good_frame(s);
		say_bytes(frame, n);
		expect_broken(" was due");
		rig_again();
	}
}

static void frames_of_another_session_break_the_channel(void **state)
{
	for (enum stage s = AT_BOOT; s <= JUDGED; s++) {
		reach(s);
		rig.w.key ^= 1;
		say_bytes(frame, good_frame(s));
		expect_broken("wrong checksum");
		rig_again();
	}
}

/* What a program in the guest writes to the port. */
static void text_on_the_channel_breaks_it(void **state)
{
	for (enum stage s = AT_BOOT; s <= JUDGED; s++) {
		reach(s);
		say_bytes("login: root\r\nPassword: ", 23);
		expect_broken("starts with");
		rig_again();
	}
}

static void a_frame_cut_short_is_no_frame(void **state)
{
	for (enum stage s = AT_BOOT; s <= JUDGED; s++) {
		size_t n;

		reach(s);
		n = good_frame(s);
		say_bytes(frame, n - 1);
		assert_int_equal(rig.dones, 0);
		say_bytes(frame, n);
		expect_broken("frame ");
		rig_again();
	}
}

static void a_machine_that_dies_within_a_frame_is_told_as_that(void **state)
{
	reach(AT_RUN);
	say_exited_raw(ID_COMMAND + 0, 0, 0, 1);
	expect(WIRE_SHUTDOWN);
	say_bytes(frame, frame_bytes(WIRE_BYE, "\0\0\0\0\0\0\0", 8, frame) - 1);
	fake_end(MACHINE_TRIPLE_FAULT, NULL);
	expect_over();
	assert_false(rig.report->bye);
	assert_null(rig.report->broken);
	assert_int_equal(rig.report->end, MACHINE_TRIPLE_FAULT);
}

static void unknown_types_break_the_channel_at_every_stage(void **state)
{
	static const uint8_t types[] = { 0, WIRE_WELCOME, WIRE_EXEC, WIRE_SHUTDOWN, 63, 77, 255 };

	for (enum stage s = AT_MOUNT; s <= JUDGED; s++) {
		for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
			reach(s);
			say(types[i], NULL, 0);
			expect_broken("not a message of the guest");
			rig_again();
		}
	}
}

/* One byte too few or too many is a violation; no message takes any payload. */
static void payloads_of_a_wrong_length_break_the_channel(void **state)
{
	static const struct {
		enum stage stage;
		uint8_t type;
		uint32_t id;
		size_t len;
	} cases[] = {
		{ AT_MOUNT, WIRE_DONE, ID_ROOT, 12 },
		{ AT_EXEC, WIRE_STARTED, ID_COMMAND, 8 },
		{ AT_RUN, WIRE_EXITED, ID_COMMAND, 45 },
		{ AT_RUN, WIRE_CREDIT, ID_COMMAND, 8 },
		{ AT_RUN, WIRE_HEARTBEAT, 0, 16 },
		{ AT_RUN, WIRE_TROUBLE, 0, 4 },
		{ AT_PULL, WIRE_DONE, ID_PULL, 12 },
		{ AT_LEAVE, WIRE_BYE, 0, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (int d = -1; d <= 1; d += 2) {
			uint8_t payload[64] = { (uint8_t)cases[i].id, (uint8_t)(cases[i].id >> 8) };

			reach(cases[i].stage);
			say(cases[i].type, payload, cases[i].len + (size_t)d);
			expect_broken("malformed");
			rig_again();
		}
	}
}

static void messages_of_another_stage_break_the_channel(void **state)
{
	static const struct {
		enum stage stage;
		uint8_t type;
	} cases[] = {
		{ AT_MOUNT, WIRE_STARTED },
		{ AT_MOUNT, WIRE_STDOUT },
		{ AT_MOUNT, WIRE_EXITED },
		{ AT_MOUNT, WIRE_FILE },
		{ AT_EXEC, WIRE_FILE_DATA },
		{ AT_RUN, WIRE_FILE },
		{ AT_PULL, WIRE_STARTED },
		{ AT_PULL, WIRE_STDOUT },
		{ AT_PULL, WIRE_EXITED },
		{ AT_LEAVE, WIRE_STARTED },
		{ AT_LEAVE, WIRE_STDERR },
		{ AT_LEAVE, WIRE_EXITED },
		{ AT_LEAVE, WIRE_DONE },
		{ AT_LEAVE, WIRE_FILE },
	};
	uint8_t payload[64] = { ID_COMMAND & 0xff, ID_COMMAND >> 8 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		reach(cases[i].stage);
		say(cases[i].type, payload, cases[i].type == WIRE_EXITED ? 45 : 12);
		expect_broken(wire_type_name(cases[i].type));
		rig_again();
	}
}

static void what_broke_first_is_what_is_told(void **state)
{
	reach(AT_RUN);
	rig.muffled = true;
	say_bye();
	say(200, NULL, 0);
	say_bytes("junk", 4);
	turn();
	expect_broken("BYE: before it was asked to leave");
}

static void a_session_broken_behind_the_end_of_the_test_has_no_goodbye(void **state)
{
	reach(AT_LEAVE);
	rig.muffled = true;
	say_bytes(frame, good_frame(AT_LEAVE) - 4);
	say_bye();
	turn();
	expect_broken("checksum");
	assert_true(rig.report->exits[0].ended);
}

static void the_longest_frames_of_output_pass_whole(void **state)
{
	static char text[WIRE_PAYLOAD_MAX - 3];

	memset(text, 'x', sizeof(text) - 1);
	reach(AT_RUN);
	for (int i = 0; i < 40; i++)
		say_output(WIRE_STDOUT, 0, text);
	say_exited(0, 0);
	expect(WIRE_SHUTDOWN);
}

/* Its socket is full, and it never reads. */
static void an_agent_that_never_reads_can_be_ended(void **state)
{
	static char input[WIRE_STDIN_WINDOW];

	rig.commands[0].has_stdin = true;
	reach(AT_RUN);
	job_stdin(rig.job, input, sizeof(input));
	for (int i = 0; i < 10000; i++)
		job_signal(rig.job, 1);
	turn();
	job_cancel(rig.job);
	expect_over();
	assert_true(rig.report->cancelled);
}

static void a_channel_that_closes_ends_by_the_machine_or_a_limit(void **state)
{
	reach(AT_RUN);
	machine.fd = fd_close(machine.fd);
	pass(1000);
	assert_int_equal(rig.dones, 0);
	assert_int_equal(job_signal(rig.job, 1), -ESRCH);
	fake_end(MACHINE_RESET, NULL);
	expect_over();
	assert_int_equal(rig.report->end, MACHINE_RESET);
	assert_null(rig.report->broken);
	rig_again();

	rig.spec.heartbeat_ms = 2000;
	reach(AT_RUN);
	machine.fd = fd_close(machine.fd);
	pass(60000);
	expect_over();
	assert_int_equal(rig.report->limit, LIMIT_HEARTBEAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_rig(a_flipped_bit_breaks_the_channel_at_every_stage),
		in_rig(a_frame_that_comes_twice_breaks_the_channel),
		in_rig(a_frame_that_is_lost_breaks_the_channel),
		in_rig(frames_of_another_session_break_the_channel),
		in_rig(text_on_the_channel_breaks_it),
		in_rig(a_frame_cut_short_is_no_frame),
		in_rig(a_machine_that_dies_within_a_frame_is_told_as_that),
		in_rig(unknown_types_break_the_channel_at_every_stage),
		in_rig(payloads_of_a_wrong_length_break_the_channel),
		in_rig(messages_of_another_stage_break_the_channel),
		in_rig(what_broke_first_is_what_is_told),
		in_rig(a_session_broken_behind_the_end_of_the_test_has_no_goodbye),
		in_rig(the_longest_frames_of_output_pass_whole),
		in_rig(an_agent_that_never_reads_can_be_ended),
		in_rig(a_channel_that_closes_ends_by_the_machine_or_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
