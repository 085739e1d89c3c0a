/* SPDX-License-Identifier: MIT */
/*
 * Bytes in, frames out. `start` and `len` mark what was not handed out yet; a frame is handed out in
 * place, so it lives until wire_reader_space() moves the bytes behind it to the front.
 */
#include "wire/bytes.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_BUFFER (2 * (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX))

void wire_reader_init(struct wire_reader *r)
{
	*r = (struct wire_reader){ 0 };
}

void wire_reader_release(struct wire_reader *r)
{
	free(r->data);
	wire_reader_init(r);
}

uint8_t *wire_reader_space(struct wire_reader *r, size_t len)
{
	if (r->len == 0)
		r->start = 0;
	if (r->cap > 0 && len <= r->cap - r->start - r->len)
		return r->data + r->start + r->len;
	if (r->start > 0) {
		memmove(r->data, r->data + r->start, r->len);
		r->start = 0;
	}
	if (r->cap == 0 || len > r->cap - r->len) {
		size_t cap = r->cap ? r->cap : SMALLEST_BUFFER;
		uint8_t *data;

		if (len > SIZE_MAX / 4 - r->len)
			return NULL;
		while (cap - r->len < len)
			cap *= 2;
		data = realloc(r->data, cap);
		if (!data)
			return NULL;
		r->data = data;
		r->cap = cap;
	}
	return r->data + r->len;
}

void wire_reader_added(struct wire_reader *r, size_t len)
{
	r->len += len;
}

__attribute__((format(printf, 2, 3))) static int broken(
	struct wire_reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->broken, sizeof(r->broken), format, args);
	va_end(args);
	return -EPROTO;
}

static int check_header(struct wire_reader *r, const uint8_t *header)
{
	uint32_t magic = get_le32(header), seq = get_le32(header + 8), len = get_le32(header + 12);

	if (magic != WIRE_MAGIC)
		return broken(
			r, "frame %u starts with %08x instead of %08x", r->seq, magic, WIRE_MAGIC);
	if (header[5] || header[6] || header[7])
		return broken(r, "frame %u has reserved bytes set", r->seq);
	if (len > WIRE_PAYLOAD_MAX)
		return broken(r, "frame %u announces %u bytes, more than %u", r->seq, len,
			WIRE_PAYLOAD_MAX);
	if (seq != r->seq)
		return broken(r, "frame %u came where %u was due", seq, r->seq);
	return 0;
}

int wire_reader_next(struct wire_reader *r, struct wire_frame *ret)
{
	const uint8_t *header;
	size_t len;

	if (r->broken[0])
		return -EPROTO;
	if (r->len < WIRE_HEADER_SIZE)
		return 0;
	header = r->data + r->start;
	if (check_header(r, header) < 0)
		return -EPROTO;
	len = get_le32(header + 12);
	if (r->len < WIRE_HEADER_SIZE + len)
		return 0;
	if (wire_frame_crc(r->key, header, header + WIRE_HEADER_SIZE, len) !=
		get_le32(header + WIRE_HEADER_SUMMED))
		return broken(r, "frame %u (type %u, %zu bytes) has a wrong checksum", r->seq,
			header[4], len);

	*ret = (struct wire_frame){
		.type = header[4],
		.seq = r->seq++,
		.payload = header + WIRE_HEADER_SIZE,
		.len = len,
	};
	r->start += WIRE_HEADER_SIZE + len;
	r->len -= WIRE_HEADER_SIZE + len;
	return 1;
}
