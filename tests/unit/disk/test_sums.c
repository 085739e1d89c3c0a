/* SPDX-License-Identifier: MIT */
#include "disk/sums.h"
#include "fixture.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int find(const char *text, struct sum *ret)
{
	*ret = (struct sum){ 0 };
	return sums_find("SUMS", text, "disk.img", ret, NULL);
}

static void every_way_to_write_a_list_is_read(void **state)
{
	static const char *const lists[] = {
		A "  disk.img\n",
		A " *disk.img\n",
		"# by somebody\n\n" B "  other.img\n" A "  ./images/disk.img\r\n",
		"SHA256 (disk.img) = " A "\n",
		"SHA256 (other.img) = " B "\nSHA256 (disk.img) = " A,
		A "\n",
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" A
		"  disk.img\n-----BEGIN PGP SIGNATURE-----\n",
		"d41d8cd98f00b204e9800998ecf8427e  disk.img\n" A "  disk.img\n",
	};
	struct sum s;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		assert_int_equal(find(lists[i], &s), 0);
		assert_string_equal(s.sha256, A);
		assert_string_equal(s.sha512, "");
	}
	assert_int_equal(find(A B "  disk.img\n", &s), 0);
	assert_string_equal(s.sha512, A B);
	assert_int_equal(find("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA  disk.img\n",
				 &s),
		0);
	assert_string_equal(s.sha256, A);
}

static void lists_that_cannot_be_believed_are_refused(void **state)
{
	struct sum s;

	assert_int_equal(find(A "  disk.img\n" B "  disk.img\n", &s), -EBADMSG);
	assert_int_equal(find(A "  disk.img\n" A "  disk.img\n", &s), 0);
	assert_int_equal(find("", &s), -ENOENT);
	assert_int_equal(find(A "  disk.img.old\n" B "  a-disk.img\n", &s), -ENOENT);
	assert_int_equal(find("d41d8cd98f00b204e9800998ecf8427e  disk.img\n", &s), -ENOTSUP);
	assert_int_equal(find(A "a  disk.img\n", &s), -ENOENT);
	assert_int_equal(find("SHA256 (disk.img) = \n", &s), -ENOENT);
	assert_int_equal(find("SHA256 (disk.img\n", &s), -ENOENT);
}

static void sha512_is_that_of_the_standard(void **state)
{
	_cleanup_free_ char *path = put(*state, "abc", "abc", 3);
	char hex[SHA512_HEX_LEN + 1];

	assert_int_equal(sha512_file(path, hex, NULL), 0);
	/* FIPS 180-2, C.1 */
	assert_string_equal(hex,
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_a_list_is_read),
		cmocka_unit_test(lists_that_cannot_be_believed_are_refused),
		cmocka_unit_test_setup_teardown(
			sha512_is_that_of_the_standard, folder_make, folder_remove),
	};

	return cmocka_run_group_tests_name("disk-sums", tests, NULL, NULL);
}
