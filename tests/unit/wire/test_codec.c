/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "harness.h"

static struct wire_dec decoder(const uint8_t *data, size_t len)
{
	struct wire_frame f = { .payload = data, .len = len };
	struct wire_dec d;

	dec_init(&d, &f);
	return d;
}

static void free_strv(char **v)
{
	for (char **s = v; *s; s++)
		free(*s);
	free(v);
}

/* One of each field. */
static size_t sample(uint8_t *data, size_t cap, bool *ret_overflow)
{
	struct wire_enc e = { .data = data, .cap = cap };
	char one[] = "one", empty[] = "", three[] = "three";
	char *v[] = { one, empty, three };

	enc_u8(&e, 0xa1);
	enc_u16(&e, 0xb1b2);
	enc_u32(&e, 0xc1c2c3c4);
	enc_u64(&e, 0xd1d2d3d4d5d6d7d8);
	enc_bytes(&e, "\0\1\2", 3);
	enc_str(&e, "text");
	enc_strv(&e, v, 3);
	enc_rest(&e, "tail", 4);
	*ret_overflow = e.overflow;
	return e.len;
}

static void every_field_comes_back(void **state)
{
	uint8_t data[256];
	bool overflow;
	struct wire_dec d = decoder(data, sample(data, sizeof(data), &overflow));
	const uint8_t *p;
	size_t n;
	char *s, **v;

	assert_false(overflow);
	assert_int_equal(dec_u8(&d), 0xa1);
	assert_int_equal(dec_u16(&d), 0xb1b2);
	assert_int_equal(dec_u32(&d), 0xc1c2c3c4);
	assert_true(dec_u64(&d) == 0xd1d2d3d4d5d6d7d8);
	p = dec_bytes(&d, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "\0\1\2", 3);
	s = dec_str(&d);
	assert_string_equal(s, "text");
	free(s);
	v = dec_strv(&d, &n);
	assert_int_equal(n, 3);
	assert_string_equal(v[0], "one");
	assert_string_equal(v[1], "");
	assert_string_equal(v[2], "three");
	assert_null(v[3]);
	free_strv(v);
	p = dec_rest(&d, &n);
	assert_int_equal(n, 4);
	assert_memory_equal(p, "tail", 4);
	assert_int_equal(dec_end(&d), 0);
}

static void numbers_are_little_endian(void **state)
{
	uint8_t data[15];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };

	enc_u8(&e, 1);
	enc_u16(&e, 0x0302);
	enc_u32(&e, 0x07060504);
	enc_u64(&e, 0x0f0e0d0c0b0a0908);
	for (int i = 0; i < 15; i++)
		assert_int_equal(data[i], i + 1);
}

static void overflow_is_remembered_and_never_written(void **state)
{
	uint8_t whole[256], data[256];
	bool overflow;
	size_t len = sample(whole, sizeof(whole), &overflow);

	for (size_t cap = 0; cap < len; cap++) {
		memset(data, 0xee, sizeof(data));
		assert_true(sample(data, cap, &overflow) <= cap);
		assert_true(overflow);
		for (size_t i = cap; i < sizeof(data); i++)
			assert_int_equal(data[i], 0xee);
	}
	sample(data, len, &overflow);
	assert_false(overflow);
	assert_memory_equal(data, whole, len);
}

/* Reads the sample's fields from a heap block of exactly LEN bytes, so that ASan sees a byte too many. */
static int read_sample(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct wire_dec d;
	size_t n;
	char *s, **v;
	int r;

	memcpy(copy, data, len);
	d = decoder(copy, len);
	dec_u8(&d);
	dec_u16(&d);
	dec_u32(&d);
	dec_u64(&d);
	assert_non_null(dec_bytes(&d, &n));
	s = dec_str(&d);
	assert_non_null(s);
	free(s);
	v = dec_strv(&d, &n);
	assert_non_null(v);
	free_strv(v);
	r = dec_end(&d);
	free(copy);
	return r;
}

static void a_payload_cut_anywhere_is_refused(void **state)
{
	uint8_t data[256];
	bool overflow;
	size_t len = sample(data, sizeof(data), &overflow) - 4; /* without the rest */

	assert_int_equal(read_sample(data, len), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(read_sample(data, cut), -EPROTO);
}

static void bytes_left_over_are_refused(void **state)
{
	uint8_t data[256];
	bool overflow;
	size_t len = sample(data, sizeof(data), &overflow);

	assert_int_equal(read_sample(data, len), -EPROTO);
}

static void after_a_bad_field_all_read_as_empty(void **state)
{
	uint8_t data[] = { 1, 2, 3, 4, 5 };
	struct wire_dec d = decoder(data, sizeof(data));
	size_t n = 99;
	char *s, **v;

	assert_true(dec_u64(&d) == 0);
	assert_true(d.bad);
	assert_int_equal(dec_u8(&d), 0);
	assert_int_equal(dec_u16(&d), 0);
	assert_int_equal(dec_u32(&d), 0);
	assert_non_null(dec_bytes(&d, &n));
	assert_int_equal(n, 0);
	n = 99;
	assert_non_null(dec_rest(&d, &n));
	assert_int_equal(n, 0);
	s = dec_str(&d);
	assert_string_equal(s, "");
	free(s);
	n = 99;
	v = dec_strv(&d, &n);
	assert_int_equal(n, 0);
	assert_null(v[0]);
	free_strv(v);
	assert_int_equal(dec_end(&d), -EPROTO);
}

static void a_length_that_lies_is_refused(void **state)
{
	uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct wire_dec d = decoder(data, sizeof(data));
	size_t n;

	dec_bytes(&d, &n);
	assert_int_equal(n, 0);
	assert_true(d.bad);
}

static void a_count_that_lies_allocates_nothing(void **state)
{
	uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
	struct wire_dec d = decoder(data, sizeof(data));
	size_t n;
	char **v = dec_strv(&d, &n);

	assert_int_equal(n, 0);
	assert_null(v[0]);
	assert_true(d.bad);
	free_strv(v);
}

static void a_nul_in_a_string_is_refused(void **state)
{
	uint8_t data[16];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };
	struct wire_dec d;
	char *s;

	enc_bytes(&e, "a\0b", 3);
	d = decoder(data, e.len);
	s = dec_str(&d);
	assert_string_equal(s, "");
	free(s);
	assert_true(d.bad);
}

static void every_message_has_a_name_and_no_other_number_has(void **state)
{
	assert_string_equal(wire_type_name(WIRE_EXITED), "EXITED");
	assert_string_equal(wire_type_name(WIRE_WELCOME), "WELCOME");
	for (int type = 0; type < 256; type++) {
		bool known = (type >= WIRE_WELCOME && type <= WIRE_WINDOW) ||
			     (type >= WIRE_HELLO && type <= WIRE_TROUBLE);

		assert_int_equal(wire_type_name((uint8_t)type) != NULL, known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(overflow_is_remembered_and_never_written),
		cmocka_unit_test(a_payload_cut_anywhere_is_refused),
		cmocka_unit_test(bytes_left_over_are_refused),
		cmocka_unit_test(after_a_bad_field_all_read_as_empty),
		cmocka_unit_test(a_length_that_lies_is_refused),
		cmocka_unit_test(a_count_that_lies_allocates_nothing),
		cmocka_unit_test(a_nul_in_a_string_is_refused),
		cmocka_unit_test(every_message_has_a_name_and_no_other_number_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
