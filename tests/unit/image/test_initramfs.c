/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "fixture.h"
#include "image/image.h"

/* One line for each entry: "mode path size inode content". */
static void list(const struct buf *cpio, struct buf *ret)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int r;

	archive_read_support_format_cpio(a);
	assert_int_equal(archive_read_open_memory(a, cpio->data, cpio->len), ARCHIVE_OK);
	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		char text[64] = "";
		la_ssize_t n = archive_read_data(a, text, sizeof(text) - 1);

		assert_true(n >= 0);
		assert_int_equal(archive_entry_uid(entry), 0);
		assert_int_equal(archive_entry_mtime(entry), 0);
		for (la_ssize_t i = 0; i < n; i++)
			text[i] = text[i] == '\n' ? '|' : text[i];
		buf_addf(ret, "%o %s %d %s\n", archive_entry_mode(entry),
			archive_entry_pathname(entry), (int)archive_entry_ino64(entry), text);
	}
	assert_int_equal(r, ARCHIVE_EOF);
	archive_read_free(a);
}

static void archive_holds_what_a_guest_starts_with(void **state)
{
	_cleanup_free_ char *agent = put_text(*state, "agent", "agent");
	_cleanup_free_ char *a = put_text(*state, "a.ko", "module a");
	_cleanup_free_ char *host = put_text(*state, "motd", "welcome");
	_cleanup_buf_ struct buf cpio = BUF_INIT, packed = BUF_INIT, text = BUF_INIT;
	_cleanup_strv_ struct strv modules = STRV_INIT;
	struct initramfs_file files[] = {
		{ .guest_path = "/etc/deep/motd", .host_path = host, .mode = 0644 },
		{ .guest_path = "/etc/x", .data = "xy", .len = 2, .mode = 0755 },
	};
	struct initramfs_spec spec = {
		.agent = agent, .modules = &modules, .files = files, .n_files = 2
	};

	pack_plain(PACK_XZ, "module b", 8, &packed);
	strv_take(&modules, put(*state, "b.ko.xz", packed.data, packed.len));
	strv_add(&modules, a);
	assert_int_equal(initramfs_build(&spec, &cpio, NULL), 0);
	list(&cpio, &text);
	assert_string_equal(buf_str(&text),
		"40755 dev 1 \n"
		"20600 dev/console 2 \n"
		"40755 etc 3 \n"
		"40755 etc/deep 4 \n"
		"100644 etc/deep/motd 5 welcome\n"
		"100755 etc/x 6 xy\n"
		"100755 init 7 agent\n"
		"40755 proc 8 \n"
		"40755 run 9 \n"
		"40755 sys 10 \n"
		"40755 tmp 11 \n"
		"40755 vmrig 12 \n"
		"40755 vmrig/m 13 \n"
		"100644 vmrig/m/a.ko 14 module a\n"
		"100644 vmrig/m/b.ko 15 module b\n"
		"100644 vmrig/modules 16 /vmrig/m/b.ko|/vmrig/m/a.ko|\n");
}

static void archive_behind_another_holds_its_files_alone(void **state)
{
	_cleanup_buf_ struct buf cpio = BUF_INIT, text = BUF_INIT;
	struct initramfs_file files[] = { { .guest_path = "/etc/x", .data = "xyz", .len = 3 } };
	struct initramfs_spec spec = { .files = files, .n_files = 1 };

	assert_int_equal(initramfs_build(&spec, &cpio, NULL), 0);
	list(&cpio, &text);
	assert_string_equal(buf_str(&text), "40755 etc 1 \n100000 etc/x 2 xyz\n");
	assert_int_equal(cpio.len % 4, 0); /* what follows must be aligned */
}

static void same_input_gives_the_same_bytes(void **state)
{
	_cleanup_free_ char *agent = put_text(*state, "agent", "agent");
	_cleanup_buf_ struct buf one = BUF_INIT, two = BUF_INIT;
	struct initramfs_file files[] = { { .guest_path = "/b", .data = "1", .len = 1 },
		{ .guest_path = "/a", .data = "2", .len = 1 } };
	struct initramfs_spec spec = { .agent = agent, .files = files, .n_files = 2 };
	struct initramfs_file swapped = files[0];

	assert_int_equal(initramfs_build(&spec, &one, NULL), 0);
	/* neither a new time stamp nor another order of the files shows */
	free(put_text(*state, "agent", "agent"));
	files[0] = files[1];
	files[1] = swapped;
	assert_int_equal(initramfs_build(&spec, &two, NULL), 0);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

static void two_files_at_one_place_are_an_error(void **state)
{
	_cleanup_free_ char *agent = put_text(*state, "agent", "agent");
	_cleanup_buf_ struct buf cpio = BUF_INIT;
	struct initramfs_file files[] = { { .guest_path = "/a/../init", .data = "", .len = 0 } };
	struct initramfs_spec spec = { .agent = agent, .files = files, .n_files = 1 };
	struct err e = ERR_INIT;

	expect_error(&e, initramfs_build(&spec, &cpio, &e), -EEXIST, "two files", "/init");
}

static void a_file_cannot_be_a_folder_too(void **state)
{
	_cleanup_free_ char *agent = put_text(*state, "agent", "agent");
	_cleanup_buf_ struct buf cpio = BUF_INIT;
	struct initramfs_file files[] = { { .guest_path = "/x/y", .data = "", .len = 0 },
		{ .guest_path = "/x", .data = "", .len = 0 } };
	struct initramfs_spec spec = { .agent = agent, .files = files, .n_files = 2 };
	struct err e = ERR_INIT;

	expect_error(&e, initramfs_build(&spec, &cpio, &e), -EEXIST, "two files", "/x");
}

static void missing_agent_is_named(void **state)
{
	_cleanup_buf_ struct buf cpio = BUF_INIT;
	struct initramfs_spec spec = { .agent = "/nowhere/agent" };
	struct err e = ERR_INIT;

	expect_error(&e, initramfs_build(&spec, &cpio, &e), -ENOENT, "initramfs", "/nowhere/agent");
}

static void damaged_module_is_named(void **state)
{
	_cleanup_free_ char *agent = put_text(*state, "agent", "agent");
	_cleanup_free_ char *bad = put_text(*state, "bad.ko.gz", "\x1f\x8b\x08 and no more");
	_cleanup_buf_ struct buf cpio = BUF_INIT;
	_cleanup_strv_ struct strv modules = STRV_INIT;
	struct initramfs_spec spec = { .agent = agent, .modules = &modules };
	struct err e = ERR_INIT;

	strv_add(&modules, bad);
	expect_error(&e, initramfs_build(&spec, &cpio, &e), -EBADMSG, bad, "gzip");
}

static void program_brings_its_libraries_once(void **state)
{
	struct initramfs_file *files = NULL;
	size_t n = 0, cap = 0, once;
	_cleanup_strv_ struct strv store = STRV_INIT;

	/* ourselves: dynamically linked, unless the build is static */
	assert_int_equal(
		initramfs_add_program("/proc/self/exe", &files, &n, &cap, &store, NULL), 0);
	assert_true(n >= 1);
	assert_string_equal(files[0].guest_path, "/proc/self/exe");
	assert_int_equal(files[0].mode, 0755);
	once = n;
	assert_int_equal(
		initramfs_add_program("/proc/self/exe", &files, &n, &cap, &store, NULL), 0);
	assert_int_equal(n, once);
	for (size_t i = 0; i < n; i++)
		assert_true(file_exists(files[i].host_path));
	free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(archive_holds_what_a_guest_starts_with),
		in_folder(archive_behind_another_holds_its_files_alone),
		in_folder(same_input_gives_the_same_bytes),
		in_folder(two_files_at_one_place_are_an_error),
		in_folder(a_file_cannot_be_a_folder_too),
		in_folder(missing_agent_is_named),
		in_folder(damaged_module_is_named),
		in_folder(program_brings_its_libraries_once),
	};

	return cmocka_run_group_tests_name("initramfs", tests, NULL, NULL);
}
