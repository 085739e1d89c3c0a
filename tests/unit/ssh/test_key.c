/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/text.h"
#include "fixture.h"
#include "ssh/ssh.h"

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void ssh_keygen_reads_the_private_key_and_finds_the_public_one_in_it(void **state)
{
	/* Padding differs with the length of the comment. */
	static const char *const comments[] = { "a", "ab", "abc", "abcd", "abcde", "abcdef",
		"abcdefg", "abcdefgh" };

	for (size_t i = 0; i < ARRAY_SIZE(comments); i++) {
		struct ssh_key k = SSH_KEY_INIT;
		_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT;
		int status;

		assert_int_equal(ssh_key_make(comments[i], &k, NULL), 0);
		assert_int_equal(proc_capture(ARGV("ssh-keygen", "-y", "-f", k.path), NULL, &out,
					 &err, 60000, &status, NULL),
			0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s", buf_str(&err));
		buf_truncate(&out, strcspn(buf_str(&out), "\n"));
		assert_string_equal(buf_str(&out), k.public);
		assert_true(str_ends(k.public, comments[i]));
		ssh_key_release(&k);
	}
}

static void what_the_private_key_signs_the_public_one_verifies(void **state)
{
	_cleanup_free_ char *file = path_join(*state, "file"), *sig = path_join(*state, "file.sig"),
			    *allowed = path_join(*state, "allowed");
	_cleanup_buf_ struct buf line = BUF_INIT, text = BUF_INIT, err = BUF_INIT;
	struct ssh_key k = SSH_KEY_INIT;
	int status;

	assert_int_equal(ssh_key_make("me", &k, NULL), 0);
	buf_adds(&text, "words");
	buf_addf(&line, "me %s\n", k.public);
	lay(*state, "file", "words");
	lay(*state, "allowed", buf_str(&line));
	assert_int_equal(
		proc_capture(ARGV("ssh-keygen", "-Y", "sign", "-n", "test", "-f", k.path, file),
			NULL, NULL, &err, 60000, &status, NULL),
		0);
	assert_int_equal(status, 0);
	assert_int_equal(proc_capture(ARGV("ssh-keygen", "-Y", "verify", "-n", "test", "-f",
					      allowed, "-I", "me", "-s", sig),
				 &text, NULL, &err, 60000, &status, NULL),
		0);
	if (status)
		fail_msg("%s", buf_str(&err));
	ssh_key_release(&k);
}

static void keys_differ_are_for_us_alone_and_are_gone_when_released(void **state)
{
	struct ssh_key a = SSH_KEY_INIT, b = SSH_KEY_INIT;
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct stat st;

	assert_int_equal(ssh_key_make("x", &a, NULL), 0);
	assert_int_equal(ssh_key_make("x", &b, NULL), 0);
	assert_string_not_equal(a.public, b.public);
	assert_int_equal(stat(a.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(file_read(a.public_path, 1000, &text, NULL), 0);
	buf_truncate(&text, text.len - 1);
	assert_string_equal(buf_str(&text), a.public);
	path = xstrdup(a.path);
	ssh_key_release(&a);
	ssh_key_release(&b);
	assert_false(file_exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh_keygen_reads_the_private_key_and_finds_the_public_one_in_it),
		in_folder(what_the_private_key_signs_the_public_one_verifies),
		cmocka_unit_test(keys_differ_are_for_us_alone_and_are_gone_when_released),
	};

	return cmocka_run_group_tests_name("ssh-key", tests, NULL, NULL);
}
