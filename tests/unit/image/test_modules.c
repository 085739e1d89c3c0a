/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "fixture.h"
#include "image/image.h"

#define WANT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The closure as names in load order: "virtio_ring virtio 9p". */
static char *closure(const char *dir, const char *const *wanted)
{
	_cleanup_strv_ struct strv paths = STRV_INIT, names = STRV_INIT;
	struct err e = ERR_INIT;

	if (modules_closure(dir, wanted, &paths, NULL, &e) < 0)
		fail_msg("%s", err_text(&e));
	for (size_t i = 0; i < paths.n; i++) {
		const char *base = path_base(paths.v[i]);

		assert_true(file_exists(paths.v[i]));
		strv_addf(&names, "%.*s", (int)(strstr(base, ".ko") - base), base);
	}
	return strv_join(&names, " ");
}

static void expect_closure(const char *dir, const char *const *wanted, const char *names)
{
	_cleanup_free_ char *got = closure(dir, wanted);

	assert_string_equal(got, names);
}

static void expect_closure_error(const char *dir, const char *wanted, int code, const char *why)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct err e = ERR_INIT;

	expect_error(&e, modules_closure(dir, WANT(wanted), &paths, NULL, &e), code, dir, why);
	assert_int_equal(paths.n, 0);
}

static void lay_indexed(const char *dir)
{
	lay(dir, "kernel/netfs.ko", "");
	lay(dir, "kernel/fscache.ko.xz", "");
	lay(dir, "kernel/9pnet.ko", "");
	lay(dir, "kernel/9p-fs.ko.zst", "");
	lay(dir, "modules.dep",
		"kernel/netfs.ko:\n"
		"kernel/fscache.ko.xz: kernel/netfs.ko\n"
		"kernel/9pnet.ko:\n"
		"kernel/9p-fs.ko.zst: kernel/9pnet.ko kernel/fscache.ko.xz kernel/netfs.ko\n");
	lay(dir, "modules.builtin", "kernel/virtio/virtio-pci.ko\n");
}

static void dependencies_load_before_what_needs_them(void **state)
{
	lay_indexed(*state);
	expect_closure(*state, WANT("9p-fs"), "netfs fscache 9pnet 9p-fs");
	expect_closure(*state, WANT("9pnet", "9p_fs"), "9pnet netfs fscache 9p-fs");
}

static void dash_and_underscore_are_the_same(void **state)
{
	lay_indexed(*state);
	expect_closure(*state, WANT("9p_fs", "9p-fs"), "netfs fscache 9pnet 9p-fs");
	assert_int_equal(modules_find(*state, "9p_fs"), 'm');
	assert_int_equal(modules_find(*state, "virtio_pci"), 'y');
	assert_int_equal(modules_find(*state, "virtio-pci"), 'y');
	assert_int_equal(modules_find(*state, "nothing"), 'n');
	assert_int_equal(modules_find("/nowhere", "nothing"), 'n');
}

static void built_in_modules_are_left_out(void **state)
{
	lay_indexed(*state);
	expect_closure(*state, WANT("virtio_pci", "netfs"), "netfs");
}

static void missing_module_is_reported_or_an_error(void **state)
{
	_cleanup_strv_ struct strv paths = STRV_INIT, missing = STRV_INIT;

	lay_indexed(*state);
	expect_closure_error(*state, "nothing", -ENOENT, "nothing");
	assert_int_equal(
		modules_closure(*state, WANT("nothing", "netfs"), &paths, &missing, NULL), 0);
	assert_int_equal(paths.n, 1);
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.v[0], "nothing");
}

static void cycle_is_an_error_that_names_its_modules(void **state)
{
	lay(*state, "modules.dep", "a.ko: b.ko\nb.ko: c.ko\nc.ko: b.ko\n");
	expect_closure_error(*state, "a", -ELOOP, "b needs c needs b");
}

static void module_that_needs_itself_is_an_error(void **state)
{
	lay(*state, "modules.dep", "a.ko: a.ko\n");
	expect_closure_error(*state, "a", -ELOOP, "a needs a");
}

static void very_deep_dependencies_are_an_error(void **state)
{
	_cleanup_buf_ struct buf dep = BUF_INIT;

	for (int i = 0; i < 100000; i++)
		buf_addf(&dep, "m%d.ko: m%d.ko\n", i, i + 1);
	buf_adds(&dep, "m100000.ko:\n");
	lay(*state, "modules.dep", dep.data);
	expect_closure_error(*state, "m0", -ELOOP, "deep");
}

static void broken_modules_dep_is_an_error_that_says_to_run_depmod(void **state)
{
	static const char *const texts[] = { "no colon here\n", "a.ko: gone.ko\n", "a.txt: b.ko\n",
		"a.ko: \x01\x02\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_strv_ struct strv paths = STRV_INIT;
		struct err e = ERR_INIT;

		lay(*state, "modules.dep", texts[i]);
		assert_int_equal(modules_closure(*state, WANT("a"), &paths, NULL, &e), -EBADMSG);
		assert_non_null(strstr(err_text(&e), "modules.dep"));
		assert_non_null(strstr(e.hint, "depmod"));
		err_release(&e);
	}
}

static void file_that_modules_dep_names_must_be_there(void **state)
{
	lay(*state, "modules.dep", "kernel/a.ko:\n");
	expect_closure_error(*state, "a", -ENOENT, "kernel/a.ko");
}

static void soft_dependencies_load_first_where_they_exist(void **state)
{
	lay(*state, "a.ko", "");
	lay(*state, "b.ko", "");
	lay(*state, "modules.dep", "a.ko:\nb.ko:\n");
	lay(*state, "modules.softdep",
		"# Soft dependencies\nsoftdep a pre: gone b post: later\nsoftdep b post: a\n");
	expect_closure(*state, WANT("a"), "b a");
}

static void soft_dependency_by_alias_takes_the_generic_provider(void **state)
{
	lay(*state, "libcrc.ko", "");
	lay(*state, "crc-fast.ko", "");
	lay(*state, "crc-plain.ko", "");
	lay(*state, "sum_generic.ko", "");
	lay(*state, "modules.dep", "libcrc.ko:\ncrc-fast.ko:\ncrc-plain.ko:\nsum_generic.ko:\n");
	lay(*state, "modules.softdep", "softdep libcrc pre: crc sum\n");
	lay(*state, "modules.alias", "alias crc crc_plain\nalias crc crc_fast\nalias c* libcrc\n");
	expect_closure(*state, WANT("libcrc"), "crc-fast sum_generic libcrc");
}

static void soft_dependency_that_leads_back_is_let_go(void **state)
{
	lay(*state, "a.ko", "");
	lay(*state, "b.ko", "");
	lay(*state, "modules.dep", "a.ko:\nb.ko: a.ko\n");
	lay(*state, "modules.softdep", "softdep a pre: b\n");
	expect_closure(*state, WANT("a"), "a");
	expect_closure(*state, WANT("b"), "a b");
}

/* ---- without modules.dep ---- */

static void lay_unindexed(const char *dir)
{
	_cleanup_buf_ struct buf ko = BUF_INIT, packed = BUF_INIT;

	put_module(dir, "kernel/net/9p/9pnet.ko", "", NULL);
	put_module(dir, "kernel/fs/9p.ko", "9pnet,net-fs", NULL);
	make_module(WANT("depends=", "alias=netfs-*", "softdep=pre: sum"), &ko);
	pack_plain(PACK_XZ, ko.data, ko.len, &packed);
	free(put(dir, "kernel/fs/net-fs.ko.xz", packed.data, packed.len));
	buf_release(&ko);
	make_module(WANT("alias=sum"), &ko);
	free(put(dir, "kernel/sum-x86.ko", ko.data, ko.len));
	put_module(dir, "kernel/broken.ko", "gone", NULL);
	lay(dir, "modules.builtin", "kernel/drivers/virtio.ko\n");
}

static void unindexed_tree_is_read_from_the_modules_themselves(void **state)
{
	lay_unindexed(*state);
	expect_closure(*state, WANT("9p", "virtio"), "sum-x86 net-fs 9pnet 9p");
	expect_closure_error(*state, "broken", -ENOENT, "gone");
}

static void index_gives_the_same_closure(void **state)
{
	_cleanup_free_ char *dep = path_join(*state, "modules.dep");
	_cleanup_buf_ struct buf text = BUF_INIT;

	lay_unindexed(*state);
	assert_int_equal(modules_index(*state, NULL), 0);
	expect_closure(*state, WANT("9p", "virtio"), "sum-x86 net-fs 9pnet 9p");
	assert_int_equal(file_read(dep, 1 << 20, &text, NULL), 0);
	assert_string_equal(buf_str(&text),
		"kernel/fs/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/net-fs.ko.xz\n"
		"kernel/net/9p/9pnet.ko:\n"
		"kernel/fs/net-fs.ko.xz:\n"
		"kernel/sum-x86.ko:\n");
	/* it could never load */
	assert_int_equal(modules_find(*state, "broken"), 'n');
}

static void updates_come_before_the_kernels_own(void **state)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;

	put_module(*state, "kernel/a.ko", "", NULL);
	put_module(*state, "updates/dkms/a.ko", "", NULL);
	assert_int_equal(modules_closure(*state, WANT("a"), &paths, NULL, NULL), 0);
	assert_int_equal(paths.n, 1);
	assert_non_null(strstr(paths.v[0], "updates/dkms/a.ko"));
}

static void build_tree_is_read_by_its_modules_order(void **state)
{
	lay(*state, "include/config/kernel.release", "6.9.0\n");
	/* as 6.x, 5.x and 4.x write it, and one that was not built */
	lay(*state, "modules.order", "fs/a.o\nfs/b.ko\nkernel/fs/c.ko\nfs/unbuilt.o\n");
	put_module(*state, "fs/a.ko", "b", NULL);
	put_module(*state, "fs/b.ko", "c", NULL);
	put_module(*state, "fs/c.ko", "", NULL);
	put_module(*state, "stray/d.ko", "", NULL);
	expect_closure(*state, WANT("a"), "c b a");
	assert_int_equal(modules_find(*state, "d"), 'n');
	assert_int_equal(modules_find(*state, "unbuilt"), 'n');
}

static void file_that_is_no_module_is_named(void **state)
{
	_cleanup_free_ char *path = put_text(*state, "kernel/a.ko", "not an ELF file");

	expect_closure_error(*state, "a", -ENOEXEC, path);
}

static void damaged_modules_never_crash_the_reader(void **state)
{
	_cleanup_buf_ struct buf ko = BUF_INIT;
	unsigned seed = 7;

	make_module(WANT("depends=", "softdep=pre: x post: y", "alias=z"), &ko);
	for (int round = 0; round < 800; round++) {
		_cleanup_strv_ struct strv paths = STRV_INIT;
		_cleanup_buf_ struct buf bad = BUF_INIT;
		_cleanup_free_ char *path = path_join(*state, "a.ko");
		int fd;

		buf_add(&bad, ko.data, ko.len);
		for (int i = rand_r(&seed) % 5; i >= 0; i--)
			bad.data[(size_t)rand_r(&seed) % bad.len] = (char)rand_r(&seed);
		if (round % 3 == 0)
			buf_truncate(&bad, (size_t)rand_r(&seed) % bad.len);
		fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, NULL);
		assert_true(fd >= 0);
		assert_int_equal(fd_write_all(fd, buf_str(&bad), bad.len), 0);
		fd_close(fd);
		modules_closure(*state, WANT("a"), &paths, NULL, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(dependencies_load_before_what_needs_them),
		in_folder(dash_and_underscore_are_the_same),
		in_folder(built_in_modules_are_left_out),
		in_folder(missing_module_is_reported_or_an_error),
		in_folder(cycle_is_an_error_that_names_its_modules),
		in_folder(module_that_needs_itself_is_an_error),
		in_folder(very_deep_dependencies_are_an_error),
		in_folder(broken_modules_dep_is_an_error_that_says_to_run_depmod),
		in_folder(file_that_modules_dep_names_must_be_there),
		in_folder(soft_dependencies_load_first_where_they_exist),
		in_folder(soft_dependency_by_alias_takes_the_generic_provider),
		in_folder(soft_dependency_that_leads_back_is_let_go),
		in_folder(unindexed_tree_is_read_from_the_modules_themselves),
		in_folder(index_gives_the_same_closure),
		in_folder(updates_come_before_the_kernels_own),
		in_folder(build_tree_is_read_by_its_modules_order),
		in_folder(file_that_is_no_module_is_named),
		in_folder(damaged_modules_never_crash_the_reader),
	};

	return cmocka_run_group_tests_name("modules", tests, NULL, NULL);
}
