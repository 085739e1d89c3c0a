/* SPDX-License-Identifier: MIT */
/* Releases fetched from a mirror that is true, lies, or is gone; tarballs by their URLs. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

static const char *const versions[] = { "6.12", "6.12.56", "6.12.57", NULL };
static const char *const listed[] = { "longterm 6.12.57", NULL };

static void keep_line(void *arg, const char *line)
{
	strv_add(arg, line);
}

static bool says(const struct strv *lines, const char *word)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strstr(lines->v[i], word))
			return true;
	return false;
}

static void open_mirror(const char *dir)
{
	publish(dir, versions);
	publish_list(dir, listed);
	use_mirror("");
}

static void release_comes_checked_and_once(void **state)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const struct source_options o = { .progress = keep_line, .arg = &lines };
	const struct source_options offline = { .offline = true };
	struct source s = { 0 }, t = { 0 };
	size_t asked;

	open_mirror(*state);
	must_get("6.12", NULL, &o, &s);
	assert_string_equal(s.label, "6.12.57");
	assert_string_equal(s.version, "6.12.57");
	assert_null(s.commit);
	assert_true(says(&lines, "6.12 is 6.12.57"));
	assert_true(says(&lines, "checked by SHA-256"));
	assert_true(says(&lines, "signature was not checked"));
	assert_true(nothing_named(*state, ".tmp"));
	asked = server_asked(*state, "\n");
	must_get("6.12.57", NULL, NULL, &t);
	assert_string_equal(s.dir, t.dir);
	source_release(&t);
	use_mirror("500");
	must_get("6.12.57", NULL, &offline, &t);
	source_release(&t);
	must_get("6.12", NULL, &offline, &t); /* without a list of that mirror: what is here */
	assert_string_equal(t.label, "6.12.57");
	assert_int_equal(server_asked(*state, "\n"), asked);
	source_release(&s);
	source_release(&t);
}

static void first_release_of_a_series_has_no_patch_in_its_name(void **state)
{
	struct source s = { 0 };

	open_mirror(*state);
	must_get("6.12.0", NULL, NULL, &s);
	assert_string_equal(s.label, "6.12.0");
	assert_string_equal(s.version, "6.12.0");
	assert_int_equal(server_asked(*state, "GET /v6.x/linux-6.12.tar.xz"), 1);
	source_release(&s);
}

static void wrong_tarball_is_refused_and_not_kept(void **state)
{
	_cleanup_free_ char *tarball = path_join(*state, "www/v6.x/linux-6.12.57.tar.xz");

	open_mirror(*state);
	make_kernel_tarball(tarball, "linux-6.12.57/", "6.6.6");
	must_not_get("6.12.57", NULL, NULL, -EBADMSG, "6.12.57", "SHA-256");
	assert_true(nothing_named(*state, ".part"));
	assert_true(nothing_named(*state, "manifest.json"));
	open_mirror(*state);
	must_not_get("6.12.58", NULL, NULL, -ENOENT, "6.12.58", "have no linux-6.12.58");
}

static void lying_mirror_gives_no_source(void **state)
{
	static const struct {
		const char *how;
		int code;
	} lies[] = { { "html", -EBADMSG }, { "404", -ENOENT }, { "500", -EIO },
		{ "stall", -ETIMEDOUT }, { "drop", -EIO }, { "truncate", -EBADMSG },
		{ "dribble", -ETIMEDOUT } };
	struct source s = { 0 };

	open_mirror(*state);
	setenv("VMRIG_FETCH_STALL", "200ms", 1);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		use_mirror(lies[i].how);
		must_not_get("6.12.57", NULL, NULL, lies[i].code, "kernel 6.12.57", "http://");
		must_not_get("6.12", NULL, NULL, lies[i].code, "source 6.12", "http://");
	}
	unsetenv("VMRIG_FETCH_STALL");
	assert_true(nothing_named(*state, "manifest.json"));
	/* Oddities are borne: everything is cut once, and gone on with. */
	use_mirror("redirect");
	must_get("6.12.57", NULL, NULL, &s);
	source_release(&s);
}

static void tarball_that_broke_off_is_gone_on_with(void **state)
{
	_cleanup_free_ char *cut = server_url("truncate/v6.x/linux-6.12.57.tar.xz");
	_cleanup_free_ char *sum_path = path_join(*state, "www/v6.x/linux-6.12.57.tar.xz");
	_cleanup_free_ char *spec = NULL, *whole = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct source s = { 0 };

	open_mirror(*state);
	assert_int_equal(hash_file(sum_path, hex, NULL), 0);
	spec = xasprintf("%s#sha256=%s", cut, hex);
	must_not_get(spec, NULL, NULL, -EBADMSG, "ended after", cut);
	assert_false(nothing_named(*state, ".part"));
	use_mirror("cut");
	/* the list of sums breaks off as well, and is no file that could be gone on with */
	must_not_get("6.12.57", NULL, NULL, -EBADMSG, "sha256sums.asc", "ended after");
	free(cut);
	cut = server_url("cut/v6.x/linux-6.12.57.tar.xz");
	whole = xasprintf("%s#sha256=%s", cut, hex);
	must_get(whole, NULL, NULL, &s);
	source_release(&s);
}

static void urls_need_a_checksum_unless_told_otherwise(void **state)
{
	const struct source_options unchecked = { .unchecked = true };
	const struct source_options offline = { .unchecked = true, .offline = true };
	_cleanup_free_ char *url = server_url("v6.x/linux-6.12.57.tar.xz"), *bad = NULL,
			    *good = NULL;
	_cleanup_free_ char *wrong = NULL;
	_cleanup_free_ char *tarball = path_join(*state, "www/v6.x/linux-6.12.57.tar.xz");
	char hex[HASH_HEX_LEN + 1];
	struct source s = { 0 }, t = { 0 };

	open_mirror(*state);
	assert_int_equal(hash_file(tarball, hex, NULL), 0);
	must_not_get(url, NULL, NULL, -EINVAL, url, "without a checksum");
	bad = xasprintf("%s#sha1=12", url);
	must_not_get(bad, NULL, &unchecked, -EINVAL, url, "sha256=HEX");
	wrong = xasprintf("%s#sha256=%064d", url, 1);
	must_not_get(wrong, NULL, NULL, -EBADMSG, url, hex);
	must_not_get(url, NULL, &offline, -ENETDOWN, url, "offline");
	must_get(url, NULL, &unchecked, &s);
	assert_string_equal(s.label, url);
	good = xasprintf("%s#sha256=%s", url, hex);
	must_get(good, NULL, NULL, &t);
	assert_string_equal(s.identity, t.identity);
	source_release(&t);
	/* Its content may change, and is asked for each time; offline the last one serves. */
	make_kernel_tarball(tarball, "x/", "6.12.58");
	must_get(url, NULL, &offline, &t);
	assert_string_equal(t.version, "6.12.57");
	source_release(&t);
	must_get(url, NULL, &unchecked, &t);
	assert_string_equal(t.version, "6.12.58");
	source_release(&t);
	source_release(&s);
}

static void candidates_come_from_testing(void **state)
{
	const struct source_options unchecked = { .unchecked = true };
	_cleanup_free_ char *tarball = path_join(*state, "www/testing/linux-6.18-rc6.tar.gz");
	_cleanup_free_ char *sums = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct source s = { 0 };

	open_mirror(*state);
	make_kernel_tarball(tarball, "linux-6.18-rc6/", "6.18.0-rc6");
	assert_int_equal(hash_file(tarball, hex, NULL), 0);
	must_not_get("6.18-rc6", NULL, NULL, -ENOENT, "6.18-rc6", "testing/sha256sums.asc");
	sums = xasprintf("%s  linux-6.18-rc6.tar.gz\n", hex);
	lay(*state, "www/testing/sha256sums.asc", sums);
	must_get("6.18-rc6", NULL, NULL, &s);
	assert_string_equal(s.label, "6.18-rc6");
	assert_string_equal(s.version, "6.18.0-rc6");
	source_release(&s);
	assert_int_equal(dir_remove(getenv("VMRIG_CACHE_DIR"), NULL), 0);
	lay(*state, "www/testing/sha256sums.asc", "none\n");
	must_not_get("6.18-rc6", NULL, &unchecked, -EBADMSG, "6.18-rc6", "names no release");
	shell(*state, "rm www/testing/sha256sums.asc");
	must_get("6.18-rc6", NULL, &unchecked, &s);
	source_release(&s);
}

static void range_is_no_source(void **state)
{
	must_not_get("6.1..6.12", NULL, NULL, -EINVAL, "6.1..6.12", "several");
}

/* Files of more than 1000 bytes cannot be written, as where the disk is full: the download itself, or a file of the
 * tree. */
static void full_disk_is_told_and_leaves_nothing(void **state)
{
	static const char *const names[] = { "www/x.tar", "www/x.tar.xz" };
	const struct source_options unchecked = { .unchecked = true };
	struct rlimit old, small;
	char big[3000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1000;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = path_join(*state, names[i]);
		_cleanup_free_ char *url = server_url(names[i] + strlen("www/"));
		struct source s = { 0 };
		struct err e = ERR_INIT;
		int r;

		make_tarball(
			path, (const struct tar_file[]){ { "linux/Makefile", big, NULL }, { 0 } });
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		r = source_get(url, NULL, &unchecked, &s, &e);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		expect_error(&e, r, -EFBIG, url, "cannot write");
		assert_true(nothing_named(*state, ".part"));
		assert_true(nothing_named(*state, ".tmp"));
	}
}

/* Eight at once: one downloads, all have it. */
static void many_at_once_make_one(void **state)
{
	enum { N = 8 };
	pid_t pids[N];

	open_mirror(*state);
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct source s = { 0 };

			_exit(source_get("6.12.57", NULL, NULL, &s, NULL) == 0 ? 0 : 1);
		}
	}
	for (int i = 0; i < N; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(server_asked(*state, "linux-6.12.57.tar.xz"), 1);
	assert_true(nothing_named(*state, ".tmp"));
}

/* ---- signatures ---- */

/* A keyring of its own in GNUPGHOME, with one key; its fingerprint. The caller owns the string. */
static char *make_keyring(const char *dir)
{
	_cleanup_free_ char *home = path_join(dir, "gnupg"), *path = path_join(dir, "gnupg/fpr");
	_cleanup_buf_ struct buf b = BUF_INIT;

	assert_int_equal(dir_make(home, 0700, NULL), 0);
	setenv("GNUPGHOME", home, 1);
	shell(home,
		"gpg --batch --quiet --passphrase '' --quick-gen-key t@t ed25519 sign never && "
		"gpg --batch --with-colons --list-keys | sed -n 's/^fpr:*\\([0-9A-F]*\\):.*/\\1/p' | "
		"head -n 1 | tr -d '\\n' >fpr");
	assert_int_equal(file_read(path, 100, &b, NULL), 0);
	return buf_detach(&b);
}

static void close_keyring(const char *dir)
{
	shell(dir, "gpgconf --kill all");
	unsetenv("GNUPGHOME");
	unsetenv("VMRIG_KERNEL_KEYS");
}

static void signatures_count_where_the_key_is_known(void **state)
{
	static const char sign_tarball[] =
		"cd www/v6.x && xz -dc linux-6.12.57.tar.xz | gpg --batch --yes --quiet --armor "
		"--detach-sign --output linux-6.12.57.tar.sign -";
	static const char sign_sums[] =
		"cd www/v6.x && sed -n '/  /p' sha256sums.asc >s && gpg --batch --yes --quiet "
		"--clear-sign --output sha256sums.asc s";
	_cleanup_strv_ struct strv lines = STRV_INIT;
	const struct source_options o = { .progress = keep_line, .arg = &lines, .refresh = true };
	_cleanup_free_ char *fingerprint = make_keyring(*state), *cache = NULL;
	struct source s = { 0 };

	cache = path_join(*state, "cache");
	open_mirror(*state);
	shell(*state, sign_sums);
	shell(*state, sign_tarball);
	/* A key that is there, but not of the kernel's. */
	must_not_get("6.12.57", NULL, &o, -EBADMSG, fingerprint, "none of the kernel's");
	setenv("VMRIG_KERNEL_KEYS", fingerprint, 1);
	must_get("6.12.57", NULL, &o, &s);
	source_release(&s);
	assert_true(says(&lines, "checked by the signature of"));
	assert_true(says(&lines, fingerprint));
	/* Without the developers' signature that of the sums is told. */
	shell(*state, "rm www/v6.x/linux-6.12.57.tar.sign");
	assert_int_equal(dir_remove(cache, NULL), 0);
	must_get("6.12.57", NULL, &o, &s);
	source_release(&s);
	assert_true(says(&lines, "in a list signed by"));
	/* A signature of something else. */
	assert_int_equal(dir_remove(cache, NULL), 0);
	shell(*state,
		"cd www/v6.x && echo x | gpg --batch --yes --quiet --armor --detach-sign --output "
		"linux-6.12.57.tar.sign -");
	must_not_get("6.12.57", NULL, &o, -EBADMSG, "6.12.57", "signature is wrong");
	shell(*state, "rm www/v6.x/linux-6.12.57.tar.sign");
	shell(*state, "cd www/v6.x && sed -i 's/^[0-9a-f]\\(.*6.12.56\\)/0\\1/' sha256sums.asc");
	must_not_get("6.12.57", NULL, &o, -EBADMSG, "published checksums", "signature is wrong");
	assert_true(nothing_named(*state, "manifest.json"));
	close_keyring(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(release_comes_checked_and_once),
		served(first_release_of_a_series_has_no_patch_in_its_name),
		served(wrong_tarball_is_refused_and_not_kept),
		served(lying_mirror_gives_no_source),
		served(tarball_that_broke_off_is_gone_on_with),
		served(urls_need_a_checksum_unless_told_otherwise),
		served(candidates_come_from_testing),
		served(range_is_no_source),
		served(full_disk_is_told_and_leaves_nothing),
		served(many_at_once_make_one),
		served(signatures_count_where_the_key_is_known),
	};

	return cmocka_run_group_tests_name("kernelorg", tests, NULL, NULL);
}
