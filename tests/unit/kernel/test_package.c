/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "kernel/debian_spec.h"
#include "packages.h"

static int unpack(const char *dir, const struct buf *deb, struct err *e)
{
	_cleanup_free_ char *path = put(dir, "x.deb", deb->data, deb->len);
	_cleanup_free_ char *to = path_join(dir, "out");

	assert_int_equal(dir_make(to, 0755, NULL), 0);
	return debian_unpack_kernel(path, to, e);
}

static bool has(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return access(path, F_OK) == 0;
}

static void only_what_a_kernel_is_comes_out(void **state)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_kernel_deb("6.1.0-1-amd64", &deb);
	assert_int_equal(unpack(*state, &deb, NULL), 0);
	assert_true(has(*state, "out/boot/vmlinuz-6.1.0-1-amd64"));
	assert_true(has(*state, "out/lib/modules/6.1.0-1-amd64/kernel/a.ko"));
	assert_false(has(*state, "out/lib/modules/6.1.0-1-amd64/build"));
	assert_false(has(*state, "out/usr"));
}

static void modules_below_usr_are_put_where_others_are(void **state)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_deb((const struct package_file[]){ { "./usr/lib/modules/6/a.ko", "a", 1, NULL },
			 { 0 } },
		&deb);
	assert_int_equal(unpack(*state, &deb, NULL), 0);
	assert_true(has(*state, "out/lib/modules/6/a.ko"));
}

static void file_behind_a_link_stays_inside(void **state)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;
	_cleanup_free_ char *elsewhere = path_join(*state, "elsewhere");

	assert_int_equal(dir_make(elsewhere, 0755, NULL), 0);
	make_deb((const struct package_file[]){ { "./boot/dir", "", 0, elsewhere },
			 { "./boot/dir/file", "x", 1, NULL }, { 0 } },
		&deb);
	assert_int_equal(unpack(*state, &deb, NULL), 0);
	assert_true(has(*state, "out/boot/dir/file"));
	assert_false(has(*state, "elsewhere/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(only_what_a_kernel_is_comes_out),
		in_folder(modules_below_usr_are_put_where_others_are),
		in_folder(file_behind_a_link_stays_inside),
	};

	return cmocka_run_group_tests_name("package", tests, NULL, NULL);
}
