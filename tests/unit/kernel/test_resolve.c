/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "packages.h"

static void resolve(const char *spec, const char *cwd, struct kernel *ret)
{
	struct err e = ERR_INIT;

	if (kernel_resolve(spec, cwd, ret, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void expect_path(const char *got, const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);

	assert_non_null(got);
	assert_string_equal(got, path);
}

static void lay_source(const char *dir, const char *tree)
{
	static const char *const files[] = { "Kconfig", "Kbuild", "Makefile", "arch/x86/Kconfig",
		"init/main.c", "drivers/net/dummy.c" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *name = xasprintf("%s/%s", tree, files[i]);

		lay(dir, name, "");
	}
}

static void lay_vmlinux(const char *dir, const char *name, bool symbols)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;

	make_vmlinux(&(struct vmlinux_fixture){ .symbols = symbols }, &elf);
	free(put(dir, name, elf.data, elf.len));
}

/* What make leaves: vmlinux first, then the image made from it. */
static void lay_build(const char *dir, const char *tree)
{
	_cleanup_free_ char *release = xasprintf("%s/include/config/kernel.release", tree);
	_cleanup_free_ char *config = xasprintf("%s/.config", tree);
	_cleanup_free_ char *vmlinux = xasprintf("%s/vmlinux", tree);
	_cleanup_free_ char *map = xasprintf("%s/System.map", tree);
	_cleanup_free_ char *image = xasprintf("%s/arch/x86/boot/bzImage", tree);

	lay(dir, release, FIXTURE_RELEASE "\n");
	lay(dir, config, "CONFIG_MODULES=y\nCONFIG_A=m\n");
	lay_vmlinux(dir, vmlinux, true);
	lay(dir, map,
		"ffffffff81000000 T _text\nffffffff81000010 t a\nffffffff81000020 T b\n"
		"ffffffff81000030 T c\n");
	free(put_bzimage(dir, image));
}

static void set_mtime(const char *dir, const char *name, time_t t)
{
	_cleanup_free_ char *path = path_join(dir, name);
	struct timespec times[2] = { { t, 0 }, { t, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void lay_package(const char *dir, const char *release)
{
	_cleanup_free_ char *image = xasprintf("boot/vmlinuz-%s", release);
	_cleanup_free_ char *config = xasprintf("boot/config-%s", release);
	_cleanup_free_ char *map = xasprintf("boot/System.map-%s", release);

	free(put_bzimage(dir, image));
	lay(dir, config, "CONFIG_B=y\n");
	lay(dir, map, "ffffffffffffffff B The real System.map is elsewhere\n");
	put_module(dir, "lib/modules/" FIXTURE_RELEASE "/kernel/a.ko", "", NULL);
}

static void tree_of_the_working_folder_is_the_default(void **state)
{
	_cleanup_free_ char *cwd = path_join(*state, "linux/drivers/net");
	_cleanup_free_ char *tree = path_join(*state, "linux");
	struct kernel k;

	lay_source(*state, "linux");
	lay_build(*state, "linux");
	resolve(NULL, cwd, &k);
	expect_path(k.image, tree, "arch/x86/boot/bzImage");
	expect_path(k.config, tree, ".config");
	expect_path(k.vmlinux, tree, "vmlinux");
	expect_path(k.system_map, tree, "System.map");
	assert_string_equal(k.release, FIXTURE_RELEASE);
	assert_string_equal(k.label, tree);
	assert_null(k.modules_dir);
	kernel_release(&k);
}

static void tree_that_is_not_built_is_an_error_that_says_to_build(void **state)
{
	_cleanup_free_ char *cwd = path_join(*state, "linux/drivers/net");
	_cleanup_free_ char *tree = path_join(*state, "linux");
	const char *const specs[] = { NULL, tree };

	lay_source(*state, "linux");
	for (size_t i = 0; i < 2; i++) {
		struct kernel k;
		struct err e = ERR_INIT;

		assert_int_equal(kernel_resolve(specs[i], cwd, &k, &e), -ENOENT);
		assert_non_null(strstr(err_text(&e), tree));
		assert_non_null(strstr(err_text(&e), "not built"));
		assert_non_null(strstr(e.hint, "make"));
		err_release(&e);
	}
}

static void build_folder_of_its_own_is_a_tree(void **state)
{
	_cleanup_free_ char *out = path_join(*state, "out");
	struct kernel k;

	lay_build(*state, "out");
	resolve("out", *state, &k);
	expect_path(k.image, out, "arch/x86/boot/bzImage");
	assert_string_equal(k.label, "out");
	kernel_release(&k);
	resolve("./out/arch/x86/boot/bzImage", *state, &k);
	expect_path(k.vmlinux, out, "vmlinux");
	kernel_release(&k);
	resolve(NULL, out, &k);
	expect_path(k.image, out, "arch/x86/boot/bzImage");
	kernel_release(&k);
}

static void stale_bzimage_does_not_pass_for_the_kernel_just_built(void **state)
{
	_cleanup_free_ char *out = path_join(*state, "out");
	struct kernel k;

	lay_build(*state, "out");
	set_mtime(out, "arch/x86/boot/bzImage", 1000);
	set_mtime(out, "vmlinux", 2000);
	resolve("out", *state, &k);
	expect_path(k.image, out, "vmlinux");
	assert_int_equal(k.kind, IMAGE_ELF);
	assert_non_null(strstr(k.origin, "newer"));
	kernel_release(&k);
}

static void built_modules_are_used_where_they_lie(void **state)
{
	_cleanup_free_ char *out = path_join(*state, "out");
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct kernel k;

	lay_build(*state, "out");
	lay(out, "modules.order", "drivers/a.o\n");
	put_module(out, "drivers/a.ko", "", NULL);
	resolve("out", *state, &k);
	assert_string_equal(k.modules_dir, out);
	assert_int_equal(modules_closure(k.modules_dir, (const char *const[]){ "a", NULL }, &paths,
				 NULL, NULL),
		0);
	expect_path(paths.v[0], out, "drivers/a.ko");
	kernel_release(&k);
}

static void key_changes_with_each_file_that_counts(void **state)
{
	static const char *const files[] = { "arch/x86/boot/bzImage", ".config", "drivers/a.ko" };
	_cleanup_free_ char *out = path_join(*state, "out"), *key = NULL;
	struct kernel k;

	lay_build(*state, "out");
	lay(out, "modules.order", "drivers/a.o\n");
	put_module(out, "drivers/a.ko", "", NULL);
	resolve("out", *state, &k);
	key = xstrdup(k.key);
	kernel_release(&k);
	resolve(out, NULL, &k);
	assert_string_equal(k.key, key); /* however it is named */
	kernel_release(&k);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		set_mtime(out, files[i], (time_t)(4000000000 + i));
		resolve("out", *state, &k);
		assert_string_not_equal(k.key, key);
		str_replace(&key, k.key);
		kernel_release(&k);
	}
}

static void unpacked_package_is_a_kernel(void **state)
{
	_cleanup_free_ char *image = path_join(*state, "boot/vmlinuz-" FIXTURE_RELEASE);
	const char *const specs[] = { *state, image };

	lay_package(*state, FIXTURE_RELEASE);
	for (size_t i = 0; i < 2; i++) {
		struct kernel k;
		struct kconfig *config;

		resolve(specs[i], NULL, &k);
		assert_string_equal(k.image, image);
		expect_path(k.modules_dir, *state, "lib/modules/" FIXTURE_RELEASE);
		expect_path(k.config, *state, "boot/config-" FIXTURE_RELEASE);
		assert_null(k.vmlinux);
		assert_null(k.system_map);
		assert_int_equal(kernel_config(&k, &config, NULL), 0);
		assert_int_equal(kconfig_tristate(config, "B"), 'y');
		kconfig_free(config);
		kernel_release(&k);
	}
}

static void folder_with_several_kernels_is_an_error_that_names_them(void **state)
{
	struct kernel k;
	struct err e = ERR_INIT;

	lay_package(*state, FIXTURE_RELEASE);
	free(put_bzimage(*state, "boot/vmlinuz-other"));
	expect_error(&e, kernel_resolve(*state, NULL, &k, &e), -EINVAL, FIXTURE_RELEASE, "other");
}

static void lone_image_has_nothing_beside_it(void **state)
{
	struct kernel k;
	struct kconfig *config;
	struct err e = ERR_INIT;

	free(put_bzimage(*state, "bzImage"));
	lay_package(*state, FIXTURE_RELEASE);
	resolve("bzImage", *state, &k);
	assert_null(k.modules_dir);
	assert_null(k.config);
	expect_error(&e, kernel_config(&k, &config, &e), -ENODATA, k.image, "no configuration");
	kernel_release(&k);
}

static void image_put_into_a_tree_is_not_of_its_build(void **state)
{
	struct kernel k;

	lay_build(*state, "out");
	free(put_bzimage(*state, "out/saved/bzImage"));
	resolve("out/saved/bzImage", *state, &k);
	assert_null(k.vmlinux);
	assert_null(k.config);
	kernel_release(&k);
}

static void vmlinux_with_symbols_decodes_itself(void **state)
{
	struct kernel k;

	lay_vmlinux(*state, "my-vmlinux", true);
	resolve("my-vmlinux", *state, &k);
	expect_path(k.vmlinux, *state, "my-vmlinux");
	assert_int_equal(k.kind, IMAGE_ELF);
	kernel_release(&k);
}

static void configuration_inside_the_image_serves_where_no_file_does(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;
	struct kernel k;
	struct kconfig *config;

	make_vmlinux(&(struct vmlinux_fixture){ .config = "CONFIG_INSIDE=y\n" }, &elf);
	free(put(*state, "vmlinux", elf.data, elf.len));
	resolve("vmlinux", *state, &k);
	assert_int_equal(kernel_config(&k, &config, NULL), 0);
	assert_int_equal(kconfig_tristate(config, "INSIDE"), 'y');
	kconfig_free(config);
	kernel_release(&k);
}

static void named_kernel_that_cannot_be_had_is_never_another_one(void **state)
{
	static const struct {
		const char *spec, *why, *hint;
	} cases[] = {
		{ "./nothing", "no file or folder", "kernel list" },
		{ "6.99", "/boot/vmlinuz-6.99", "kernel fetch debian:6.99" },
		{ "debian:6.99", "no such package in the cache", "kernel fetch debian:6.99" },
		{ "0123456789abcdef", "no such key", "kernel list" },
		{ "debian:what", "names no Debian kernel", "debian:6.1" },
	};
	_cleanup_free_ char *cwd = path_join(*state, "linux");

	/* a default is there to be had */
	lay_source(*state, "linux");
	lay_build(*state, "linux");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel k;
		struct err e = ERR_INIT;

		assert_true(kernel_resolve(cases[i].spec, cwd, &k, &e) < 0);
		assert_non_null(strstr(err_text(&e), cases[i].why));
		assert_non_null(strstr(e.hint, cases[i].hint));
		err_release(&e);
	}
}

static void path_that_is_no_kernel_says_what_it_is(void **state)
{
	struct kernel k;
	struct err e = ERR_INIT;

	lay(*state, "file", "hello\n");
	expect_error(&e, kernel_resolve("file", *state, &k, &e), -ENOEXEC, "file", "but text");
	expect_error(&e, kernel_resolve(".", *state, &k, &e), -EINVAL, *state, "holds no kernel");
	expect_error(&e, kernel_resolve("", *state, &k, &e), -EINVAL, "name", "empty");
}

static void no_kernel_anywhere_says_how_to_get_one(void **state)
{
	struct kernel k;
	struct err e = ERR_INIT;

	assert_int_equal(kernel_resolve(NULL, *state, &k, &e), -ENOENT);
	assert_non_null(strstr(err_text(&e), "cache"));
	assert_non_null(strstr(e.hint, "vmrig kernel fetch debian:6.1"));
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(tree_of_the_working_folder_is_the_default),
		in_world(tree_that_is_not_built_is_an_error_that_says_to_build),
		in_world(build_folder_of_its_own_is_a_tree),
		in_world(stale_bzimage_does_not_pass_for_the_kernel_just_built),
		in_world(built_modules_are_used_where_they_lie),
		in_world(key_changes_with_each_file_that_counts),
		in_world(unpacked_package_is_a_kernel),
		in_world(folder_with_several_kernels_is_an_error_that_names_them),
		in_world(lone_image_has_nothing_beside_it),
		in_world(image_put_into_a_tree_is_not_of_its_build),
		in_world(vmlinux_with_symbols_decodes_itself),
		in_world(configuration_inside_the_image_serves_where_no_file_does),
		in_world(named_kernel_that_cannot_be_had_is_never_another_one),
		in_world(path_that_is_no_kernel_says_what_it_is),
		in_world(no_kernel_anywhere_says_how_to_get_one),
	};

	return cmocka_run_group_tests_name("kernel resolve", tests, NULL, NULL);
}
