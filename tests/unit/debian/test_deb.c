/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "debian/debian.h"
#include "packages.h"

static int unpack(const char *dir, const struct buf *deb, struct err *e)
{
	_cleanup_free_ char *path = put(dir, "x.deb", deb->data, deb->len);
	_cleanup_free_ char *to = path_join(dir, "out");

	assert_int_equal(dir_make(to, 0755, NULL), 0);
	return deb_unpack(path, &(struct unpack_spec){ .dir = to }, e);
}

static bool has(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return access(path, F_OK) == 0;
}

static void path_that_leads_outside_is_refused(void **state)
{
	static const char *const paths[] = { "./boot/../../escaped", "../escaped", "boot/..",
		"lib/modules/6/../../../../escaped" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_buf_ struct buf deb = BUF_INIT;
		struct err e = ERR_INIT;

		make_deb((const struct package_file[]){ { paths[i], "x", 1, NULL }, { 0 } }, &deb);
		expect_error(&e, unpack(*state, &deb, &e), -EBADMSG, "x.deb", "leads outside");
		assert_false(has(*state, "escaped"));
	}
}

static void every_truncation_is_an_error(void **state)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_kernel_deb("6.1.0-1-amd64", &deb);
	for (size_t len = 0; len < deb.len - 64; len += 97) {
		_cleanup_free_ char *out = path_join(*state, "out");
		struct buf cut = { deb.data, len, len };
		struct err e = ERR_INIT;

		assert_true(unpack(*state, &cut, &e) < 0);
		assert_non_null(strstr(err_text(&e), "x.deb"));
		err_release(&e);
		assert_int_equal(dir_remove(out, NULL), 0);
	}
}

static void other_files_are_no_packages(void **state)
{
	struct buf text = { (char *)(uintptr_t) "hello", 5, 5 };
	struct err e = ERR_INIT;

	expect_error(&e, unpack(*state, &text, &e), -EBADMSG, "x.deb", "");
	expect_error(&e, deb_unpack("/nowhere.deb", &(struct unpack_spec){ .dir = *state }, &e),
		-EBADMSG, "/nowhere.deb", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(path_that_leads_outside_is_refused),
		in_folder(every_truncation_is_an_error),
		in_folder(other_files_are_no_packages),
	};

	return cmocka_run_group_tests_name("deb", tests, NULL, NULL);
}
