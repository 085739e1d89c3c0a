/* SPDX-License-Identifier: MIT */
/* The agent's half of the rig: frames out, frames in. */
#include <sys/socket.h>

#include "rig.h"

/* To a machine that has ended nothing can be said. */
void say_bytes(const void *data, size_t len)
{
	const char *p = data;

	while (len && machine.fd >= 0) {
		ssize_t n = send(machine.fd, p, len, MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			turn();
		} else {
			break;
		}
	}
	if (!rig.muffled)
		turn();
}

size_t frame_bytes(uint8_t type, const void *payload, size_t len, uint8_t *ret)
{
	wire_frame_header(&rig.w, ret, type, payload, len);
	if (len)
		memcpy(ret + WIRE_HEADER_SIZE, payload, len);
	return WIRE_HEADER_SIZE + len;
}

void say(uint8_t type, const void *payload, size_t len)
{
	static uint8_t frame[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];

	say_bytes(frame, frame_bytes(type, payload, len, frame));
}

/* ---- messages ---- */

#define MESSAGE(e)                       \
	uint8_t data_[WIRE_PAYLOAD_MAX]; \
	struct wire_enc e = { .data = data_, .cap = sizeof(data_) }

static void say_enc(uint8_t type, const struct wire_enc *e)
{
	assert_false(e->overflow);
	say(type, e->data, e->len);
}

void say_hello_version(uint16_t version)
{
	char trouble[] = "a module did not load", *troubles[] = { trouble };
	MESSAGE(e);

	enc_u16(&e, version);
	enc_str(&e, "agent 1");
	enc_str(&e, "6.1.0-fake");
	enc_str(&e, "x86_64");
	enc_u64(&e, 1000000);
	enc_u32(&e, 1);
	enc_u64(&e, 500000);
	enc_strv(&e, troubles, 1);
	say_enc(WIRE_HELLO, &e);
}

void say_hello(void)
{
	say_hello_version(WIRE_VERSION);
}

void say_done(uint32_t id, int32_t error, const char *text)
{
	MESSAGE(e);

	enc_u32(&e, id);
	enc_u32(&e, (uint32_t)error);
	enc_str(&e, text);
	say_enc(WIRE_DONE, &e);
}

void say_started(size_t command)
{
	MESSAGE(e);

	enc_u32(&e, ID_COMMAND + (uint32_t)command);
	enc_u32(&e, 77);
	say_enc(WIRE_STARTED, &e);
}

void say_output(uint8_t type, size_t command, const char *text)
{
	MESSAGE(e);

	enc_u32(&e, ID_COMMAND + (uint32_t)command);
	enc_rest(&e, text, strlen(text));
	say_enc(type, &e);
}

void say_exited_raw(uint32_t id, uint8_t signalled, uint32_t code, uint64_t wall_us)
{
	MESSAGE(e);

	enc_u32(&e, id);
	enc_u8(&e, signalled);
	enc_u32(&e, code);
	enc_u64(&e, wall_us);
	enc_u64(&e, 2000);
	enc_u64(&e, 3000);
	enc_u64(&e, 4000);
	enc_u32(&e, 5);
	say_enc(WIRE_EXITED, &e);
}

void say_exited(size_t command, int code)
{
	say_exited_raw(ID_COMMAND + (uint32_t)command, 0, (uint32_t)code, 1000);
}

void say_credit(uint32_t id, uint32_t bytes)
{
	MESSAGE(e);

	enc_u32(&e, id);
	enc_u32(&e, bytes);
	say_enc(WIRE_CREDIT, &e);
}

void say_beat(void)
{
	MESSAGE(e);

	enc_u64(&e, 2000000);
	enc_u64(&e, 400000);
	say_enc(WIRE_HEARTBEAT, &e);
}

void say_kmsg(const char *records)
{
	say(WIRE_KMSG, records, strlen(records));
}

void say_file(const char *path, uint64_t size)
{
	MESSAGE(e);

	enc_u32(&e, ID_PULL);
	enc_str(&e, path);
	enc_u32(&e, 0100644);
	enc_u64(&e, size);
	say_enc(WIRE_FILE, &e);
}

void say_file_data(const char *text)
{
	MESSAGE(e);

	enc_u32(&e, ID_PULL);
	enc_rest(&e, text, strlen(text));
	say_enc(WIRE_FILE_DATA, &e);
}

void say_trouble(const char *text)
{
	MESSAGE(e);

	enc_str(&e, text);
	say_enc(WIRE_TROUBLE, &e);
}

void say_bye(void)
{
	MESSAGE(e);

	enc_u64(&e, 0);
	say_enc(WIRE_BYE, &e);
}

void session_anew(uint32_t seq)
{
	rig.w = (struct wire_writer){ .seq = seq };
	wire_reader_release(&rig.r);
	wire_reader_init(&rig.r);
}

void be_parked(void)
{
	say_hello();
	expect(WIRE_WELCOME);
	expect(WIRE_PARK);
	say_done(ID_PARK, 0, "");
	session_anew(0);
	say_hello();
}

/* ---- listening ---- */

/* Both ends use the key of WELCOME from then on. */
static void learn_key(const struct wire_frame *f)
{
	struct wire_dec d;

	dec_init(&d, f);
	assert_int_equal(dec_u16(&d), WIRE_VERSION);
	rig.w.key = rig.r.key = dec_u64(&d);
}

bool hear(struct wire_frame *ret)
{
	for (;;) {
		int r = wire_reader_next(&rig.r, ret);
		uint8_t *space;
		ssize_t n;

		if (r < 0)
			fail_msg("the host's frames are broken: %s", rig.r.broken);
		if (r > 0 && ret->type == WIRE_WELCOME)
			learn_key(ret);
		if (r > 0)
			return true;
		space = wire_reader_space(&rig.r, 65536);
		assert_non_null(space);
		n = machine.fd < 0 ? 0 : read(machine.fd, space, 65536);
		if (n <= 0)
			return false;
		wire_reader_added(&rig.r, (size_t)n);
	}
}

void expect(uint8_t type)
{
	turn();
	if (!hear(&rig.got))
		fail_msg("nothing came instead of %s", wire_type_name(type));
	if (rig.got.type != type)
		fail_msg("%s came instead of %s", wire_type_name(rig.got.type),
			wire_type_name(type));
}

void expect_exec(size_t command)
{
	struct wire_dec d;

	expect(WIRE_EXEC);
	dec_init(&d, &rig.got);
	assert_int_equal(dec_u32(&d), ID_COMMAND + command);
}

void expect_nothing(void)
{
	struct wire_frame f;

	turn();
	if (hear(&f))
		fail_msg("%s came instead of nothing", wire_type_name(f.type));
}
