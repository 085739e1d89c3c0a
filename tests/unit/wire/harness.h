/* SPDX-License-Identifier: MIT */
/* What the tests of wire share: cmocka with its own needs, and a stream made by the writer. */
#ifndef TEST_WIRE_HARNESS_H
#define TEST_WIRE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/wire.h"

#define KEY 0x0123456789abcdefu

struct stream {
	uint8_t data[8 * (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX)];
	size_t len;
	size_t begin[64]; /* of each frame */
	size_t n;
	struct wire_writer writer;
};

static inline void stream_put(struct stream *s, uint8_t type, const void *payload, size_t len)
{
	s->begin[s->n++] = s->len;
	wire_frame_header(&s->writer, s->data + s->len, type, payload, len);
	if (len > 0)
		memcpy(s->data + s->len + WIRE_HEADER_SIZE, payload, len);
	s->len += WIRE_HEADER_SIZE + len;
}

static inline void feed(struct wire_reader *r, const uint8_t *data, size_t len)
{
	uint8_t *space = wire_reader_space(r, len);

	assert_non_null(space);
	memcpy(space, data, len);
	wire_reader_added(r, len);
}

#endif
