/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote/private.h"
#include "server.h"

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* An entry as the cache has it. */
static char *lay_entry(const char *dir)
{
	lay(dir, "entry/manifest.json", "{\"schema\":2}");
	lay(dir, "entry/boot/vmlinuz-6", "kernel");
	lay(dir, "entry/lib/modules/6/kernel/a.ko", "module");
	return path_join(dir, "entry");
}

static char *new_folder(const char *dir)
{
	char *path = path_join(dir, "got");

	assert_int_equal(dir_remove(path, NULL), 0);
	assert_int_equal(dir_make(path, 0755, NULL), 0);
	return path;
}

static bool holds_nothing(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	int n = 0;

	while ((f = readdir(d)))
		n++;
	closedir(d);
	return n == 2;
}

static void expect_file(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(file_read(path, 1000, &b, NULL), 0);
	assert_string_equal(buf_str(&b), text);
}

static void expect_entry(const char *dir)
{
	_cleanup_free_ char *description = path_join(dir, ENTRY_JSON);

	expect_file(dir, "manifest.json", "{\"schema\":2}");
	expect_file(dir, "boot/vmlinuz-6", "kernel");
	expect_file(dir, "lib/modules/6/kernel/a.ko", "module");
	assert_false(file_exists(description));
	assert_true(nothing_named(dir, ".got"));
	assert_true(nothing_named(dir, ".new"));
}

static void expect_refused(
	const char *dir, const char *store, const char *key, int code, const char *word)
{
	_cleanup_free_ char *to = new_folder(dir);
	struct err e = ERR_INIT;
	int r = remote_get(store, key, to, &e);

	if (r != code || !strstr(err_text(&e), word) || !strstr(err_text(&e), key))
		fail_msg("%s: %d (%s), not %d with '%s'", store, r, err_text(&e), code, word);
	assert_true(holds_nothing(to));
	assert_int_equal(remote_get(store, key, to, NULL), code);
	err_release(&e);
}

static void entry_put_into_a_folder_comes_out_of_it(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = path_join(*state, "a/store");
	_cleanup_free_ char *slash = xasprintf("%s/", store), *url = xasprintf("file://%s", store);
	_cleanup_free_ char *to = NULL;
	const char *const names[] = { store, slash, url };

	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		free(to);
		to = new_folder(*state);
		assert_int_equal(remote_get(names[i], KEY, to, NULL), 0);
		expect_entry(to);
	}
	expect_refused(*state, store, OTHER, -ENOENT, "");
	assert_true(nothing_named(store, ".tmp"));
}

static void entry_put_to_a_server_comes_back(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = server_url("store");
	_cleanup_free_ char *to = new_folder(*state), *aside = path_join(*state, "cache/remote");

	expect_refused(*state, store, KEY, -ENOENT, "");
	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	assert_int_equal(remote_get(store, KEY, to, NULL), 0);
	expect_entry(to);
	assert_true(holds_nothing(aside));
}

static void entry_that_is_there_is_not_sent_again_unless_it_is_bad(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = server_url("store");

	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	assert_int_equal(server_asked(*state, "PUT"), 1);
	lay(*state, "www/store/" KEY ".tar.zst", "rubbish");
	expect_refused(*state, store, KEY, -EBADMSG, "damaged");
	assert_int_equal(remote_put(store, KEY, entry, true, NULL), 0);
	assert_int_equal(server_asked(*state, "PUT"), 2);
}

static void what_a_server_does_wrong_is_an_error_that_leaves_nothing(void **state)
{
	static const struct {
		const char *how;
		int code;
		const char *word;
	} lies[] = { { "html", -EBADMSG, "HTML" }, { "truncate", -EBADMSG, "" },
		{ "stall", -ETIMEDOUT, "" }, { "dribble", -ETIMEDOUT, "" }, { "404", -ENOENT, "" },
		{ "403", -EACCES, "" }, { "500", -EIO, "500" } };
	_cleanup_free_ char *entry = lay_entry(*state), *plain = server_url("store");

	remote_stall_ms = 300;
	assert_int_equal(remote_put(plain, KEY, entry, false, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_cleanup_free_ char *how = xasprintf("%s/store", lies[i].how);
		_cleanup_free_ char *store = server_url(how);

		expect_refused(*state, store, KEY, lies[i].code, lies[i].word);
	}
}

static void every_truncation_is_refused(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = path_join(*state, "store");
	_cleanup_free_ char *file = path_join(*state, "store/" KEY ".tar.zst");
	_cleanup_buf_ struct buf whole = BUF_INIT;

	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	assert_int_equal(file_read(file, 1 << 20, &whole, NULL), 0);
	for (size_t len = 0; len < whole.len; len += 11) {
		free(put(*state, "store/" KEY ".tar.zst", whole.data, len));
		expect_refused(*state, store, KEY, -EBADMSG, "");
	}
}

static void every_flipped_byte_is_refused(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = path_join(*state, "store");
	_cleanup_free_ char *file = path_join(*state, "store/" KEY ".tar.zst");
	_cleanup_buf_ struct buf whole = BUF_INIT;

	assert_int_equal(remote_put(store, KEY, entry, false, NULL), 0);
	assert_int_equal(file_read(file, 1 << 20, &whole, NULL), 0);
	for (size_t at = 0; at < whole.len; at += 5) {
		_cleanup_free_ char *to = new_folder(*state);

		whole.data[at] ^= 0x10;
		free(put(*state, "store/" KEY ".tar.zst", whole.data, whole.len));
		/* Some bits of a frame's header mean nothing: then the files are right. */
		if (remote_get(store, KEY, to, NULL) == 0)
			expect_entry(to);
		else
			assert_true(holds_nothing(to));
		whole.data[at] ^= 0x10;
	}
}

/* Puts an archive of P under KEY, as somebody does who can write to the store. */
static void forge(const char *dir, struct pack *p)
{
	_cleanup_free_ char *path = path_join(dir, "store/" KEY ".tar.zst");
	_cleanup_free_ char *store = path_join(dir, "store");
	_cleanup_close_ int fd = -1;
	struct pack_result packed;

	assert_int_equal(dir_make(store, 0755, NULL), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_int_equal(pack_sort(p, NULL), 0);
	assert_int_equal(pack_write(p, PACKED_ZSTD, 1, fd, &packed, NULL), 0);
}

static void entry_that_lies_is_refused(void **state)
{
	static const struct {
		const char *json, *word;
	} lies[] = {
		{ NULL, "no entry.json" },
		{ "hello", "entry.json" },
		{ "[]", "" },
		{ "{\"schema\":2,\"key\":\"" KEY "\",\"files\":{}}", "schema 2" },
		{ "{\"schema\":1,\"key\":\"" OTHER "\",\"files\":{}}", "another key" },
		{ "{\"schema\":1,\"key\":7,\"files\":{}}", "key" },
		{ "{\"schema\":1,\"key\":\"" KEY "\"}", "does not name: boot/vmlinuz-6" },
		{ "{\"schema\":1,\"key\":\"" KEY "\",\"files\":{}}", "does not name" },
		{ "{\"schema\":1,\"key\":\"" KEY "\",\"files\":{\"boot/vmlinuz-6\":1}}",
			"does not name" },
		{ "{\"schema\":1,\"key\":\"" KEY "\",\"files\":{\"boot/vmlinuz-6\":\"00\"}}",
			"SHA-256" },
	};
	_cleanup_free_ char *store = path_join(*state, "store");
	_cleanup_free_ char *more = NULL;
	_cleanup_pack_ struct pack whole = PACK_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_cleanup_pack_ struct pack p = PACK_INIT;

		pack_add_data(&p, "boot/vmlinuz-6", "kernel", 6);
		if (lies[i].json)
			pack_add_data(&p, ENTRY_JSON, lies[i].json, strlen(lies[i].json));
		forge(*state, &p);
		expect_refused(*state, store, KEY, -EBADMSG, lies[i].word);
	}
	/* One that names more than it holds. */
	pack_add_data(&whole, "boot/vmlinuz-6", "kernel", 6);
	more = xasprintf("{\"schema\":1,\"key\":\"" KEY
			 "\",\"files\":{\"boot/vmlinuz-6\":\"%s\",\"lib/x\":\"%s\"}}",
		whole.files[0].sha256, whole.files[0].sha256);
	pack_add_data(&whole, ENTRY_JSON, more, strlen(more));
	forge(*state, &whole);
	expect_refused(*state, store, KEY, -EBADMSG, "lacks 1 of its files");
}

static void store_that_cannot_be_is_named(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *to = new_folder(*state);
	struct err e = ERR_INIT;

	expect_error(&e, remote_get("ftp://x/y", KEY, to, &e), -EINVAL, "ftp://x/y", "store");
	expect_error(&e, remote_put("ftp://x/y", KEY, entry, false, &e), -EINVAL, "ftp://x/y", "");
	assert_true(remote_put("/proc/no/store", KEY, entry, false, &e) < 0);
	assert_non_null(strstr(err_text(&e), "/proc/no"));
	err_release(&e);
	setenv("VMRIG_KERNEL_REMOTE", "/a", 1);
	assert_string_equal(remote_store(NULL), "/a");
	assert_string_equal(remote_store("/b"), "/b");
	assert_null(remote_store(""));
	setenv("VMRIG_KERNEL_REMOTE", "", 1);
	assert_null(remote_store(NULL));
	unsetenv("VMRIG_KERNEL_REMOTE");
	assert_null(remote_store(NULL));
}

static void server_that_refuses_a_put_is_an_error(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = server_url("403/store");
	struct err e = ERR_INIT;

	expect_error(&e, remote_put(store, KEY, entry, false, &e), -EACCES, KEY, "");
	expect_error(&e, remote_put(store, KEY, entry, true, &e), -EACCES, KEY, "");
}

static void machines_that_race_do_no_harm(void **state)
{
	_cleanup_free_ char *entry = lay_entry(*state), *store = path_join(*state, "store");
	_cleanup_free_ char *to = new_folder(*state);
	int status;

	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			int r = 0;

			for (int n = 0; r == 0 && n < 10; n++)
				r = remote_put(store, KEY, entry, n % 2, NULL);
			_exit(r == 0 ? 0 : 1);
		}
	for (int i = 0; i < 8; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(remote_get(store, KEY, to, NULL), 0);
	expect_entry(to);
	assert_true(nothing_named(store, ".tmp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(entry_put_into_a_folder_comes_out_of_it),
		served(entry_put_to_a_server_comes_back),
		served(entry_that_is_there_is_not_sent_again_unless_it_is_bad),
		served(what_a_server_does_wrong_is_an_error_that_leaves_nothing),
		served(every_truncation_is_refused),
		served(every_flipped_byte_is_refused),
		served(entry_that_lies_is_refused),
		served(store_that_cannot_be_is_named),
		served(server_that_refuses_a_put_is_an_error),
		served(machines_that_race_do_no_harm),
	};

	return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
