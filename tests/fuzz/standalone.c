/* SPDX-License-Identifier: MIT */
/*
 * Runs the target of fuzz_wire.c without libFuzzer, so that each compiler and each check of the
 * project exercises it: N inputs from a fixed seed, valid streams with rare damage, since what random
 * bytes reach ends at the first magic number. A failing input is found again by its number.
 *
 *	fuzz-wire-standalone [N [FIRST]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (4 * (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX) + 64)

static uint64_t random_state;

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return next_random() % n;
}

static size_t make_payload(uint8_t *data)
{
	static char texts[4][8] = { "", "a", "PATH=/", "x y\tz" };
	char *v[] = { texts[0], texts[1], texts[2], texts[3] };
	struct wire_enc e = { .data = data, .cap = WIRE_PAYLOAD_MAX };
	uint8_t noise[64];

	if (below(64) == 0) { /* up to the largest, with plain content */
		size_t len = WIRE_PAYLOAD_MAX - below(3);

		memset(data, (int)below(256), len);
		return len;
	}
	for (size_t n = below(8); n > 0; n--) {
		switch (below(6)) {
		case 0:
			enc_u8(&e, (uint8_t)next_random());
			break;
		case 1:
			enc_u32(&e, (uint32_t)below(16));
			break;
		case 2:
			enc_u64(&e, next_random());
			break;
		case 3:
			enc_str(&e, v[below(4)]);
			break;
		case 4:
			enc_strv(&e, v, below(5));
			break;
		case 5:
			for (size_t i = 0; i < sizeof(noise); i++)
				noise[i] = (uint8_t)next_random();
			enc_bytes(&e, noise, below(sizeof(noise)));
			break;
		}
	}
	return e.len;
}

static size_t make_stream(uint8_t *data, struct wire_writer *w)
{
	size_t len = 0;

	for (size_t n = below(4) + 1; n > 0; n--) {
		uint8_t *frame = data + len;
		size_t payload = make_payload(frame + WIRE_HEADER_SIZE);

		if (below(50) == 0)
			w->seq += (uint32_t)below(3);
		if (below(50) == 0)
			w->key ^= 1;
		wire_frame_header(
			w, frame, (uint8_t)next_random(), frame + WIRE_HEADER_SIZE, payload);
		len += WIRE_HEADER_SIZE + payload;
	}
	return len;
}

static size_t damage(uint8_t *data, size_t len)
{
	size_t from, to, n;

	switch (below(8)) {
	case 0:
		data[below(len)] ^= (uint8_t)(1 << below(8));
		return len;
	case 1: /* cut off */
		return below(len) + 1;
	case 2: /* a piece repeated over another */
		from = below(len);
		to = below(len);
		n = below(len - (from > to ? from : to)) + 1;
		memmove(data + to, data + from, n);
		return len;
	case 3: /* a piece lost */
		from = below(len);
		n = below(len - from);
		memmove(data + from, data + from + n, len - from - n);
		return len - n;
	default:
		return len;
	}
}

static size_t make_input(uint8_t *data, uint64_t number)
{
	struct wire_writer w = { 0 };
	size_t len;

	random_state = number * 0x2545f4914f6cdd1d + 1;
	w.key = below(2) ? next_random() : 0;
	data[0] = (uint8_t)next_random();
	memcpy(data + 1, &w.key, sizeof(w.key));
	len = make_stream(data + 9, &w);
	return 9 + damage(data + 9, len);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint8_t *data = malloc(INPUT_MAX);

	if (!data)
		return 1;
	for (uint64_t i = first; i < first + n; i++) {
		size_t len = make_input(data, i);
		/* Of exactly this size, so that a sanitizer sees a read past the end. */
		uint8_t *exact = malloc(len);

		if (!exact)
			return 1;
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	free(data);
	printf("%llu inputs\n", (unsigned long long)n);
	return 0;
}
