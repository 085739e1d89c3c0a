/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/hash.h"
#include "harness.h"

static void digests_are_those_of_sha_256(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f");
	char hex[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();

	hash_final(h, hex);
	assert_string_equal(
		hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	file_put(path, "abc", 3); /* FIPS 180-2, appendix B.1 */
	assert_int_equal(hash_file(path, hex, NULL), 0);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(hash_file(*state, hex, NULL), -EISDIR);
}

static void count_told(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *seen = arg;

	assert_true(done > seen[0] && done <= total);
	seen[0] = done;
	seen[1]++;
}

static void who_waits_is_told_how_many_bytes_are_read(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "large");
	_cleanup_free_ char *zeros = xcalloc(1, 1000000);
	char told[HASH_HEX_LEN + 1], plain[HASH_HEX_LEN + 1];
	uint64_t seen[2] = { 0 };

	file_put(path, zeros, 1000000);
	assert_int_equal(hash_file_told(path, count_told, seen, told, NULL), 0);
	assert_int_equal(seen[0], 1000000);
	assert_true(seen[1] > 1);
	assert_int_equal(hash_file(path, plain, NULL), 0);
	assert_string_equal(told, plain);
}

static void neighbouring_strings_do_not_run_together(void **state)
{
	char a[HASH_HEX_LEN + 1], b[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();

	hash_adds(h, "ab");
	hash_adds(h, "c");
	hash_final(h, a);
	h = hash_new();
	hash_adds(h, "a");
	hash_adds(h, "bc");
	hash_final(h, b);
	assert_string_not_equal(a, b);
}

static void identity_of(const char *path, char hex[static HASH_HEX_LEN + 1])
{
	struct hash *h = hash_new();

	assert_int_equal(hash_add_file_identity(h, path, NULL), 0);
	hash_final(h, hex);
}

static void a_rewritten_file_has_another_identity(void **state)
{
	_cleanup_free_ char *path = path_join(*state, "f");
	char a[HASH_HEX_LEN + 1], again[HASH_HEX_LEN + 1], b[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();

	assert_int_equal(hash_add_file_identity(h, path, NULL), -ENOENT);
	hash_final(h, a);
	file_put(path, "1", 1);
	identity_of(path, a);
	identity_of(path, again);
	assert_string_equal(a, again);
	file_put(path, "2", 1);
	identity_of(path, b);
	assert_string_not_equal(a, b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_folder(digests_are_those_of_sha_256),
		in_folder(who_waits_is_told_how_many_bytes_are_read),
		cmocka_unit_test(neighbouring_strings_do_not_run_together),
		in_folder(a_rewritten_file_has_another_identity),
	};

	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
