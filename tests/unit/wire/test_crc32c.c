/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* RFC 3720, appendix B.4. */
static void known_sums(void **state)
{
	uint8_t data[32];

	assert_int_equal(wire_crc32c(0, "", 0), 0);
	assert_int_equal(wire_crc32c(0, "123456789", 9), 0xe3069283);
	memset(data, 0, sizeof(data));
	assert_int_equal(wire_crc32c(0, data, sizeof(data)), 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(wire_crc32c(0, data, sizeof(data)), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(wire_crc32c(0, data, sizeof(data)), 0x46dd794e);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)(31 - i);
	assert_int_equal(wire_crc32c(0, data, sizeof(data)), 0x113fdb5c);
}

static uint32_t bit_by_bit(uint32_t crc, const uint8_t *data, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void agrees_with_the_definition_at_every_length_and_alignment(void **state)
{
	uint8_t data[96];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 73 + 5);
	for (size_t at = 0; at < 8; at++)
		for (size_t len = 0; at + len <= sizeof(data); len++)
			assert_int_equal(
				wire_crc32c(7, data + at, len), bit_by_bit(7, data + at, len));
}

static void parts_add_up(void **state)
{
	const char *text = "the quick brown fox jumps over the lazy dog";
	size_t len = strlen(text);

	for (size_t cut = 0; cut <= len; cut++)
		assert_int_equal(wire_crc32c(wire_crc32c(0, text, cut), text + cut, len - cut),
			wire_crc32c(0, text, len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums),
		cmocka_unit_test(agrees_with_the_definition_at_every_length_and_alignment),
		cmocka_unit_test(parts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
