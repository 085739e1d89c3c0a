/* SPDX-License-Identifier: MIT */
/*
 * Runs the target of fuzz_kconfig.c without libFuzzer: N inputs from a fixed seed, made of the pieces of
 * Kconfig files with rare damage. A failing input is found again by its number.
 *
 *	fuzz-kconfig-standalone [N [FIRST]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

#define PICK(v) (v)[below(ARRAY_SIZE(v))]

static const char *const names[] = { "A", "B", "C", "D", "E", "F", "MODULES", "y", "m", "n", "7",
	"\"x\"", "$(cc-option,-f)", "$(ARCH)" };

static const char *const options[] = { "A", "B", "C", "D", "E", "F", "MODULES", "G" };

static void add_expr(struct buf *b, int depth)
{
	static const char *const signs[] = { " && ", " || ", " && ", "=", " != ", " < ", " >= " };

	if (below(4) == 0)
		buf_addc(b, '!');
	if (depth > 0 && below(3) == 0) {
		buf_addc(b, '(');
		add_expr(b, depth - 1);
		buf_addc(b, ')');
	} else {
		buf_adds(b, PICK(names));
	}
	if (depth > 0 && below(2) == 0) {
		buf_adds(b, PICK(signs));
		add_expr(b, depth - 1);
	}
}

static void add_if(struct buf *b)
{
	if (below(2) == 0) {
		buf_adds(b, " if ");
		add_expr(b, 2);
	}
	buf_addc(b, '\n');
}

static void add_property(struct buf *b)
{
	static const char *const types[] = { "\tbool", "\ttristate", "\tbool \"p\"",
		"\ttristate \"p\"", "\tint \"p\"", "\tstring", "\thex", "\tprompt \"p\"" };
	static const char *const others[] = { "\trange 1 B", "\thelp\n\t  text\n\n\t more",
		"\toptional", "\tmodules", "\tnonsense", "\t\\", "\tdef_bool $(success,(true))",
		"" };

	switch (below(6)) {
	case 0:
		buf_adds(b, PICK(types));
		break;
	case 1:
		buf_adds(b, "\tdepends on ");
		add_expr(b, 3);
		break;
	case 2:
		buf_addf(b, "\tselect %s", PICK(options));
		break;
	case 3:
		buf_adds(b, "\tdefault ");
		add_expr(b, 2);
		break;
	case 4:
		buf_adds(b, "\tvisible if ");
		add_expr(b, 1);
		break;
	default:
		buf_adds(b, PICK(others));
	}
	add_if(b);
}

static void add_statement(struct buf *b)
{
	static const char *const others[] = { "menu \"m\"\n", "endmenu\n", "choice\n",
		"endchoice\n", "endif\n", "source \"a\"\n", "source \"b\"\n",
		"source \"Kconfig\"\n", "comment \"c\"\n", "x := y\n" };

	if (below(4) > 0)
		buf_addf(b, "config %s\n", PICK(options));
	else if (below(4) == 0)
		add_if(b);
	else
		buf_adds(b, PICK(others));
	for (size_t n = below(4); n > 0; n--)
		add_property(b);
}

static void add_config(struct buf *b)
{
	static const char *const values[] = { "y", "m", "n", "7", "\"x\"", "0x10" };

	for (size_t n = 1 + below(6); n > 0; n--) {
		if (below(6) == 0)
			buf_adds(b, "# if known\n");
		if (below(3) == 0)
			buf_addf(b, "# CONFIG_%s is not set\n", PICK(options));
		else
			buf_addf(b, "CONFIG_%s=%s\n", PICK(options), PICK(values));
	}
}

static void make_input(struct buf *b, uint64_t number)
{
	random_state = number * 0x2545f4914f6cdd1d + 1;
	buf_clear(b);
	add_config(b);
	for (size_t part = 0; part < 3; part++) {
		buf_addc(b, '\0');
		for (size_t n = below(12); n > 0; n--)
			add_statement(b);
	}
	buf_addc(b, '\0');
	add_config(b);
	for (size_t n = below(4); n > 0; n--)
		b->data[below(b->len)] = (char)next_random();
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (uint64_t i = first; i < first + n; i++) {
		uint8_t *exact; /* of this size, so that a sanitizer sees a read past the end */

		make_input(&b, i);
		exact = xmemdup(b.data, b.len);
		LLVMFuzzerTestOneInput(exact, b.len);
		free(exact);
	}
	printf("%llu inputs\n", (unsigned long long)n);
	return 0;
}
