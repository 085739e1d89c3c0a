/* SPDX-License-Identifier: MIT */
#include <elf.h>

#include "fixture.h"
#include "image/image.h"

static void identify(const char *path, enum image_kind kind, const char *release, const char *arch)
{
	struct image_info info = { 0 };
	struct err e = ERR_INIT;

	if (image_identify(path, &info, &e) < 0)
		fail_msg("%s", err_text(&e));
	assert_int_equal(info.kind, kind);
	if (release)
		assert_string_equal(info.release, release);
	else
		assert_null(info.release);
	assert_string_equal(info.arch, arch);
	image_info_release(&info);
}

static void refuse(const char *path, int code, const char *why)
{
	struct image_info info = { 0 };
	struct err e = ERR_INIT;

	expect_error(&e, image_identify(path, &info, &e), code, path, why);
}

static void bzimage_tells_its_release(void **state)
{
	_cleanup_free_ char *path = put_bzimage(*state, "bzImage");

	identify(path, IMAGE_BZIMAGE, FIXTURE_RELEASE, "x86_64");
}

static void bzimage_without_a_version_text_tells_none(void **state)
{
	_cleanup_buf_ struct buf image = BUF_INIT, payload = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	buf_adds(&payload, "anything");
	make_bzimage(&payload, NULL, &image);
	path = put(*state, "bzImage", image.data, image.len);
	identify(path, IMAGE_BZIMAGE, NULL, "x86_64");
}

static void bzimage_of_an_old_protocol_is_refused(void **state)
{
	_cleanup_buf_ struct buf image = BUF_INIT, payload = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	buf_adds(&payload, "anything");
	make_bzimage(&payload, NULL, &image);
	image.data[0x206] = 5;
	path = put(*state, "bzImage", image.data, image.len);
	refuse(path, -ENOEXEC, "2.05");
}

static void version_text_outside_the_setup_code_is_an_error(void **state)
{
	_cleanup_buf_ struct buf image = BUF_INIT, payload = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	buf_adds(&payload, "anything");
	make_bzimage(&payload, FIXTURE_RELEASE, &image);
	memset(image.data + 0x20e, 0xff, 2);
	path = put(*state, "bzImage", image.data, image.len);
	refuse(path, -EBADMSG, "version text");
}

static void vmlinux_tells_its_release_and_pvh_note(void **state)
{
	for (int pvh = 0; pvh < 2; pvh++) {
		_cleanup_buf_ struct buf elf = BUF_INIT;
		_cleanup_free_ char *path = NULL;
		struct image_info info = { 0 };

		make_vmlinux(&(struct vmlinux_fixture){ .no_pvh = !pvh }, &elf);
		path = put(*state, "vmlinux", elf.data, elf.len);
		identify(path, IMAGE_ELF, FIXTURE_RELEASE, "x86_64");
		assert_int_equal(image_identify(path, &info, NULL), 0);
		assert_int_equal(info.pvh, pvh);
		image_info_release(&info);
	}
}

static void banner_across_a_window_is_found(void **state)
{
	static char data[(1 << 20) + 4096];
	_cleanup_free_ char *path = NULL;

	memcpy(data + 0x38, "ARM\x64", 4);
	strcpy(data + (1 << 20) - 7, "Linux version " FIXTURE_RELEASE " (x) #1");
	path = put(*state, "Image", data, sizeof(data));
	identify(path, IMAGE_ARM64, FIXTURE_RELEASE, "aarch64");
}

static void arm64_image_may_be_packed_by_gzip(void **state)
{
	static char data[4096];
	_cleanup_buf_ struct buf packed = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	memcpy(data + 0x38, "ARM\x64", 4);
	strcpy(data + 1024, "Linux version " FIXTURE_RELEASE " (x) #1");
	pack(PACK_GZIP, data, sizeof(data), &packed);
	path = put(*state, "Image.gz", packed.data, packed.len);
	identify(path, IMAGE_ARM64, FIXTURE_RELEASE, "aarch64");
}

static void symbols_are_those_of_a_symbol_table(void **state)
{
	for (int symbols = 0; symbols < 2; symbols++) {
		_cleanup_buf_ struct buf elf = BUF_INIT;
		_cleanup_free_ char *path = NULL;

		make_vmlinux(&(struct vmlinux_fixture){ .symbols = symbols }, &elf);
		path = put(*state, "vmlinux", elf.data, elf.len);
		assert_int_equal(image_has_symbols(path), symbols);
	}
	assert_false(image_has_symbols("/nowhere/vmlinux"));
}

static void what_is_no_kernel_is_called_what_it_is(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *what;
	} cases[] = {
		{ "", 0, "an empty file" },
		{ "#!/bin/sh\n", 10, "a script" },
		{ "hello\n", 6, "text" },
		{ "\x1f\x8b\x08", 3, "gzip" },
		{ "\xfd"
		  "7zXZ",
			6, "xz" },
		{ "!<arch>\ndebian", 14, "Debian package" },
		{ "070701000", 9, "cpio" },
		{ "\x01\x02\x03", 3, "unknown kind" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = put(*state, "file", cases[i].data, cases[i].len);

		refuse(path, -ENOEXEC, cases[i].what);
	}
	refuse(*state, -ENOEXEC, "not a regular file");
	refuse("/proc/self/exe", -ENOEXEC, "program");
}

static void a_module_is_no_kernel(void **state)
{
	_cleanup_buf_ struct buf ko = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	make_module((const char *const[]){ "license=MIT", NULL }, &ko);
	path = put(*state, "x.ko", ko.data, ko.len);
	refuse(path, -ENOEXEC, "module");
}

static void missing_image_is_an_error_that_names_the_file(void **state)
{
	refuse("/nowhere/bzImage", -ENOENT, "cannot open");
}

/* ---- unpacking ---- */

static void every_packing_unpacks_to_the_same_vmlinux(void **state)
{
	_cleanup_free_ char *dst = path_join(*state, "vmlinux");

	for (enum packing p = 0; p < PACK_COUNT; p++) {
		_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;
		_cleanup_buf_ struct buf got = BUF_INIT;
		_cleanup_free_ char *path = NULL;
		struct err e = ERR_INIT;

		/* of lz4, more than one chunk */
		make_vmlinux(
			&(struct vmlinux_fixture){ .filler = p == PACK_LZ4 ? 9 << 20 : 1 << 20 },
			&elf);
		pack(p, elf.data, elf.len, &packed);
		make_bzimage(&packed, FIXTURE_RELEASE, &image);
		path = put(*state, "bzImage", image.data, image.len);
		if (image_vmlinux(path, dst, &e) < 0)
			fail_msg("%s: %s", packing_names[p], err_text(&e));
		assert_int_equal(file_read(dst, 1 << 30, &got, NULL), 0);
		assert_int_equal(got.len, elf.len);
		assert_memory_equal(got.data, elf.data, elf.len);
	}
}

/* The packed bytes of a small kernel, cut to KEEP bytes, in an image whose header fits the file. */
static char *put_cut(const char *dir, enum packing p, size_t keep_percent)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;

	make_vmlinux(&(struct vmlinux_fixture){ .filler = 20000 }, &elf);
	pack(p, elf.data, elf.len, &packed);
	buf_truncate(&packed, packed.len * keep_percent / 100);
	make_bzimage(&packed, FIXTURE_RELEASE, &image);
	return put(dir, "bzImage", image.data, image.len);
}

static void expect_truncated(const char *dir, enum packing p)
{
	_cleanup_free_ char *path = put_cut(dir, p, 50), *dst = path_join(dir, "vmlinux");
	struct err e = ERR_INIT;

	expect_error(&e, image_vmlinux(path, dst, &e), -EBADMSG, path, packing_names[p]);
	assert_false(file_exists(dst));
}

static void truncated_gzip_payload_is_an_error_that_names_the_file(void **state)
{
	expect_truncated(*state, PACK_GZIP);
}

static void truncated_xz_payload_is_an_error_that_names_the_file(void **state)
{
	expect_truncated(*state, PACK_XZ);
}

static void truncated_lzma_payload_is_an_error_that_names_the_file(void **state)
{
	expect_truncated(*state, PACK_LZMA);
}

static void truncated_zstd_payload_is_an_error_that_names_the_file(void **state)
{
	expect_truncated(*state, PACK_ZSTD);
}

static void truncated_lz4_payload_is_an_error_that_names_the_file(void **state)
{
	expect_truncated(*state, PACK_LZ4);
}

static void payload_of_another_size_than_stated_is_an_error(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;
	_cleanup_free_ char *path = NULL, *dst = path_join(*state, "vmlinux");
	struct err e = ERR_INIT;

	make_vmlinux(&(struct vmlinux_fixture){ 0 }, &elf);
	pack(PACK_XZ, elf.data, elf.len, &packed);
	packed.data[packed.len - 4] ^= 1;
	make_bzimage(&packed, FIXTURE_RELEASE, &image);
	path = put(*state, "bzImage", image.data, image.len);
	expect_error(&e, image_vmlinux(path, dst, &e), -EBADMSG, path, "stated");
}

static void bzip2_and_lzo_are_refused_by_name(void **state)
{
	static const char *const payloads[][2] = { { "BZh91AY&SY....", "bzip2" },
		{ "\x89LZO\x00\r\n\x1a\n.....", "lzo" } };

	for (size_t i = 0; i < 2; i++) {
		_cleanup_buf_ struct buf payload = BUF_INIT, image = BUF_INIT;
		_cleanup_free_ char *path = NULL, *dst = path_join(*state, "vmlinux");
		struct err e = ERR_INIT;

		buf_add(&payload, payloads[i][0], 14);
		make_bzimage(&payload, FIXTURE_RELEASE, &image);
		path = put(*state, "bzImage", image.data, image.len);
		expect_error(&e, image_vmlinux(path, dst, &e), -ENOTSUP, path, payloads[i][1]);
	}
}

static void payload_that_is_no_whole_kernel_is_an_error(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, arm = BUF_INIT;
	_cleanup_free_ char *dst = path_join(*state, "vmlinux");
	struct {
		const char *data;
		size_t len;
		const char *why;
	} cases[3];

	make_vmlinux(&(struct vmlinux_fixture){ .filler = 5000 }, &elf);
	make_vmlinux(&(struct vmlinux_fixture){ .machine = EM_AARCH64 }, &arm);
	cases[0].data = elf.data;
	cases[0].len = elf.len - 300;
	cases[0].why = "truncated";
	cases[1].data = arm.data;
	cases[1].len = arm.len;
	cases[1].why = "another machine";
	cases[2].data = "just some text";
	cases[2].len = 14;
	cases[2].why = "not a 64-bit ELF";
	for (size_t i = 0; i < 3; i++) {
		_cleanup_buf_ struct buf packed = BUF_INIT, image = BUF_INIT;
		_cleanup_free_ char *path = NULL;
		struct err e = ERR_INIT;

		pack(PACK_ZSTD, cases[i].data, cases[i].len, &packed);
		make_bzimage(&packed, FIXTURE_RELEASE, &image);
		path = put(*state, "bzImage", image.data, image.len);
		expect_error(&e, image_vmlinux(path, dst, &e), -EBADMSG, path, cases[i].why);
	}
}

static void elf_kernel_is_copied(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, got = BUF_INIT;
	_cleanup_free_ char *path = NULL, *dst = path_join(*state, "copy");

	make_vmlinux(&(struct vmlinux_fixture){ .filler = 5000 }, &elf);
	path = put(*state, "vmlinux", elf.data, elf.len);
	assert_int_equal(image_vmlinux(path, dst, NULL), 0);
	assert_int_equal(file_read(dst, 1 << 20, &got, NULL), 0);
	assert_int_equal(got.len, elf.len);
	assert_memory_equal(got.data, elf.data, elf.len);
}

static void arm64_image_holds_no_vmlinux(void **state)
{
	char data[128] = { 0 };
	_cleanup_free_ char *path = NULL, *dst = path_join(*state, "vmlinux");
	struct err e = ERR_INIT;

	memcpy(data + 0x38, "ARM\x64", 4);
	path = put(*state, "Image", data, sizeof(data));
	expect_error(&e, image_vmlinux(path, dst, &e), -ENOTSUP, path, "arm64");
}

/* ---- hostile images ---- */

static void try_image(const char *data, size_t len)
{
	struct kconfig *k = NULL;
	struct err e = ERR_INIT;
	int fd = fd_memfd("hostile", data, len);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	int r = kconfig_extract(path, &k, &e);

	assert_true(fd >= 0);
	if (r < 0)
		assert_non_null(strstr(err_text(&e), path));
	kconfig_free(k);
	err_release(&e);
	fd_close(fd);
}

static void every_truncation_of_an_image_is_an_error(void **state)
{
	_cleanup_free_ char *path = put_cut(*state, PACK_XZ, 100);
	_cleanup_buf_ struct buf whole = BUF_INIT;

	assert_int_equal(file_read(path, 1 << 20, &whole, NULL), 0);
	for (size_t len = 0; len < whole.len - 16; len += len < 4096 ? 7 : 61) {
		struct image_info info = { 0 };
		struct err e = ERR_INIT;
		_cleanup_free_ char *name = NULL;
		int fd = fd_memfd("cut", whole.data, len), r;

		assert_true(fd >= 0);
		name = xasprintf("/proc/self/fd/%d", fd);
		r = image_identify(name, &info, &e);
		assert_true(r == -ENOEXEC || r == -EBADMSG);
		assert_non_null(strstr(err_text(&e), name));
		err_release(&e);
		fd_close(fd);
	}
}

static void damaged_images_never_crash_the_reader(void **state)
{
	unsigned seed = 1;

	for (enum packing p = 0; p <= PACK_COUNT; p++) {
		_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;

		make_vmlinux(&(struct vmlinux_fixture){ .config = "CONFIG_A=y\n", .filler = 3000 },
			&elf);
		if (p < PACK_COUNT) {
			pack(p, elf.data, elf.len, &packed);
			make_bzimage(&packed, FIXTURE_RELEASE, &image);
		} else {
			buf_add(&image, elf.data, elf.len);
		}
		for (int round = 0; round < 300; round++) {
			_cleanup_buf_ struct buf bad = BUF_INIT;

			buf_add(&bad, image.data, image.len);
			for (int i = rand_r(&seed) % 6; i >= 0; i--) {
				/* mostly where headers are */
				size_t span = rand_r(&seed) % 3 ? 0x280 : bad.len;

				span = span < bad.len ? span : bad.len;
				bad.data[(size_t)rand_r(&seed) % span] = (char)rand_r(&seed);
			}
			if (rand_r(&seed) % 4 == 0)
				buf_truncate(&bad, (size_t)rand_r(&seed) % bad.len);
			try_image(buf_str(&bad), bad.len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(bzimage_tells_its_release),
		in_folder(bzimage_without_a_version_text_tells_none),
		in_folder(bzimage_of_an_old_protocol_is_refused),
		in_folder(version_text_outside_the_setup_code_is_an_error),
		in_folder(vmlinux_tells_its_release_and_pvh_note),
		in_folder(banner_across_a_window_is_found),
		in_folder(symbols_are_those_of_a_symbol_table),
		in_folder(what_is_no_kernel_is_called_what_it_is),
		in_folder(a_module_is_no_kernel),
		in_folder(missing_image_is_an_error_that_names_the_file),
		in_folder(every_packing_unpacks_to_the_same_vmlinux),
		in_folder(truncated_gzip_payload_is_an_error_that_names_the_file),
		in_folder(truncated_xz_payload_is_an_error_that_names_the_file),
		in_folder(truncated_lzma_payload_is_an_error_that_names_the_file),
		in_folder(truncated_zstd_payload_is_an_error_that_names_the_file),
		in_folder(truncated_lz4_payload_is_an_error_that_names_the_file),
		in_folder(payload_of_another_size_than_stated_is_an_error),
		in_folder(bzip2_and_lzo_are_refused_by_name),
		in_folder(payload_that_is_no_whole_kernel_is_an_error),
		in_folder(elf_kernel_is_copied),
		in_folder(arm64_image_may_be_packed_by_gzip),
		in_folder(arm64_image_holds_no_vmlinux),
		in_folder(every_truncation_of_an_image_is_an_error),
		in_folder(damaged_images_never_crash_the_reader),
	};

	return cmocka_run_group_tests_name("kernel image", tests, NULL, NULL);
}
