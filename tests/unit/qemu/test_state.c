/* SPDX-License-Identifier: MIT */
/* States that QEMU would write and not read again. */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "harness.h"
#include "qemu/private.h"

static void add_be32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[] = { v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255 };

	buf_add(b, bytes, sizeof(bytes));
}

static void add_zeroes(struct buf *b, size_t n)
{
	while (n--)
		buf_addc(b, '\0');
}

/* As QEMU writes it: registers, rip, rflags, hflags, and more behind them. */
static void add_cpu(
	struct buf *b, const char *name, uint32_t number, uint32_t version, uint32_t hflags)
{
	buf_addc(b, 4);
	add_be32(b, 5 + number);
	buf_addc(b, (char)strlen(name));
	buf_adds(b, name);
	add_be32(b, number);
	add_be32(b, version);
	add_zeroes(b, 18 * 8);
	add_be32(b, hflags);
	add_zeroes(b, 500);
}

static bool in_guest(const struct buf *b)
{
	int fd = fd_memfd("state", b->data, b->len);
	bool ret;

	assert_true(fd >= 0);
	ret = qemu_state_in_guest(fd);
	close(fd);
	return ret;
}

static void a_cpu_in_a_guest_of_its_own_is_found(void **state)
{
	static const struct {
		const char *name;
		uint32_t version, hflags;
		size_t before;
		bool found;
	} table[] = {
		{ "cpu", 12, 0x300040, 100, true },
		{ "cpu", 12, 0x200000, 10 << 20, true },
		{ "cpu", 12, 0x100040, 100, false },
		{ "cpu", 13, 0x300040, 100, false }, /* of another form */
		{ "pci", 12, 0x300040, 100, false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		add_zeroes(&b, table[i].before);
		add_cpu(&b, "cpu", 0, 12, 0x40);
		add_cpu(&b, table[i].name, 1, table[i].version, table[i].hflags);
		assert_int_equal(in_guest(&b), table[i].found);
	}
}

static void one_that_is_cut_short_tells_nothing(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_false(in_guest(&b));
	add_cpu(&b, "cpu", 0, 12, 0x300040);
	buf_truncate(&b, 17 + 18 * 8 + 3);
	assert_false(in_guest(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_in_a_guest_of_its_own_is_found),
		cmocka_unit_test(one_that_is_cut_short_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
