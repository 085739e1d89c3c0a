/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/hash.h"
#include "kernel/kernel.h"
#include "server.h"

static void sum_of(const char *dir, const char *name, char ret[static HASH_HEX_LEN + 1])
{
	_cleanup_free_ char *path = path_join(dir, name);

	assert_int_equal(hash_file(path, ret, NULL), 0);
}

static int get(const char *path, const char *sum, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *url = server_url(path);
	struct kernel_download d = { .url = url, .sha256 = sum, .unchecked = !sum };

	return kernel_download(&d, NULL, NULL, ret, e);
}

static void an_image_comes_into_the_cache_and_is_found_by_its_name(void **state)
{
	char sum[HASH_HEX_LEN + 1], upper[HASH_HEX_LEN + 1];
	struct kernel k = { 0 }, again = { 0 };

	free(put_bzimage(*state, "www/bzImage"));
	sum_of(*state, "www/bzImage", sum);
	for (size_t i = 0; i <= HASH_HEX_LEN; i++)
		upper[i] = sum[i] >= 'a' ? (char)(sum[i] - 32) : sum[i];
	assert_int_equal(get("bzImage", upper, &k, NULL), 0);
	assert_string_equal(k.label, "prebuilt:bzImage");
	assert_string_equal(k.release, FIXTURE_RELEASE);
	assert_int_equal(kernel_resolve("prebuilt:bzImage", NULL, &again, NULL), 0);
	assert_string_equal(again.key, k.key);
	kernel_release(&again);
	kernel_release(&k);
	/* The checksum tells that it is there. */
	assert_int_equal(get("404/bzImage", sum, &k, NULL), 0);
	assert_int_equal(server_asked(*state, "404"), 0);
	kernel_release(&k);
}

static void the_last_one_of_a_name_counts(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;
	struct kernel first = { 0 }, second = { 0 }, k = { 0 };

	free(put_bzimage(*state, "www/k"));
	assert_int_equal(get("k", NULL, &first, NULL), 0);
	make_vmlinux(&(struct vmlinux_fixture){ .filler = 4096 }, &elf);
	free(put(*state, "www/k", elf.data, elf.len));
	usleep(2000); /* their times are told in milliseconds */
	assert_int_equal(get("k", NULL, &second, NULL), 0);
	assert_string_not_equal(first.key, second.key);
	assert_int_equal(kernel_resolve("prebuilt:k", NULL, &k, NULL), 0);
	assert_string_equal(k.key, second.key);
	kernel_release(&first);
	kernel_release(&second);
	kernel_release(&k);
}

static void what_a_server_does_wrong_is_an_error_that_keeps_nothing(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *word;
	} lies[] = {
		{ "html/k", -EBADMSG, "HTML" },
		{ "truncate/k", -EBADMSG, "k" },
		{ "404/k", -ENOENT, "404" },
		{ "500/k", -EIO, "500" },
		{ "text", -EBADMSG, "neither a kernel image" },
		{ "empty", -EBADMSG, "neither" },
	};
	static const char other[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	_cleanup_free_ char *downloads = path_join(*state, "cache/downloads");
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	struct kernel *list;
	size_t n;

	free(put_bzimage(*state, "www/k"));
	lay(*state, "www/text", "hello\n");
	lay(*state, "www/empty", "");
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		int r = get(lies[i].path, NULL, &k, &e);

		if (r != lies[i].code || !strstr(err_text(&e), lies[i].word) ||
			!strstr(err_text(&e), "http://127.0.0.1"))
			fail_msg("%s: %d (%s)", lies[i].path, r, err_text(&e));
		err_release(&e);
	}
	expect_error(&e, get("k", other, &k, &e), -EBADMSG, other, "/k");
	assert_int_equal(kernel_list(&list, &n, NULL, NULL), 0);
	assert_int_equal(n, 0);
	free(list);
	assert_true(nothing_named(downloads, ".tmp"));
}

static void a_wish_that_makes_no_sense_is_told_before_anything_is_asked(void **state)
{
	_cleanup_free_ char *url = server_url("k");
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	struct kernel_download d = { .url = url };

	expect_error(
		&e, kernel_download(&d, NULL, NULL, &k, &e), -EINVAL, "without a checksum", url);
	d.sha256 = "12";
	expect_error(&e, kernel_download(&d, NULL, NULL, &k, &e), -EINVAL, "12", "64 hex digits");
	d = (struct kernel_download){ .url = url, .unchecked = true, .name = "../x" };
	expect_error(&e, kernel_download(&d, NULL, NULL, &k, &e), -EINVAL, "../x", "no name");
	assert_int_equal(server_asked(*state, "GET"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(an_image_comes_into_the_cache_and_is_found_by_its_name),
		served(the_last_one_of_a_name_counts),
		served(what_a_server_does_wrong_is_an_error_that_keeps_nothing),
		served(a_wish_that_makes_no_sense_is_told_before_anything_is_asked),
	};

	return cmocka_run_group_tests_name("kernel-prebuilt", tests, NULL, NULL);
}
