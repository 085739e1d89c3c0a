/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "live/telnet.h"

#define TEXT(s) (s), sizeof(s) - 1

static void what_is_telnets_is_taken_out_in_any_pieces(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
		size_t out_len;
	} cases[] = {
		{ TEXT("plain\n"), TEXT("plain\n") },
		{ TEXT("a\r\nb\r\0c\rd"), TEXT("a\rb\rc\rd") },
		{ TEXT("\xff\xfd\x01x\xff\xfb\x03y"), TEXT("xy") },
		{ TEXT("\xff\xff"), TEXT("\xff") },
		{ TEXT("1\xff\xfa\x1f\x00\x50\xff\xff\xff\xf0"
		       "2"),
			TEXT("12") },
		{ TEXT("1\xff\xf1"
		       "2"),
			TEXT("12") },
		{ TEXT("1\xff\xfa never ends"), TEXT("1") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t cut = 0; cut <= cases[i].len; cut++) {
			struct telnet t = { 0 };
			_cleanup_buf_ struct buf b = BUF_INIT;

			telnet_decode(&t, cases[i].in, cut, &b);
			telnet_decode(&t, cases[i].in + cut, cases[i].len - cut, &b);
			assert_int_equal(b.len, cases[i].out_len);
			assert_memory_equal(buf_str(&b), cases[i].out, b.len);
		}
}

static void what_is_encoded_is_decoded_as_it_was(void **state)
{
	_cleanup_buf_ struct buf wire = BUF_INIT, back = BUF_INIT;
	struct telnet t = { 0 };
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	all['\r'] = 'r'; /* a server sends it as it is */
	telnet_encode(all, sizeof(all), &wire);
	telnet_decode(&t, wire.data, wire.len, &back);
	assert_int_equal(back.len, sizeof(all));
	assert_memory_equal(back.data, all, sizeof(all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_telnets_is_taken_out_in_any_pieces),
		cmocka_unit_test(what_is_encoded_is_decoded_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
