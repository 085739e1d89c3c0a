/* SPDX-License-Identifier: MIT */
/*
 * Bytes to the reader, and what comes out to the decoders. The first byte says how the rest is cut
 * into reads; the next eight are the session key. What must hold for any input:
 *
 * - the same frames, and the same end, come out however the stream is cut;
 * - a frame that comes out has exactly the bytes that the writer would have written for it;
 * - after a broken stream nothing comes out;
 * - decoders stay inside the payload, and what they read encodes to what they read it from.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x) ((x) ? (void)0 : abort())

static void free_strv(char **v)
{
	for (char **s = v; *s; s++)
		free(*s);
	free(v);
}

/* One field of each kind in the order that the payload's own bytes choose, and back. */
static void check_fields(const struct wire_frame *f)
{
	static uint8_t back[WIRE_PAYLOAD_MAX];
	struct wire_enc e = { .data = back, .cap = sizeof(back) };
	uint8_t *exact = malloc(f->len ? f->len : 1); /* for ASan: not one byte more than it has */
	struct wire_frame copy = { .payload = exact, .len = f->len };
	struct wire_dec d;
	const uint8_t *p;
	size_t n, good = 0;
	char *s, **v;

	MUST(exact);
	memcpy(exact, f->payload, f->len);
	dec_init(&d, &copy);
	for (int i = 0; i < 64 && !d.bad && d.pos < d.len; i++) {
		switch ((f->type + i + d.data[d.pos]) % 7) {
		case 0:
			enc_u8(&e, dec_u8(&d));
			break;
		case 1:
			enc_u16(&e, dec_u16(&d));
			break;
		case 2:
			enc_u32(&e, dec_u32(&d));
			break;
		case 3:
			enc_u64(&e, dec_u64(&d));
			break;
		case 4:
			p = dec_bytes(&d, &n);
			MUST(p);
			if (!d.bad)
				enc_bytes(&e, p, n);
			break;
		case 5:
			s = dec_str(&d);
			MUST(s);
			if (!d.bad)
				enc_str(&e, s);
			free(s);
			break;
		case 6:
			v = dec_strv(&d, &n);
			MUST(v && !v[n]);
			if (!d.bad)
				enc_strv(&e, v, n);
			free_strv(v);
			break;
		}
		MUST(d.pos <= d.len);
		if (!d.bad)
			good = d.pos;
	}
	MUST(!e.overflow && e.len >= good && memcmp(back, f->payload, good) == 0);
	MUST((dec_end(&d) == 0) == (!d.bad && d.pos == d.len));
	p = dec_rest(&d, &n);
	MUST(p && (d.bad ? n == 0 : dec_end(&d) == 0));
	free(exact);
}

static void check_frame(const struct wire_frame *f, const uint8_t *stream, size_t size, size_t at,
	struct wire_writer *writer)
{
	uint8_t header[WIRE_HEADER_SIZE];

	MUST(f->len <= WIRE_PAYLOAD_MAX && f->seq == writer->seq);
	MUST(at + WIRE_HEADER_SIZE + f->len <= size);
	wire_frame_header(writer, header, f->type, f->payload, f->len);
	MUST(memcmp(header, stream + at, WIRE_HEADER_SIZE) == 0);
	MUST(memcmp(f->payload, stream + at + WIRE_HEADER_SIZE, f->len) == 0);
	check_fields(f);
}

/* Returns how many frames came out; *RET_BROKEN is why it ended, "" for want of bytes. */
static size_t read_stream(
	const uint8_t *stream, size_t size, uint64_t key, size_t step, char ret_broken[static 160])
{
	struct wire_writer writer = { .key = key };
	struct wire_reader reader;
	struct wire_frame f;
	size_t n = 0, at = 0, fed = 0;
	int r = 0;

	wire_reader_init(&reader);
	reader.key = key;
	while (fed < size) {
		size_t len = size - fed < step ? size - fed : step;
		uint8_t *space = wire_reader_space(&reader, len);

		MUST(space);
		memcpy(space, stream + fed, len);
		wire_reader_added(&reader, len);
		fed += len;
		while ((r = wire_reader_next(&reader, &f)) > 0) {
			check_frame(&f, stream, size, at, &writer);
			at += WIRE_HEADER_SIZE + f.len;
			n++;
		}
		MUST(r == 0 || r == -EPROTO);
		MUST((r < 0) == (reader.broken[0] != '\0'));
	}
	MUST(wire_reader_next(&reader, &f) == r);
	memcpy(ret_broken, reader.broken, 160);
	wire_reader_release(&reader);
	return n;
}

/* The input as the payload of a good frame: a fuzzer does not find checksums by chance. */
static void check_as_payload(const uint8_t *data, size_t size, uint64_t key)
{
	static uint8_t frame[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
	struct wire_writer writer = { .key = key };
	char broken[160];

	if (size == 0 || size > WIRE_PAYLOAD_MAX)
		return;
	memcpy(frame + WIRE_HEADER_SIZE, data, size);
	wire_frame_header(&writer, frame, data[0], data, size);
	MUST(read_stream(frame, WIRE_HEADER_SIZE + size, key, SIZE_MAX, broken) == 1);
	MUST(broken[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char whole[160], cut[160];
	uint64_t key = 0;
	size_t step, n;

	if (size < 9)
		return 0;
	step = (size_t)data[0] * 7 + 1;
	memcpy(&key, data + 1, sizeof(key));
	n = read_stream(data + 9, size - 9, key, size, whole);
	MUST(read_stream(data + 9, size - 9, key, step, cut) == n);
	MUST(strcmp(whole, cut) == 0);
	check_as_payload(data + 9, size - 9, key);
	return 0;
}
