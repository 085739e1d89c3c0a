/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "image/image.h"

static const char text[] = "#\n"
			   "# Automatically generated file; DO NOT EDIT.\n"
			   "#\n"
			   "\n"
			   "CONFIG_64BIT=y\n"
			   "CONFIG_9P_FS=m\n"
			   "CONFIG_PHYSICAL_START=0x1000000\n"
			   "CONFIG_LOCALVERSION=\"-a=b\"\n"
			   "# CONFIG_KASAN is not set\n"
			   "CONFIG_TWICE=m\n"
			   "CONFIG_TWICE=y\r\n";

static void check(const struct kconfig *k)
{
	assert_int_equal(kconfig_tristate(k, "64BIT"), 'y');
	assert_int_equal(kconfig_tristate(k, "CONFIG_64BIT"), 'y');
	assert_int_equal(kconfig_tristate(k, "9P_FS"), 'm');
	assert_int_equal(kconfig_tristate(k, "KASAN"), 'n');
	assert_int_equal(kconfig_tristate(k, "NOWHERE"), 'n');
	assert_int_equal(kconfig_tristate(k, "PHYSICAL_START"), 'n');
	assert_string_equal(kconfig_value(k, "PHYSICAL_START"), "0x1000000");
	assert_string_equal(kconfig_value(k, "LOCALVERSION"), "\"-a=b\"");
	assert_null(kconfig_value(k, "KASAN"));
	assert_int_equal(kconfig_tristate(k, "TWICE"), 'y');
}

static void options_are_found_with_and_without_their_prefix(void **state)
{
	_cleanup_free_ char *path = put_text(*state, ".config", text);
	struct kconfig *k = NULL;

	assert_int_equal(kconfig_load(path, &k, NULL), 0);
	check(k);
	kconfig_free(k);
}

static void line_that_is_no_option_is_named(void **state)
{
	_cleanup_free_ char *path = put_text(*state, ".config", "CONFIG_A=y\n<<<<<<< HEAD\n");
	struct kconfig *k = NULL;
	struct err e = ERR_INIT;

	expect_error(&e, kconfig_load(path, &k, &e), -EBADMSG, path, "line 2");
}

static void file_without_options_is_an_error(void **state)
{
	_cleanup_free_ char *path = put_text(*state, ".config", "# nothing\n");
	struct kconfig *k = NULL;
	struct err e = ERR_INIT;

	expect_error(&e, kconfig_load(path, &k, &e), -EBADMSG, path, "no option");
}

static void configuration_inside_a_vmlinux_is_found(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	struct kconfig *k = NULL;

	make_vmlinux(&(struct vmlinux_fixture){ .config = text }, &elf);
	path = put(*state, "vmlinux", elf.data, elf.len);
	assert_int_equal(kconfig_extract(path, &k, NULL), 0);
	check(k);
	kconfig_free(k);
}

static void configuration_inside_a_bzimage_is_found(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	struct kconfig *k = NULL;

	make_vmlinux(&(struct vmlinux_fixture){ .config = text }, &elf);
	pack(PACK_LZ4, elf.data, elf.len, &packed);
	make_bzimage(&packed, FIXTURE_RELEASE, &image);
	path = put(*state, "bzImage", image.data, image.len);
	assert_int_equal(kconfig_extract(path, &k, NULL), 0);
	check(k);
	kconfig_free(k);
}

static void kernel_without_a_configuration_says_so(void **state)
{
	_cleanup_free_ char *path = put_bzimage(*state, "bzImage");
	struct kconfig *k = NULL;
	struct err e = ERR_INIT;

	expect_error(&e, kconfig_extract(path, &k, &e), -ENODATA, path, "CONFIG_IKCONFIG");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(options_are_found_with_and_without_their_prefix),
		in_folder(line_that_is_no_option_is_named),
		in_folder(file_without_options_is_an_error),
		in_folder(configuration_inside_a_vmlinux_is_found),
		in_folder(configuration_inside_a_bzimage_is_found),
		in_folder(kernel_without_a_configuration_says_so),
	};

	return cmocka_run_group_tests_name("kconfig", tests, NULL, NULL);
}
