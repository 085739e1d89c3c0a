/* SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include "debian/debian.h"
#include "packages.h"

static const struct debian_query source = {
	.prefix = "linux-source-6.12", .arch = "amd64", .what = "linux-source-6.12"
};

static void offer(const char *dir, const char *names)
{
	_cleanup_buf_ struct buf deb = BUF_INIT;

	make_deb((const struct package_file[]){ { "./usr/src/x.tar.xz", "x", 1, NULL }, { 0 } },
		&deb);
	lay_apt(dir, names, "6.12.5-1", &deb);
}

static void package_is_found_by_its_whole_name(void **state)
{
	struct debian_package p = { 0 };

	offer(*state, "linux-source-6.12-extra - x\nlinux-source-6.12 - Linux\n");
	assert_int_equal(debian_find(&source, false, &p, NULL), 0);
	assert_string_equal(p.name, "linux-source-6.12");
	assert_string_equal(p.version, "6.12.5-1");
	assert_int_equal(apt_calls(*state, "search --names-only ^linux-source-6[.]12$"), 1);
	debian_package_release(&p);
}

static void package_that_is_not_there_is_named(void **state)
{
	struct debian_package p = { 0 };
	struct err e = ERR_INIT;

	offer(*state, "linux-source-6.1 - Linux\n");
	expect_error(&e, debian_find(&source, false, &p, &e), -ENOENT, "linux-source-6.12", "apt");
}

static void lists_that_cannot_be_fetched_are_the_reason_only_where_old_ones_lack_it(void **state)
{
	struct debian_package p = { 0 };
	struct err e = ERR_INIT;

	offer(*state, "linux-source-6.12 - Linux\n");
	lay_program(*state, "apt-get", "echo 'E: no such host' >&2; exit 100\n");
	assert_int_equal(debian_find(&source, true, &p, NULL), 0);
	debian_package_release(&p);
	offer(*state, "linux-source-6.1 - Linux\n");
	lay_program(*state, "apt-get", "echo 'E: no such host' >&2; exit 100\n");
	expect_error(
		&e, debian_find(&source, true, &p, &e), -EIO, "lists of packages", "no such host");
}

static void package_is_downloaded_and_checked(void **state)
{
	_cleanup_free_ char *to = path_join(*state, "to"), *path = NULL;
	struct debian_package p = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(dir_make(to, 0755, NULL), 0);
	offer(*state, "linux-source-6.12 - Linux\n");
	assert_int_equal(debian_find(&source, false, &p, NULL), 0);
	assert_int_equal(debian_download(&p, to, &path, NULL), 0);
	assert_true(deb_is(path));
	assert_false(deb_is(to));
	p.sha256[0] = p.sha256[0] == '0' ? '1' : '0';
	str_replace(&path, NULL);
	expect_error(&e, debian_download(&p, to, &path, &e), -EBADMSG, "SHA-256", "damaged");
	debian_package_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(package_is_found_by_its_whole_name),
		in_world(package_that_is_not_there_is_named),
		in_world(lists_that_cannot_be_fetched_are_the_reason_only_where_old_ones_lack_it),
		in_world(package_is_downloaded_and_checked),
	};

	return cmocka_run_group_tests_name("apt", tests, NULL, NULL);
}
