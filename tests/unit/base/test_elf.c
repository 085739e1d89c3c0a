/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/elf.h"
#include "base/text.h"
#include "harness.h"

/* A program in memory: one segment from address 0, a dynamic section, a string table. */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	Elf64_Dyn dyn[8];
	char interpreter[16];
	char strings[256];
};

/* The type of this machine's own programs. */
static uint16_t machine(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	Elf64_Ehdr eh;

	assert_int_equal(file_read("/proc/self/exe", 256 << 20, &b, NULL), 0);
	memcpy(&eh, b.data, sizeof(eh));
	return eh.e_machine;
}

static void image_init(struct image *i)
{
	*i = (struct image){
		.eh = {
			.e_type = ET_DYN,
			.e_machine = machine(),
			.e_phoff = offsetof(struct image, ph),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_filesz = sizeof(*i), .p_memsz = sizeof(*i) },
			{
				.p_type = PT_DYNAMIC,
				.p_offset = offsetof(struct image, dyn),
				.p_vaddr = offsetof(struct image, dyn),
				.p_filesz = sizeof(i->dyn),
			},
			{
				.p_type = PT_INTERP,
				.p_offset = offsetof(struct image, interpreter),
				.p_filesz = 4,
			},
		},
		.dyn = {
			{ DT_STRTAB, { offsetof(struct image, strings) } },
			{ DT_STRSZ, { sizeof(i->strings) } },
		},
	};
	memcpy(i->eh.e_ident, ELFMAG, SELFMAG);
	i->eh.e_ident[EI_CLASS] = ELFCLASS64;
	i->eh.e_ident[EI_DATA] =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
}

/* Adds a dynamic entry whose value is a string. */
static void image_add(struct image *i, int64_t tag, const char *s)
{
	size_t n = 0, at = 1;

	while (i->dyn[n].d_tag)
		n++;
	while (i->strings[at])
		at += strlen(i->strings + at) + 1;
	i->dyn[n] = (Elf64_Dyn){ tag, { at } };
	memcpy(i->strings + at, s, strlen(s) + 1);
}

static void image_write(const struct image *i, const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name), *parent = path_dir(path);

	assert_int_equal(dir_make(parent, 0755, NULL), 0);
	file_put(path, i, sizeof(*i));
}

static int closure(const char *dir, const char *name, struct strv *ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return elf_closure(path, ret, e);
}

static bool has_base(const struct strv *s, const char *prefix)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_starts(path_base(s->v[i]), prefix))
			return true;
	return false;
}

static void a_real_program_needs_its_loader_and_its_libraries(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;

	assert_int_equal(elf_closure("/proc/self/exe", &s, NULL), 0);
	assert_true(has_base(&s, "libcmocka.so"));
	assert_true(has_base(&s, "libc.so") || has_base(&s, "ld-musl-"));
	for (size_t i = 0; i < s.n; i++) {
		assert_true(file_exists(s.v[i]));
		assert_int_equal(*s.v[i], '/');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(s.v[i], s.v[j]);
	}
}

static void a_static_program_needs_nothing(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct image i;

	image_init(&i);
	image_write(&i, *state, "static");
	assert_int_equal(closure(*state, "static", &s, NULL), 0);
	i.eh.e_phnum = 0;
	image_write(&i, *state, "bare");
	assert_int_equal(closure(*state, "bare", &s, NULL), 0);
	assert_int_equal(s.n, 0);
}

static void the_run_path_is_searched_from_the_origin(void **state)
{
	_cleanup_free_ char *liba = NULL, *libb = NULL, *real = realpath(*state, NULL);
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct image i;

	image_init(&i);
	image_add(&i, DT_RUNPATH, "relative:$ORIGIN/../lib:$LIB/x");
	image_add(&i, DT_NEEDED, "liba.so");
	image_write(&i, *state, "bin/program");
	image_init(&i);
	image_add(&i, DT_RUNPATH, "${ORIGIN}/deep");
	image_add(&i, DT_NEEDED, "libb.so");
	image_add(&i, DT_NEEDED, "liba.so"); /* a cycle */
	image_write(&i, *state, "lib/liba.so");
	image_init(&i);
	image_write(&i, *state, "lib/deep/libb.so");

	assert_int_equal(closure(*state, "bin/program", &s, NULL), 0);
	assert_int_equal(s.n, 2);
	liba = path_join(real, "lib/liba.so");
	libb = path_join(real, "lib/deep/libb.so");
	assert_string_equal(s.v[0], liba);
	assert_string_equal(s.v[1], libb);
}

static void an_rpath_serves_the_libraries_below_a_runpath_does_not(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct err e = ERR_INIT;
	struct image i;

	image_init(&i);
	image_add(&i, DT_NEEDED, "libb.so");
	image_write(&i, *state, "liba.so");
	image_init(&i);
	image_write(&i, *state, "libb.so");
	image_init(&i);
	image_add(&i, DT_RPATH, "$ORIGIN");
	image_add(&i, DT_NEEDED, "liba.so");
	image_write(&i, *state, "with-rpath");
	assert_int_equal(closure(*state, "with-rpath", &s, NULL), 0);
	assert_int_equal(s.n, 2);

	i.dyn[2].d_tag = DT_RUNPATH;
	image_write(&i, *state, "with-runpath");
	assert_int_equal(closure(*state, "with-runpath", &s, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "the library libb.so, which "));
	assert_int_equal(s.n, 2);
	err_release(&e);
}

static void a_library_for_another_machine_is_passed_over(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct image i;

	image_init(&i);
	i.eh.e_machine = EM_S390 + 1;
	image_write(&i, *state, "wrong/liba.so");
	image_init(&i);
	image_write(&i, *state, "right/liba.so");
	image_add(&i, DT_RUNPATH, "$ORIGIN/wrong:$ORIGIN/right");
	image_add(&i, DT_NEEDED, "liba.so");
	image_write(&i, *state, "program");
	assert_int_equal(closure(*state, "program", &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_true(str_ends(s.v[0], "/right/liba.so"));
}

static void a_script_needs_what_runs_it(void **state)
{
	_cleanup_free_ char *plain = path_join(*state, "plain"), *env = path_join(*state, "env");
	_cleanup_free_ char *outer = path_join(*state, "outer"), *text = NULL;
	_cleanup_strv_ struct strv s = STRV_INIT;

	file_put(plain, "#! /bin/sh -e\n", 14);
	assert_int_equal(elf_closure(plain, &s, NULL), 0);
	assert_true(strv_has(&s, "/bin/sh"));
	assert_true(s.n > 1);
	strv_release(&s);

	file_put(env, "#!/usr/bin/env -S X=y sh -e", 27);
	assert_int_equal(elf_closure(env, &s, NULL), 0);
	assert_true(strv_has(&s, "/usr/bin/env"));
	assert_true(has_base(&s, "sh"));
	strv_release(&s);

	text = xasprintf("#!%s\n", plain);
	file_put(outer, text, strlen(text));
	assert_int_equal(elf_closure(outer, &s, NULL), 0);
	assert_true(strv_has(&s, plain));
	assert_true(strv_has(&s, "/bin/sh"));
}

static void a_script_that_runs_itself_is_refused(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "loop"), *text = xasprintf("#!%s\n", path);
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct err e = ERR_INIT;

	file_put(path, text, strlen(text));
	assert_int_equal(elf_closure(path, &s, &e), -ENOEXEC);
	assert_int_equal(s.n, 0);
	err_release(&e);
}

static void what_is_no_program_is_refused(void **state)
{
	static const char *const texts[] = { "", "#", "#!", "#!\n", "#!sh\n", "text", "\x7f",
		"\177ELF" };
	_cleanup_strv_ struct strv s = STRV_INIT;
	_cleanup_free_ char *path = path_join(*state, "f");
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		file_put(path, texts[i], strlen(texts[i]));
		assert_int_equal(elf_closure(path, &s, &e), -ENOEXEC);
		assert_non_null(strstr(err_text(&e), path));
	}
	assert_int_equal(elf_closure("/nonexistent", &s, &e), -ENOENT);
	assert_int_equal(elf_closure(*state, &s, &e), -EISDIR);
	err_release(&e);
}

static void a_missing_interpreter_is_named(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;
	struct err e = ERR_INIT;
	struct image i;

	image_init(&i);
	i.eh.e_phnum = 3;
	memcpy(i.interpreter, "/no", 4);
	image_write(&i, *state, "program");
	assert_int_equal(closure(*state, "program", &s, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "cannot find /no, the interpreter of "));
	err_release(&e);
}

static void every_damaged_field_gives_an_error_and_no_crash(void **state)
{
	static const uint64_t values[] = { 0, 1, 3, 255, 65535, INT32_MAX, UINT32_MAX, INT64_MAX,
		UINT64_MAX, UINT64_MAX - 100, sizeof(struct image), sizeof(struct image) - 1 };
	_cleanup_free_ char *path = path_join(*state, "f");
	struct image good;

	image_init(&good);
	good.eh.e_phnum = 3;
	memcpy(good.interpreter, "/no", 4);
	image_add(&good, DT_NEEDED, "liba.so");
	image_add(&good, DT_RPATH, "$ORIGIN");
	/* Whatever stands in the headers, and wherever the file ends. */
	for (size_t at = 0; at + 8 <= offsetof(struct image, interpreter); at += 2) {
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			struct image bad = good;
			_cleanup_strv_ struct strv s = STRV_INIT;
			int fd;

			memcpy((char *)&bad + at, &values[v], at % 8 ? 2 : 8);
			fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			assert_int_equal(fd_write_all(fd, &bad, sizeof(bad)), 0);
			close(fd);
			elf_closure(path, &s, NULL);
		}
	}
	for (size_t len = 4; len < sizeof(good); len += 5) {
		_cleanup_strv_ struct strv s = STRV_INIT;
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		assert_int_equal(fd_write_all(fd, &good, len), 0);
		close(fd);
		assert_true(elf_closure(path, &s, NULL) < 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_program_needs_its_loader_and_its_libraries),
		in_folder(a_static_program_needs_nothing),
		in_folder(the_run_path_is_searched_from_the_origin),
		in_folder(an_rpath_serves_the_libraries_below_a_runpath_does_not),
		in_folder(a_library_for_another_machine_is_passed_over),
		in_folder(a_script_needs_what_runs_it),
		in_folder(a_script_that_runs_itself_is_refused),
		in_folder(what_is_no_program_is_refused),
		in_folder(a_missing_interpreter_is_named),
		in_folder(every_damaged_field_gives_an_error_and_no_crash),
	};

	return cmocka_run_group_tests_name("base/elf", tests, NULL, NULL);
}
