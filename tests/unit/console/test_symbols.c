/* SPDX-License-Identifier: MIT */
/*
 * Decodes a program whose addresses and lines are known by itself: decode-me prints them. Its path is
 * this test's only argument.
 */
#include <unistd.h>

#include "base/proc.h"
#include "console/symbols.h"
#include "harness.h"

static char *image;
static struct symbol_map names; /* of IMAGE, by our own reader: sizes for the traces made here */

struct fact {
	char kind[16];
	uint64_t addr;
	int line, outer_line;
};

static struct fact facts[8];

static const struct fact *fact(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (!strcmp(facts[i].kind, kind))
			return &facts[i];
	fail_msg("no fact %s", kind);
	return NULL;
}

static int read_facts(void **state)
{
	const char *const argv[] = { image, NULL };
	_cleanup_buf_ struct buf out = BUF_INIT;
	int status, n, used;
	const char *p;

	if (proc_capture(argv, NULL, &out, NULL, 10000, &status, NULL) < 0 || status != 0)
		return -1;
	p = buf_str(&out);
	for (n = 0; n < (int)ARRAY_SIZE(facts); n++, p += used) {
		struct fact *f = &facts[n];

		if (sscanf(p, "%15s %lx %d %d%n", f->kind, &f->addr, &f->line, &f->outer_line,
			    &used) != 4)
			break;
	}
	return n == 4 ? symbol_map_read_elf(&names, image) : -1;
}

static int release_names(void **state)
{
	symbol_map_release(&names);
	return 0;
}

/* "NAME+0xOFF/0xSIZE" as a kernel prints ADDR. */
static char *reference(uint64_t addr)
{
	const struct symbol *s = symbol_map_at(&names, addr);

	assert_non_null(s);
	return xasprintf("%s+0x%lx/0x%lx", symbol_name(&names, s), (unsigned long)(addr - s->addr),
		(unsigned long)s->size);
}

static char *decode_by(const char *vmlinux, const char *map, const char *text)
{
	struct symbols *s = symbols_new(vmlinux, map);
	struct buf b = BUF_INIT;

	symbols_decode(s, text, &b);
	symbols_free(s);
	return buf_detach(&b);
}

static void assert_decoded(const char *text, const char *want)
{
	_cleanup_free_ char *got = decode_by(image, NULL, text);

	/* How the path of this folder looks depends on where the build is. */
	for (char *p; (p = strstr(got, "decode_me"));) {
		char *start = p;

		while (start > got && start[-1] != '(')
			start--;
		if (*start == '/')
			fail_msg("absolute path: %s", got);
		memmove(start, p, strlen(p) + 1);
		memcpy(start, "DECODE_ME", 9);
	}
	assert_string_equal(got, want);
}

static void frame_gets_the_line_of_its_call(void **state)
{
	const struct fact *f = fact("plain");
	_cleanup_free_ char *ref = reference(f->addr);
	_cleanup_free_ char *text = xasprintf("Call Trace:\n ? %s\n %s\nend", ref, ref);
	_cleanup_free_ char *want =
		xasprintf("Call Trace:\n ? %s (DECODE_ME.c:%d)\n %s (DECODE_ME.c:%d)\nend", ref,
			f->line, ref, f->line);

	assert_decoded(text, want);
}

static void inlined_function_has_a_line_of_its_own(void **state)
{
	const struct fact *f = fact("inlined");
	_cleanup_free_ char *ref = reference(f->addr);
	_cleanup_free_ char *text = xasprintf("[    1.234567][   T1]  %s\n", ref);
	_cleanup_free_ char *want =
		xasprintf("[    1.234567][   T1]  inner (DECODE_ME.c:%d) [inline]\n"
			  "[    1.234567][   T1]  %s (DECODE_ME.c:%d)\n",
			f->line, ref, f->outer_line);

	assert_decoded(text, want);
}

static void functions_of_one_name_are_told_apart_by_size(void **state)
{
	_cleanup_free_ char *a = reference(fact("twin")->addr), *b = reference(fact("other")->addr);
	_cleanup_free_ char *text = xasprintf(" %s\n %s\n", a, b);
	_cleanup_free_ char *want = xasprintf(" %s (DECODE_ME.c:%d)\n %s (DECODE_ME_too.c:%d)\n", a,
		fact("twin")->line, b, fact("other")->line);

	assert_int_equal(strncmp(a, "twin+", 5), 0);
	assert_int_equal(strncmp(b, "twin+", 5), 0);
	assert_decoded(text, want);
}

static void program_counter_is_no_return_address(void **state)
{
	const struct symbol *s = symbol_map_at(&names, fact("plain")->addr);
	_cleanup_free_ char *text =
		xasprintf("RIP: 0010:plain+0x0/0x%lx\n", (unsigned long)s->size);
	_cleanup_free_ char *got = decode_by(image, NULL, text);

	assert_non_null(strstr(got, "decode_me.c:"));
}

static void bare_address_is_decoded_where_it_lies_in_the_image(void **state)
{
	const struct fact *f = fact("plain");
	_cleanup_free_ char *text = xasprintf("RIP: 0010:[<%016lx>] \n", f->addr);
	_cleanup_free_ char *moved = xasprintf(
		" [<%016lx>]\nKernel Offset: 0x1c000000 from 0x1\n", f->addr + 0x1c000000);
	_cleanup_free_ char *want =
		xasprintf(" [<%016lx>] (DECODE_ME.c:%d)\nKernel Offset: 0x1c000000 from 0x1\n",
			f->addr + 0x1c000000, f->line);
	_cleanup_free_ char *got = decode_by(image, NULL, text);

	assert_non_null(strstr(got, "decode_me.c:"));
	assert_decoded(moved, want);
}

static void what_the_image_does_not_know_stays(void **state)
{
	const char *text = " foo+0x12/0x34\n plain+0x1/0x99999\n plain+0x1/0x10 [module]\n"
			   "RAX: 0000000000401136 RBX: 0000000000401136\n [<ffffffff81000000>]\n"
			   "Code: 40 00 48 c7\n\n+0x +0x1/ a+0x/0x1 1+0x1/0x1";

	assert_decoded(text, text);
}

static void decoding_twice_changes_nothing(void **state)
{
	_cleanup_free_ char *ref = reference(fact("plain")->addr);
	_cleanup_free_ char *text = xasprintf(" %s\n", ref);
	_cleanup_free_ char *once = decode_by(image, NULL, text);
	_cleanup_free_ char *twice = decode_by(image, NULL, once);

	assert_string_not_equal(text, once);
	assert_string_equal(once, twice);
}

static void map_names_bare_addresses(void **state)
{
	char path[] = "/tmp/console-map-XXXXXX";
	int fd = mkstemp(path);
	static const char map[] = "0000000000000000 A fixed\nffffffff81000000 T _text\n"
				  "ffffffff81000100 t foo\nffffffff81000200 T bar\n"
				  "ffffffffc0000000 t mod_func\t[mod]\nnonsense\n";
	_cleanup_free_ char *got = NULL;

	assert_int_equal(fd_write_all(fd, map, sizeof(map) - 1), 0);
	close(fd);
	got = decode_by(
		NULL, path, " [<ffffffff81000110>]\n [<ffffffffc0000001>]\n foo+0x10/0x100\n");
	unlink(path);
	assert_string_equal(
		got, " [<ffffffff81000110>] (foo+0x10)\n [<ffffffffc0000001>]\n foo+0x10/0x100\n");
}

static void missing_or_broken_images_leave_the_text(void **state)
{
	static const char *const paths[] = { "/nonexistent", "/dev/null", "/proc/self/cmdline",
		"/" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *got = decode_by(paths[i], paths[i], " f+0x1/0x2\n");

		assert_string_equal(got, " f+0x1/0x2\n");
	}
}

#define TESTS_OF_NAMES                                        \
	cmocka_unit_test(what_the_image_does_not_know_stays), \
		cmocka_unit_test(map_names_bare_addresses),   \
		cmocka_unit_test(missing_or_broken_images_leave_the_text)

int main(int argc, char **argv)
{
	static const struct CMUnitTest of_names[] = { TESTS_OF_NAMES };
	static const struct CMUnitTest of_lines_too[] = {
		TESTS_OF_NAMES,
		cmocka_unit_test(frame_gets_the_line_of_its_call),
		cmocka_unit_test(inlined_function_has_a_line_of_its_own),
		cmocka_unit_test(functions_of_one_name_are_told_apart_by_size),
		cmocka_unit_test(program_counter_is_no_return_address),
		cmocka_unit_test(bare_address_is_decoded_where_it_lies_in_the_image),
		cmocka_unit_test(decoding_twice_changes_nothing),
	};

	image = argc > 1 ? argv[1] : NULL;
	if (!WITH_DWARF)
		return cmocka_run_group_tests_name(
			"console-symbols", of_names, read_facts, release_names);
	return cmocka_run_group_tests_name(
		"console-symbols", of_lines_too, read_facts, release_names);
}
