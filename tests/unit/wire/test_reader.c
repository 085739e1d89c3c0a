/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "harness.h"

static struct stream stream;
static struct wire_reader reader;

static int setup(void **state)
{
	stream.len = stream.n = 0;
	stream.writer = (struct wire_writer){ .key = KEY };
	wire_reader_init(&reader);
	reader.key = KEY;
	return 0;
}

static int teardown(void **state)
{
	wire_reader_release(&reader);
	return 0;
}

static void put_three(void)
{
	stream_put(&stream, WIRE_STDOUT, "first", 5);
	stream_put(&stream, WIRE_STDERR, NULL, 0);
	stream_put(&stream, WIRE_EXITED, "the third one", 13);
}

static void expect(uint8_t type, const char *payload)
{
	struct wire_frame f;

	assert_int_equal(wire_reader_next(&reader, &f), 1);
	assert_int_equal(f.type, type);
	assert_int_equal(f.len, strlen(payload));
	assert_memory_equal(f.payload, payload, f.len);
}

static void expect_three(void)
{
	expect(WIRE_STDOUT, "first");
	expect(WIRE_STDERR, "");
	expect(WIRE_EXITED, "the third one");
}

static void expect_more_needed(void)
{
	struct wire_frame f;

	assert_int_equal(wire_reader_next(&reader, &f), 0);
}

static void expect_broken(const char *why)
{
	struct wire_frame f;

	assert_int_equal(wire_reader_next(&reader, &f), -EPROTO);
	assert_non_null(strstr(reader.broken, why));
	/* For ever, whatever comes. */
	feed(&reader, stream.data, stream.len);
	assert_int_equal(wire_reader_next(&reader, &f), -EPROTO);
	assert_non_null(strstr(reader.broken, why));
}

static void frames_come_out_as_they_went_in(void **state)
{
	put_three();
	feed(&reader, stream.data, stream.len);
	expect_three();
	expect_more_needed();
	assert_int_equal(reader.seq, 3);
}

static void every_split_into_two_reads_gives_the_same_frames(void **state)
{
	put_three();
	for (size_t cut = 0; cut <= stream.len; cut++) {
		int got = 0, r;
		struct wire_frame f;

		wire_reader_release(&reader);
		reader.key = KEY;
		feed(&reader, stream.data, cut);
		while ((r = wire_reader_next(&reader, &f)) > 0)
			got++;
		assert_int_equal(r, 0);
		feed(&reader, stream.data + cut, stream.len - cut);
		while ((r = wire_reader_next(&reader, &f)) > 0)
			got++;
		assert_int_equal(r, 0);
		assert_int_equal(got, 3);
	}
}

static void byte_by_byte_gives_the_same_frames(void **state)
{
	struct wire_frame f;
	int got = 0;

	put_three();
	for (size_t i = 0; i < stream.len; i++) {
		feed(&reader, stream.data + i, 1);
		got += wire_reader_next(&reader, &f);
	}
	assert_int_equal(got, 3);
}

static void a_truncated_stream_never_yields_the_last_frame(void **state)
{
	put_three();
	for (size_t len = stream.begin[2]; len < stream.len; len++) {
		wire_reader_release(&reader);
		reader.key = KEY;
		feed(&reader, stream.data, len);
		expect(WIRE_STDOUT, "first");
		expect(WIRE_STDERR, "");
		expect_more_needed();
	}
}

static void every_flipped_bit_is_noticed(void **state)
{
	stream_put(&stream, WIRE_STDOUT, "payload", 7);
	for (size_t bit = 0; bit < stream.len * 8; bit++) {
		struct wire_frame f;

		wire_reader_release(&reader);
		reader.key = KEY;
		stream.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		feed(&reader, stream.data, stream.len);
		/* A length that grew waits for bytes; it never yields a frame. */
		assert_true(wire_reader_next(&reader, &f) <= 0);
		stream.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_repeated_frame_breaks_the_stream(void **state)
{
	put_three();
	feed(&reader, stream.data, stream.begin[1]);
	feed(&reader, stream.data, stream.begin[1]);
	expect(WIRE_STDOUT, "first");
	expect_broken("frame 0 came where 1 was due");
}

static void frames_out_of_order_break_the_stream(void **state)
{
	put_three();
	feed(&reader, stream.data, stream.begin[1]);
	feed(&reader, stream.data + stream.begin[2], stream.len - stream.begin[2]);
	expect(WIRE_STDOUT, "first");
	expect_broken("frame 2 came where 1 was due");
}

static void a_frame_of_another_session_breaks_the_stream(void **state)
{
	stream.writer.key = KEY + 1;
	put_three();
	feed(&reader, stream.data, stream.len);
	expect_broken("wrong checksum");
}

static void the_key_may_change_between_frames_that_came_together(void **state)
{
	stream.writer.key = 0;
	stream_put(&stream, WIRE_WELCOME, "key", 3);
	stream.writer.key = KEY;
	stream_put(&stream, WIRE_ROOT, "next", 4);
	reader.key = 0;
	feed(&reader, stream.data, stream.len);
	expect(WIRE_WELCOME, "key");
	reader.key = KEY;
	expect(WIRE_ROOT, "next");
}

static void text_on_the_channel_breaks_the_stream(void **state)
{
	put_three();
	feed(&reader, stream.data, stream.begin[1]);
	feed(&reader, (const uint8_t *)"login: root\nPassword:", 21);
	expect(WIRE_STDOUT, "first");
	expect_broken("instead of");
}

static void too_long_a_frame_is_refused_by_its_header(void **state)
{
	static uint8_t big[WIRE_PAYLOAD_MAX + 1];

	wire_frame_header(&stream.writer, stream.data, WIRE_STDOUT, big, sizeof(big));
	feed(&reader, stream.data, WIRE_HEADER_SIZE);
	expect_broken("announces 65537 bytes");
}

static void the_longest_frame_passes(void **state)
{
	static uint8_t big[WIRE_PAYLOAD_MAX];
	struct wire_frame f;

	memset(big, 0x5a, sizeof(big));
	for (int i = 0; i < 7; i++)
		stream_put(&stream, WIRE_STDOUT, big, sizeof(big));
	for (size_t at = 0; at < stream.len; at += 5000)
		feed(&reader, stream.data + at, stream.len - at < 5000 ? stream.len - at : 5000);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(wire_reader_next(&reader, &f), 1);
		assert_int_equal(f.len, sizeof(big));
		assert_memory_equal(f.payload, big, sizeof(big));
	}
	expect_more_needed();
}

static void reserved_bytes_must_be_zero(void **state)
{
	put_three();
	stream.data[6] = 1;
	feed(&reader, stream.data, stream.len);
	expect_broken("reserved");
}

static void a_long_stream_needs_little_memory(void **state)
{
	struct wire_frame f;
	static uint8_t payload[1000];

	for (int i = 0; i < 5000; i++) {
		stream.len = stream.n = 0;
		stream_put(&stream, WIRE_STDOUT, payload, sizeof(payload));
		feed(&reader, stream.data, stream.len);
		assert_int_equal(wire_reader_next(&reader, &f), 1);
	}
	assert_true(reader.cap <= 4 * (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX));
}

static void an_empty_reader_waits(void **state)
{
	expect_more_needed();
	assert_non_null(wire_reader_space(&reader, 0));
	wire_reader_added(&reader, 0);
	expect_more_needed();
}

#define with_reader(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_reader(frames_come_out_as_they_went_in),
		with_reader(every_split_into_two_reads_gives_the_same_frames),
		with_reader(byte_by_byte_gives_the_same_frames),
		with_reader(a_truncated_stream_never_yields_the_last_frame),
		with_reader(every_flipped_bit_is_noticed),
		with_reader(a_repeated_frame_breaks_the_stream),
		with_reader(frames_out_of_order_break_the_stream),
		with_reader(a_frame_of_another_session_breaks_the_stream),
		with_reader(the_key_may_change_between_frames_that_came_together),
		with_reader(text_on_the_channel_breaks_the_stream),
		with_reader(too_long_a_frame_is_refused_by_its_header),
		with_reader(the_longest_frame_passes),
		with_reader(reserved_bytes_must_be_zero),
		with_reader(a_long_stream_needs_little_memory),
		with_reader(an_empty_reader_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
