/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "export/private.h"
#include "fixture.h"

/* What a package unpacks to; FULL: with everything that a kernel can have. */
static struct kernel package(const char *dir, const char *name, bool full)
{
	_cleanup_free_ char *root = path_join(dir, name);
	_cleanup_free_ char *image = xasprintf("%s/boot/vmlinuz-" FIXTURE_RELEASE, name);
	_cleanup_free_ char *modules = xasprintf("%s/lib/modules/" FIXTURE_RELEASE, name);
	_cleanup_free_ char *a = path_join(modules, "kernel/a.ko");
	struct kernel k = { 0 };

	free(put_bzimage(dir, image));
	if (full) {
		_cleanup_free_ char *config = xasprintf("%s/boot/config-" FIXTURE_RELEASE, name);
		_cleanup_free_ char *map = xasprintf("%s/boot/System.map-" FIXTURE_RELEASE, name);
		_cleanup_free_ char *vmlinux = xasprintf("%s/boot/vmlinux-" FIXTURE_RELEASE, name);
		_cleanup_buf_ struct buf elf = BUF_INIT;

		make_vmlinux(&(struct vmlinux_fixture){ .symbols = true }, &elf);
		free(put(dir, vmlinux, elf.data, elf.len));
		lay(dir, config, "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n");
		lay(dir, map, "ffffffff81000000 T a\nffffffff81000001 T b\nffffffff81000002 T c\n");
		put_module(dir, a, NULL, NULL);
	}
	assert_int_equal(kernel_resolve(root, NULL, &k, NULL), 0);
	return k;
}

static struct json_t *unpack(const char *dir, const char *archive, struct pack *files)
{
	_cleanup_free_ char *path = path_join(dir, archive), *out = path_join(dir, "out");
	_cleanup_free_ char *manifest = path_join(out, "manifest.json");
	json_t *m = NULL;

	assert_int_equal(dir_remove(out, NULL), 0);
	assert_int_equal(dir_make(out, 0755, NULL), 0);
	assert_int_equal(pack_unpack(path, out, files, NULL), 0);
	assert_int_equal(json_read_file(manifest, &m, NULL), 0);
	return m;
}

static int tar(const char *dir, const struct kernel *k, const char *name, struct export_result *ret,
	struct err *e)
{
	_cleanup_free_ char *dst = path_join(dir, name);

	return export_tar(&(struct export_spec){ .kernel = k }, dst, ret, e);
}

static const char *text_of(const json_t *m, const char *key)
{
	const char *s = json_string_value(json_object_get(m, key));

	return s ? s : "";
}

static void everything_that_a_kernel_has_is_packed(void **state)
{
	static const char *const parts[] = { "boot/vmlinuz-", "boot/vmlinux-", "boot/config-",
		"boot/System.map-" };
	struct kernel k = package(*state, "k", true), again = { 0 };
	_cleanup_free_ char *out = path_join(*state, "out");
	struct export_result done = { 0 };
	_cleanup_pack_ struct pack files = PACK_INIT;
	_cleanup_json_ json_t *m = NULL;

	assert_int_equal(tar(*state, &k, "k.tar.zst", &done, NULL), 0);
	assert_int_equal(done.missing.n, 0);
	m = unpack(*state, "k.tar.zst", &files);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *path = xasprintf("%s" FIXTURE_RELEASE, parts[i]);

		assert_non_null(pack_find(&files, path));
	}
	assert_non_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/kernel/a.ko"));
	assert_non_null(pack_find(&files, "SHA256SUMS"));
	assert_null(pack_find(&files, "SHA256SUMS.asc"));
	assert_string_equal(text_of(m, "compiler"), "gcc 12");
	assert_string_equal(text_of(m, "arch"), "x86_64");
	assert_true(json_is_true(json_object_get(m, "symbols")));
	/* The folder is a kernel with all its parts. */
	assert_int_equal(kernel_resolve(out, NULL, &again, NULL), 0);
	assert_non_null(again.vmlinux);
	assert_non_null(again.system_map);
	assert_non_null(again.modules_dir);
	kernel_release(&again);
	export_result_release(&done);
	kernel_release(&k);
}

static void what_is_missing_is_told(void **state)
{
	static const char *const parts[] = { "symbols", "config", "System.map", "modules" };
	struct kernel k = package(*state, "k", false);
	struct export_result done = { 0 };
	_cleanup_pack_ struct pack files = PACK_INIT;
	_cleanup_json_ json_t *m = NULL;

	assert_int_equal(tar(*state, &k, "k.tar.zst", &done, NULL), 0);
	assert_int_equal(done.missing.n, ARRAY_SIZE(parts));
	m = unpack(*state, "k.tar.zst", &files);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_true(
			json_is_string(json_object_get(json_object_get(m, "missing"), parts[i])));
	/* The one inside the image is there all the same. */
	assert_non_null(pack_find(&files, "boot/vmlinux-" FIXTURE_RELEASE));
	assert_true(json_is_false(json_object_get(m, "symbols")));
	assert_null(pack_find(&files, "boot/config-" FIXTURE_RELEASE));
	export_result_release(&done);
	kernel_release(&k);
}

static void the_place_of_a_kernel_does_not_show(void **state)
{
	struct kernel a = package(*state, "a", true), b = package(*state, "b/c", true);
	struct export_result x = { 0 }, y = { 0 };

	assert_int_equal(tar(*state, &a, "a.tar.zst", &x, NULL), 0);
	assert_int_equal(tar(*state, &b, "b.tar.zst", &y, NULL), 0);
	assert_string_equal(x.sha256, y.sha256);
	export_result_release(&x);
	export_result_release(&y);
	kernel_release(&a);
	kernel_release(&b);
}

static void modules_of_a_build_tree_are_packed_as_installed(void **state)
{
	_cleanup_free_ char *tree = path_join(*state, "tree");
	_cleanup_pack_ struct pack files = PACK_INIT;
	_cleanup_free_ char *order =
		path_join(*state, "out/lib/modules/" FIXTURE_RELEASE "/modules.order");
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct export_result done = { 0 };
	struct kernel k = { 0 };

	free(put_bzimage(*state, "tree/arch/x86/boot/bzImage"));
	lay(*state, "tree/include/config/kernel.release", FIXTURE_RELEASE "\n");
	lay(*state, "tree/.config", "CONFIG_X=y\n");
	lay(*state, "tree/modules.order", "fs/b.o\ndrivers/a.o\n");
	lay(*state, "tree/modules.builtin", "kernel/fs/c.ko\n");
	put_module(*state, "tree/fs/b.ko", "a", NULL);
	put_module(*state, "tree/drivers/a.ko", NULL, NULL);
	assert_int_equal(kernel_resolve(tree, NULL, &k, NULL), 0);
	assert_int_equal(tar(*state, &k, "k.tar.zst", &done, NULL), 0);
	json_decref(unpack(*state, "k.tar.zst", &files));
	assert_non_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/kernel/fs/b.ko"));
	assert_non_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/kernel/drivers/a.ko"));
	assert_non_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/modules.dep"));
	assert_non_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/modules.builtin"));
	assert_null(pack_find(&files, "lib/modules/" FIXTURE_RELEASE "/.config"));
	assert_int_equal(file_read(order, 1000, &text, NULL), 0);
	assert_string_equal(buf_str(&text), "kernel/fs/b.ko\nkernel/drivers/a.ko\n");
	export_result_release(&done);
	kernel_release(&k);
}

static size_t hidden_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	for (struct dirent *f; (f = readdir(d));)
		n += f->d_name[0] == '.' && !streq(f->d_name, ".") && !streq(f->d_name, "..");
	closedir(d);
	return n;
}

static void an_export_that_fails_leaves_nothing(void **state)
{
	_cleanup_free_ char *dst = path_join(*state, "k.tar.zst"), *image = NULL;
	struct kernel k = package(*state, "k", true);
	struct export_result done = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(unlink(k.system_map), 0);
	expect_error(&e, tar(*state, &k, "k.tar.zst", &done, &e), -ENOENT, "System.map", "");
	assert_false(file_exists(dst));
	image = xstrdup(k.image);
	assert_int_equal(truncate(image, 100), 0);
	assert_true(export_bin(&(struct export_spec){ .kernel = &k }, dst, &done, &e) < 0);
	err_release(&e);
	assert_false(file_exists(dst));
	assert_int_equal(hidden_in(*state), 0);
	kernel_release(&k);
}

static int oci(const char *dir, const struct kernel *k, const char *tag, struct err *e)
{
	_cleanup_free_ char *dst = path_join(dir, "oci");
	struct export_result done = { 0 };
	int r = export_oci(&(struct export_spec){ .kernel = k }, dst, tag, &done, e);

	export_result_release(&done);
	return r;
}

static json_t *index_of(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "oci/index.json");
	json_t *index = NULL;

	assert_int_equal(json_read_file(path, &index, NULL), 0);
	return index;
}

static void several_tags_stand_beside_each_other(void **state)
{
	struct kernel full = package(*state, "full", true), bare = package(*state, "bare", false);
	struct err e = ERR_INIT;
	_cleanup_json_ json_t *index = NULL;

	assert_int_equal(oci(*state, &full, "full", NULL), 0);
	assert_int_equal(oci(*state, &bare, "bare", NULL), 0);
	assert_int_equal(oci(*state, &bare, "bare", NULL), 0);
	expect_error(
		&e, oci(*state, &bare, "full", &e), -EEXIST, "another kernel for amd64", "full");
	index = index_of(*state);
	assert_int_equal(json_array_size(json_object_get(index, "manifests")), 2);
	kernel_release(&full);
	kernel_release(&bare);
}

static void a_layout_of_others_keeps_what_it_has(void **state)
{
	struct kernel k = package(*state, "k", false);
	_cleanup_json_ json_t *index = NULL;
	const json_t *list;

	lay(*state, "oci/oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}");
	lay(*state, "oci/index.json",
		"{\"schemaVersion\":2,\"annotations\":{\"a\":\"b\"},\"manifests\":[{\"digest\":\"x\"}]}");
	assert_int_equal(oci(*state, &k, "k", NULL), 0);
	index = index_of(*state);
	list = json_object_get(index, "manifests");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(json_array_get(list, 0), "digest"), "x");
	assert_string_equal(text_of(json_object_get(index, "annotations"), "a"), "b");
	kernel_release(&k);
}

static void a_damaged_layout_is_an_error_and_stays_as_it_is(void **state)
{
	static const char *const bad[] = { "{}", "[]", "hello", "{\"manifests\":7}",
		"{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		"\"digest\":\"sha256:../../x\",\"annotations\":"
		"{\"org.opencontainers.image.ref.name\":\"k\"}}]}" };
	struct kernel k = package(*state, "k", false);
	struct err e = ERR_INIT;

	lay(*state, "oci/oci-layout", "{\"imageLayoutVersion\": \"2.0.0\"}");
	expect_error(&e, oci(*state, &k, "k", &e), -ENOTSUP, "2.0.0", "oci-layout");
	lay(*state, "oci/oci-layout", "{\"imageLayoutVersion\": \"1.1.0\"}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *path = path_join(*state, "oci/index.json");
		_cleanup_buf_ struct buf text = BUF_INIT;

		lay(*state, "oci/index.json", bad[i]);
		assert_true(oci(*state, &k, "k", &e) < 0);
		assert_non_null(strstr(err_text(&e), "/oci"));
		err_release(&e);
		assert_int_equal(file_read(path, 1000, &text, NULL), 0);
		assert_string_equal(buf_str(&text), bad[i]);
	}
	kernel_release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(everything_that_a_kernel_has_is_packed),
		in_folder(what_is_missing_is_told),
		in_folder(the_place_of_a_kernel_does_not_show),
		in_folder(modules_of_a_build_tree_are_packed_as_installed),
		in_folder(an_export_that_fails_leaves_nothing),
		in_folder(several_tags_stand_beside_each_other),
		in_folder(a_layout_of_others_keeps_what_it_has),
		in_folder(a_damaged_layout_is_an_error_and_stays_as_it_is),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
