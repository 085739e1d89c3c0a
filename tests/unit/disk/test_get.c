/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "disk/disk.h"
#include "server.h"

#define LEN (3 << 20)

struct world {
	const char *dir;
	char *url; /* owned */
	char sum[HASH_HEX_LEN + 1];
	struct disk_fetch f;
	struct disk_image i;
	struct strv said;
	struct err e;
};

static void world_close(struct world *w)
{
	free(w->url);
	disk_image_release(&w->i);
	strv_release(&w->said);
	err_release(&w->e);
}
#define _world_ __attribute__((cleanup(world_close))) struct world

static void on_said(void *arg, const char *line)
{
	strv_add(arg, line);
}

/* Lays www/disk.img and what PROGRAM makes of it beside it (NULL: nothing). */
static void lay_image(struct world *w, void **state, const char *program, const char *ending)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *path = NULL, *packed = NULL, *name = NULL;
	const char *argv[] = { program, "-k", "-f", "-q", NULL, NULL };
	int status = 0;

	w->dir = *state;
	w->i.hold = -1;
	while (b.len < LEN / 2)
		buf_addf(&b, "%zu\n", b.len);
	buf_reserve(&b, LEN);
	memset(b.data + LEN / 2, 0, LEN / 2);
	path = put(w->dir, "www/disk.img", b.data, LEN);
	packed = xasprintf("%s%s", path, ending);
	argv[4] = path;
	if (program)
		assert_int_equal(proc_capture(argv, NULL, NULL, NULL, 0, &status, NULL), 0);
	assert_int_equal(status, 0);
	assert_int_equal(hash_file(packed, w->sum, NULL), 0);
	name = xasprintf("disk.img%s", ending);
	w->url = server_url(name);
	w->f = (struct disk_fetch){
		.url = w->url, .sha256 = w->sum, .said = on_said, .arg = &w->said
	};
}

static int get(struct world *w)
{
	disk_image_release(&w->i);
	err_release(&w->e);
	w->e = (struct err)ERR_INIT;
	return disk_fetch(&w->f, &w->i, &w->e);
}

static void gets(struct world *w)
{
	if (get(w) < 0)
		fail_msg("%s", err_text(&w->e));
}

static bool was_said(const struct world *w, const char *words)
{
	for (size_t i = 0; i < w->said.n; i++)
		if (strstr(w->said.v[i], words))
			return true;
	return false;
}

/* No image, nor anything of one. */
static bool is_clean(const struct world *w)
{
	return nothing_named(w->dir, ".tmp") && nothing_named(w->dir, "manifest.json");
}

static void every_packing_gives_the_same_image(void **state)
{
	static const char *const how[][2] = { { NULL, "" }, { "xz", ".xz" }, { "gzip", ".gz" },
		{ "zstd", ".zst" }, { "bzip2", ".bz2" } };
	char first[HASH_HEX_LEN + 1] = "";

	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		_world_ w = { 0 };

		lay_image(&w, state, how[i][0], how[i][1]);
		gets(&w);
		assert_string_equal(w.i.format, "raw");
		assert_string_equal(w.i.names.v[0], "disk");
		assert_int_equal(w.i.size, LEN);
		if (!i)
			strcpy(first, w.i.file_sha256);
		assert_string_equal(w.i.file_sha256, first);
	}
}

static void second_fetch_of_the_same_sum_asks_nobody(void **state)
{
	_world_ w = { 0 };

	lay_image(&w, state, NULL, "");
	gets(&w);
	assert_int_equal(server_asked(w.dir, "GET "), 1);
	gets(&w);
	assert_int_equal(server_asked(w.dir, "GET "), 1);
	w.f.name = "another";
	gets(&w);
	assert_int_equal(server_asked(w.dir, "GET "), 1);
	disk_image_release(&w.i);
	assert_int_equal(disk_find("another", &w.i, NULL), 0);
	assert_int_equal(w.i.names.n, 2);
	assert_int_equal(disk_remove("disk", NULL), -EBUSY);
	disk_image_release(&w.i);
	assert_int_equal(disk_remove("disk", NULL), 0);
	assert_int_equal(disk_find("another", &w.i, NULL), -ENOENT);
}

static void checksum_is_demanded_and_holds(void **state)
{
	_world_ w = { 0 };

	lay_image(&w, state, NULL, "");
	w.f.sha256 = NULL;
	assert_int_equal(get(&w), -EINVAL);
	assert_non_null(strstr(w.e.hint, "--unchecked"));
	w.sum[0] = w.sum[0] == '0' ? '1' : '0';
	w.f.sha256 = w.sum;
	assert_int_equal(get(&w), -EBADMSG);
	assert_true(is_clean(&w));
	w.f.sha256 = "abc";
	assert_int_equal(get(&w), -EINVAL);
	w.f.sha256 = NULL;
	w.f.unchecked = true;
	gets(&w);
	assert_true(was_said(&w, "unchecked: its SHA-256 is "));
}

static void mirrors_are_tried_in_order(void **state)
{
	_cleanup_strv_ struct strv mirrors = STRV_INIT;
	_world_ w = { 0 };

	lay_image(&w, state, NULL, "");
	free(w.url);
	w.url = server_url("404/disk.img");
	strv_take(&mirrors, server_url("html/disk.img"));
	strv_take(&mirrors, server_url("disk.img"));
	strv_take(&mirrors, server_url("500/disk.img"));
	w.f.url = w.url;
	w.f.mirrors = &mirrors;
	gets(&w);
	assert_string_equal(w.i.url, mirrors.v[1]);
	assert_int_equal(server_asked(w.dir, "/500/"), 0);
}

static void sums_of_either_kind_are_believed_or_refused(void **state)
{
	_cleanup_free_ char *sums = NULL, *bad = NULL, *none = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_world_ w = { 0 };

	lay_image(&w, state, NULL, "");
	buf_addf(&b, "%s  disk.img\n", w.sum);
	lay(w.dir, "www/SHA256SUMS", buf_str(&b));
	b.data[0] = b.data[0] == '0' ? '1' : '0';
	lay(w.dir, "www/LIES", buf_str(&b));
	lay(w.dir, "www/NONE", "nothing here\n");
	sums = server_url("SHA256SUMS");
	bad = server_url("LIES");
	none = server_url("NONE");
	w.f.sums = bad;
	assert_int_equal(get(&w), -EBADMSG);
	w.f.sha256 = NULL;
	assert_int_equal(get(&w), -EBADMSG);
	w.f.sums = none;
	assert_int_equal(get(&w), -ENOENT);
	assert_true(is_clean(&w));
	w.f.sums = sums;
	gets(&w);
	assert_non_null(strstr(w.i.trust, "not signed"));
}

static void bomb_is_bounded_and_leaves_nothing(void **state)
{
	_world_ w = { 0 };

	lay_image(&w, state, "xz", ".xz");
	w.f.size_max = LEN - 1;
	assert_int_equal(get(&w), -EFBIG);
	assert_true(is_clean(&w));
	w.f.size_max = LEN;
	gets(&w);
}

static void damaged_packing_is_an_error_that_leaves_nothing(void **state)
{
	static const char *const how[][2] = { { "xz", ".xz" }, { "gzip", ".gz" },
		{ "zstd", ".zst" }, { "bzip2", ".bz2" } };

	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		_world_ w = { 0 };
		_cleanup_free_ char *path = NULL;
		struct stat st;

		lay_image(&w, state, how[i][0], how[i][1]);
		path = xasprintf("%s/www/disk.img%s", w.dir, how[i][1]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size - st.st_size / 3), 0);
		w.f.sha256 = NULL;
		w.f.unchecked = true;
		assert_int_equal(get(&w), -EBADMSG);
		assert_true(is_clean(&w));
	}
}

static void damaged_entry_is_named_and_fetched_again(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *path = NULL;

	lay_image(&w, state, NULL, "");
	gets(&w);
	path = xstrdup(w.i.path);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 1000), 0);
	disk_image_release(&w.i);
	assert_int_equal(disk_find("disk", &w.i, NULL), -EBADMSG);
	gets(&w);
	assert_true(was_said(&w, "; fetching it again"));
	assert_int_equal(disk_verify(&w.i, NULL), 0);
	assert_int_equal(chmod(path, 0600), 0);
	free(put(w.dir, "x", "", 0));
	assert_int_equal(truncate(path, LEN - 1), 0);
	assert_int_equal(truncate(path, LEN), 0);
	assert_int_equal(disk_verify(&w.i, NULL), 0); /* the last byte was zero */
}

static void other_formats_become_qcow2_and_hostile_ones_nothing(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *raw = NULL, *vmdk = NULL, *evil = NULL;
	int status = -1;

	lay_image(&w, state, NULL, "");
	raw = path_join(w.dir, "www/disk.img");
	vmdk = path_join(w.dir, "www/disk.vmdk");
	evil = path_join(w.dir, "www/evil.qcow2");
	assert_int_equal(proc_capture((const char *[]){ "qemu-img", "convert", "-O", "vmdk", raw,
					      vmdk, NULL },
				 NULL, NULL, NULL, 0, &status, NULL),
		0);
	assert_int_equal(status, 0);
	assert_int_equal(proc_capture((const char *[]){ "qemu-img", "create", "-u", "-f", "qcow2",
					      "-F", "raw", "-b", "/etc/passwd", evil, "1M", NULL },
				 NULL, NULL, NULL, 0, &status, NULL),
		0);
	w.f.sha256 = NULL;
	w.f.unchecked = true;
	free(w.url);
	w.f.url = w.url = server_url("disk.vmdk");
	gets(&w);
	assert_string_equal(w.i.format, "qcow2");
	assert_int_equal(w.i.virtual_size, LEN);
	w.f.format = "raw";
	gets(&w);
	assert_int_equal(w.i.size, LEN);
	free(w.url);
	w.f.url = w.url = server_url("evil.qcow2");
	assert_int_equal(get(&w), -EPERM);
	w.f.format = NULL;
	assert_int_equal(get(&w), -EPERM);
	assert_true(nothing_named(w.dir, ".tmp"));
}

static void eight_at_once_make_one(void **state)
{
	_world_ w = { 0 };
	pid_t pids[8];
	int status;

	lay_image(&w, state, "xz", ".xz");
	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(get(&w) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(server_asked(w.dir, "GET "), 1);
}

static void half_entry_of_a_dead_process_is_swept(void **state)
{
	_world_ w = { 0 };
	_cleanup_free_ char *half = NULL;

	lay_image(&w, state, NULL, "");
	half = put(w.dir,
		"cache/images/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.tmp/disk.raw",
		"x", 1);
	gets(&w);
	assert_false(file_exists(half));
	assert_true(nothing_named(w.dir, ".tmp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served(every_packing_gives_the_same_image),
		served(second_fetch_of_the_same_sum_asks_nobody),
		served(checksum_is_demanded_and_holds),
		served(mirrors_are_tried_in_order),
		served(sums_of_either_kind_are_believed_or_refused),
		served(bomb_is_bounded_and_leaves_nothing),
		served(damaged_packing_is_an_error_that_leaves_nothing),
		served(damaged_entry_is_named_and_fetched_again),
		served(other_formats_become_qcow2_and_hostile_ones_nothing),
		served(eight_at_once_make_one),
		served(half_entry_of_a_dead_process_is_swept),
	};

	return cmocka_run_group_tests_name("disk-get", tests, NULL, NULL);
}
