/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "fetch/fetch.h"
#include "server.h"

#define CONTENT_LEN 300000

/* Lays www/x, so many bytes that are not text, and gives its SHA-256. */
static void lay_x(const char *dir, unsigned seed, char sum[static HASH_HEX_LEN + 1])
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *path = NULL;

	for (int i = 0; i < CONTENT_LEN; i++)
		buf_addc(&b, (char)(128 | ((seed = seed * 1103515245 + 12345) >> 16)));
	path = put(dir, "www/x", b.data, b.len);
	assert_int_equal(hash_file(path, sum, NULL), 0);
}

struct world {
	const char *dir;
	char *dst, *part; /* owned */
	char sum[HASH_HEX_LEN + 1];
};

static void world_open(struct world *w, void **state)
{
	w->dir = *state;
	w->dst = path_join(w->dir, "out");
	w->part = path_join(w->dir, "out.part");
	lay_x(w->dir, 1, w->sum);
}

static void world_close(struct world *w)
{
	free(w->dst);
	free(w->part);
}
#define _world_ __attribute__((cleanup(world_close))) struct world

static int get(const struct world *w, const char *how, const char *sum, struct err *e)
{
	_cleanup_free_ char *url = server_url(how);
	char got[HASH_HEX_LEN + 1];
	int r = fetch_file(
		&(struct fetch_spec){ .url = url, .sha256 = sum, .stall_ms = 300 }, w->dst, got, e);

	if (r == 0) {
		char is[HASH_HEX_LEN + 1];

		assert_int_equal(hash_file(w->dst, is, NULL), 0);
		assert_string_equal(is, got);
	}
	return r;
}

static void expect_failure(const struct world *w, const char *how, int code, const char *word)
{
	struct err e = ERR_INIT;
	int r = get(w, how, NULL, &e);

	if (r != code || !strstr(err_text(&e), word))
		fail_msg("%s: %d (%s), not %d with '%s'", how, r, err_text(&e), code, word);
	assert_non_null(strstr(err_text(&e), "http://127.0.0.1:"));
	assert_false(file_exists(w->dst));
	err_release(&e);
}

static void file_comes_whole_with_its_sum(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	assert_int_equal(get(&w, "x", w.sum, NULL), 0);
	assert_true(file_exists(w.dst));
	assert_true(nothing_named(w.dir, ".part"));
	assert_true(nothing_named(w.dir, ".from"));
	assert_int_equal(get(&w, "nolength/x", w.sum, NULL), 0);
	assert_int_equal(get(&w, "redirect/x", w.sum, NULL), 0);
}

static void short_and_empty_files_come_too(void **state)
{
	_world_ w = { 0 };
	char sum[HASH_HEX_LEN + 1];
	_cleanup_free_ char *path = NULL;

	world_open(&w, state);
	lay(w.dir, "www/short", "abc");
	path = put_text(w.dir, "www/empty", "");
	assert_int_equal(hash_file(path, sum, NULL), 0);
	assert_int_equal(get(&w, "short", NULL, NULL), 0);
	assert_int_equal(get(&w, "empty", sum, NULL), 0);
}

static void lies_are_told_apart(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	expect_failure(&w, "404/x", -ENOENT, "404");
	expect_failure(&w, "absent", -ENOENT, "404");
	expect_failure(&w, "410/x", -ENOENT, "410");
	expect_failure(&w, "403/x", -EACCES, "403");
	expect_failure(&w, "401/x", -EACCES, "401");
	expect_failure(&w, "500/x", -EIO, "500");
	expect_failure(&w, "503/x", -EIO, "503");
	expect_failure(&w, "html/x", -EBADMSG, "HTML");
	expect_failure(&w, "redirect/html/x", -EBADMSG, "HTML");
	expect_failure(&w, "drop/x", -EIO, "without an answer");
	expect_failure(&w, "stall/x", -ETIMEDOUT, "nothing came");
	expect_failure(&w, "loop/x", -EIO, "redirects");
	assert_true(nothing_named(w.dir, ".part"));
}

static void redirect_never_leads_to_a_file(void **state)
{
	_world_ w = { 0 };
	struct err e = ERR_INIT;

	world_open(&w, state);
	expect_error(&e, get(&w, "tofile/x", NULL, &e), -EINVAL, "http://127.0.0.1", "file");
	assert_false(file_exists(w.dst));
}

static void page_may_be_asked_for(void **state)
{
	_cleanup_free_ char *url = server_url("html/x");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(fetch_text(&(struct fetch_spec){ .url = url, .page = true }, &b, NULL), 0);
	assert_non_null(strstr(b.data, "log in"));
	buf_clear(&b);
	expect_error(
		&e, fetch_text(&(struct fetch_spec){ .url = url }, &b, &e), -EBADMSG, "HTML", url);
	assert_int_equal(b.len, 0);
}

static void wrong_checksum_leaves_nothing(void **state)
{
	_world_ w = { 0 };
	struct err e = ERR_INIT;
	char other[HASH_HEX_LEN + 1];

	world_open(&w, state);
	memset(other, 'a', HASH_HEX_LEN);
	other[HASH_HEX_LEN] = '\0';
	expect_error(&e, get(&w, "x", other, &e), -EBADMSG, other, w.sum);
	assert_false(file_exists(w.dst));
	assert_false(file_exists(w.part));
	expect_error(&e, get(&w, "x", "123", &e), -EINVAL, "123", "64");
}

/* An old file is not touched by a new one that does not come. */
static void what_was_there_stays(void **state)
{
	_world_ w = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;

	world_open(&w, state);
	lay(w.dir, "out", "old");
	assert_int_equal(get(&w, "truncate/x", NULL, NULL), -EBADMSG);
	assert_int_equal(file_read(w.dst, 100, &b, NULL), 0);
	assert_string_equal(b.data, "old");
}

static void transfer_that_breaks_off_is_resumed_at_once(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	assert_int_equal(get(&w, "cut/x", w.sum, NULL), 0);
	assert_int_equal(server_asked(w.dir, "GET /cut/x -\n"), 1);
	assert_int_equal(server_asked(w.dir, "GET /cut/x bytes=150000-\n"), 1);
}

static void transfer_that_always_breaks_off_is_an_error(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	expect_failure(&w, "truncate/x", -EBADMSG, "150000 of 300000");
	assert_true(file_exists(w.part));
	expect_failure(&w, "norange/truncate/x", -EBADMSG, "150000 of 300000");
	assert_false(file_exists(w.part)); /* nothing to go on with */
	expect_failure(&w, "nolength/cut/x", -EBADMSG, "cut off");
}

static void next_call_goes_on_where_one_stalled(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	expect_failure(&w, "dribble/x", -ETIMEDOUT, "after 150000 bytes");
	assert_true(file_exists(w.part));
	assert_int_equal(get(&w, "dribble/x", w.sum, NULL), 0);
	assert_int_equal(server_asked(w.dir, "bytes=150000-"), 1);
}

static void file_that_changed_meanwhile_is_fetched_afresh(void **state)
{
	_world_ w = { 0 };
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	_cleanup_free_ char *x = NULL;

	world_open(&w, state);
	expect_failure(&w, "truncate/x", -EBADMSG, "150000");
	lay_x(w.dir, 2, w.sum);
	x = path_join(w.dir, "www/x");
	assert_int_equal(utimensat(AT_FDCWD, x, times, 0), 0);
	assert_int_equal(get(&w, "truncate/x", NULL, NULL), -EBADMSG);
	assert_int_equal(get(&w, "x", w.sum, NULL), 0); /* another URL: not gone on with */
	assert_int_equal(get(&w, "cut/newtag/x", NULL, NULL), -EBADMSG); /* never the same */
}

static void shrunken_file_is_fetched_afresh(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *junk = NULL;

	world_open(&w, state);
	expect_failure(&w, "dribble/x", -ETIMEDOUT, "150000");
	/* As much as there is at all: the server answers 416. */
	junk = xcalloc(1, CONTENT_LEN);
	free(put(w.dir, "out.part", junk, CONTENT_LEN));
	assert_int_equal(get(&w, "dribble/x", w.sum, NULL), -ETIMEDOUT);
	assert_int_equal(server_asked(w.dir, "bytes=300000-"), 1);
	assert_int_equal(get(&w, "dribble/x", w.sum, NULL), 0);
}

static void server_that_sends_another_range_is_caught(void **state)
{
	_world_ w = { 0 };

	world_open(&w, state);
	expect_failure(&w, "wrongrange/cut/x", -EIO, "from 150001 instead");
	assert_false(file_exists(w.part));
}

static void too_much_is_an_error(void **state)
{
	static const char *const paths[] = { "x", "nolength/x" };
	_world_ w = { 0 };

	world_open(&w, state);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *url = server_url(paths[i]);
		struct fetch_spec s = { .url = url, .size_max = 1000 };
		char sum[HASH_HEX_LEN + 1];
		struct err e = ERR_INIT;

		expect_error(&e, fetch_file(&s, w.dst, sum, &e), -EFBIG, url, "1000");
		assert_false(file_exists(w.part));
	}
}

static void nobody_there_is_told(void **state)
{
	_world_ w = { 0 };
	char sum[HASH_HEX_LEN + 1];
	struct err e = ERR_INIT;
	/* Port 1: nobody listens. */
	struct fetch_spec s = { .url = "http://me:secret@127.0.0.1:1/x" };

	world_open(&w, state);
	assert_int_equal(fetch_file(&s, w.dst, sum, &e), -EHOSTUNREACH);
	assert_null(strstr(err_text(&e), "secret"));
	assert_non_null(strstr(err_text(&e), "me:***@127.0.0.1:1/x"));
	assert_non_null(e.hint);
	err_release(&e);
	s.url = "gopher://127.0.0.1/x";
	expect_error(&e, fetch_file(&s, w.dst, sum, &e), -EINVAL, "gopher", "");
}

static void proxy_of_the_environment_is_used(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *proxy = server_url("");
	char sum[HASH_HEX_LEN + 1];
	struct fetch_spec s = { .url = "http://kernels.invalid/x" };

	world_open(&w, state);
	setenv("http_proxy", proxy, 1);
	/* The server takes the absolute URL for a path that it does not have. */
	assert_int_equal(fetch_file(&s, w.dst, sum, NULL), -ENOENT);
	unsetenv("http_proxy");
	assert_int_equal(server_asked(w.dir, "GET http://kernels.invalid/x"), 1);
}

static void files_have_urls_as_well(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *url = NULL, *absent = NULL;
	char sum[HASH_HEX_LEN + 1];
	struct err e = ERR_INIT;

	world_open(&w, state);
	url = xasprintf("file://%s/www/x", w.dir);
	absent = xasprintf("file://%s/www/y", w.dir);
	assert_int_equal(fetch_file(&(struct fetch_spec){ .url = url }, w.dst, sum, NULL), 0);
	assert_string_equal(sum, w.sum);
	expect_error(&e, fetch_file(&(struct fetch_spec){ .url = absent }, w.dst, sum, &e), -ENOENT,
		absent, "");
}

static void full_disk_is_told_and_leaves_nothing(void **state)
{
	_world_ w = { 0 };
	struct rlimit old, small;
	struct err e = ERR_INIT;
	int r;

	world_open(&w, state);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = get(&w, "x", NULL, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	expect_error(&e, r, -EFBIG, "out.part", "cannot write");
	assert_false(file_exists(w.part));
	expect_error(&e,
		fetch_file(&(struct fetch_spec){ .url = "http://127.0.0.1:1/" }, "/proc/nowhere/x",
			w.sum, &e),
		-ENOENT, "/proc/nowhere/x.part", "");
}

static void count(void *arg, int64_t done, int64_t total)
{
	int64_t *last = arg;

	assert_true(done >= *last);
	assert_int_equal(total, CONTENT_LEN);
	*last = done;
}

static void progress_is_told(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *url = server_url("cut/x");
	int64_t last = 0;
	struct fetch_spec s = { .url = url, .progress = count, .arg = &last };
	char sum[HASH_HEX_LEN + 1];

	world_open(&w, state);
	assert_int_equal(fetch_file(&s, w.dst, sum, NULL), 0);
	assert_int_equal(last, CONTENT_LEN);
}

static void probe_and_put(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *there = server_url("x"), *absent = server_url("y"), *src = NULL;
	_cleanup_free_ char *put_to = server_url("store/a/b"), *refused = server_url("403/store/a");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	world_open(&w, state);
	src = path_join(w.dir, "www/x");
	assert_int_equal(fetch_probe(there, NULL), 0);
	assert_int_equal(fetch_probe(absent, NULL), -ENOENT);
	assert_int_equal(fetch_put(put_to, src, NULL), 0);
	assert_int_equal(
		fetch_text(&(struct fetch_spec){ .url = put_to, .sha256 = w.sum }, &b, NULL), 0);
	assert_int_equal(b.len, CONTENT_LEN);
	expect_error(&e, fetch_put(refused, src, &e), -EACCES, "403", refused);
	expect_error(&e, fetch_put(put_to, "/nowhere", &e), -ENOENT, "/nowhere", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(file_comes_whole_with_its_sum),
		served(short_and_empty_files_come_too),
		served(lies_are_told_apart),
		served(redirect_never_leads_to_a_file),
		served(page_may_be_asked_for),
		served(wrong_checksum_leaves_nothing),
		served(what_was_there_stays),
		served(transfer_that_breaks_off_is_resumed_at_once),
		served(transfer_that_always_breaks_off_is_an_error),
		served(next_call_goes_on_where_one_stalled),
		served(file_that_changed_meanwhile_is_fetched_afresh),
		served(shrunken_file_is_fetched_afresh),
		served(server_that_sends_another_range_is_caught),
		served(too_much_is_an_error),
		served(nobody_there_is_told),
		served(proxy_of_the_environment_is_used),
		served(files_have_urls_as_well),
		served(full_disk_is_told_and_leaves_nothing),
		served(progress_is_told),
		served(probe_and_put),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
