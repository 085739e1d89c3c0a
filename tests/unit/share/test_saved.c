/* SPDX-License-Identifier: MIT */
/* A share that is saved with its guest, and goes on in another one. */
#include "harness.h"

/* The share anew, from what was saved of it; its result. */
static int restart(struct tree *t, const char *data, size_t len)
{
	share_free(t->share);
	t->share = NULL;
	assert_int_equal(share_new(t->path, &t->share, NULL), 0);
	return share_restore(t->share, data, len);
}

static void what_the_guest_knows_means_the_same_afterwards(void **state)
{
	struct tree *t = *state;
	_cleanup_buf_ struct buf saved = BUF_INIT;
	uint64_t d, file, other;

	make_dir(t, "d");
	put(t, "d/file with\nspace", "hello", 5);
	put(t, "other", "x", 1);
	d = node_of(t, FUSE_ROOT_ID, "d");
	file = node_of(t, d, "file with\nspace");
	share_save(t->share, &saved);
	assert_int_equal(restart(t, saved.data, saved.len), 0);

	assert_int_equal(read_at(t, file, 0, 10), 0);
	assert_int_equal(answer_len(t), 5);
	assert_int_equal(node_of(t, d, "file with\nspace"), file);
	assert_int_equal(node_of(t, FUSE_ROOT_ID, "d"), d);
	other = node_of(t, FUSE_ROOT_ID, "other");
	assert_true(other != d && other != file && other != FUSE_ROOT_ID);
}

static void a_file_that_is_another_one_by_now_is_stale(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *path = in_tree(t, "file"), *away = in_tree(t, "away");
	_cleanup_buf_ struct buf saved = BUF_INIT;
	uint64_t file;

	put(t, "file", "hello", 5);
	file = node_of(t, FUSE_ROOT_ID, "file");
	share_save(t->share, &saved);
	assert_int_equal(rename(path, away), 0);
	put(t, "file", "other", 5);
	assert_int_equal(restart(t, saved.data, saved.len), 0);
	assert_int_equal(read_at(t, file, 0, 10), -ESTALE);
}

static void what_is_cut_or_contradicts_itself_is_refused(void **state)
{
	static const char form[] = "share-9 1 0 3 0";
	static const char orphan[] = "share-1 1 0 9 0\0"
				     "2 7 1 1 40000 1/x";
	static const char twice[] = "share-1 1 0 9 0\0"
				    "2 1 1 1 40000 1/x\0"
				    "2 1 1 1 40000 1/x";
	struct tree *t = *state;
	_cleanup_buf_ struct buf saved = BUF_INIT;

	make_dir(t, "d");
	node_of(t, FUSE_ROOT_ID, "d");
	share_save(t->share, &saved);
	assert_int_equal(restart(t, "", 0), -EBADMSG);
	assert_int_equal(restart(t, saved.data, saved.len - 1), -EBADMSG);

	assert_int_equal(restart(t, form, sizeof(form)), -EBADMSG);
	assert_int_equal(restart(t, orphan, sizeof(orphan)), -EBADMSG);
	assert_int_equal(restart(t, twice, sizeof(twice)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_tree(what_the_guest_knows_means_the_same_afterwards),
		in_a_tree(a_file_that_is_another_one_by_now_is_stale),
		in_a_tree(what_is_cut_or_contradicts_itself_is_refused),
	};

	return cmocka_run_group_tests_name("share-saved", tests, NULL, NULL);
}
