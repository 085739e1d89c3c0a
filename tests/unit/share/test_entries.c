/* SPDX-License-Identifier: MIT */
/* Names, attributes, and what the guest remembers of them. */
#include <sys/sysmacros.h>

#include "harness.h"

static void lookup_tells_what_stat_tells(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *path = in_tree(t, "file");
	struct fuse_entry_out e;
	struct stat st;

	put(t, "file", "hello", 5);
	assert_int_equal(chmod(path, 04751), 0);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "file", &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(e.attr.ino, st.st_ino);
	assert_int_equal(e.attr.mode, S_IFREG | 04751);
	assert_int_equal(e.attr.size, 5);
	assert_int_equal(e.attr.uid, st.st_uid);
	assert_int_equal(e.attr.gid, st.st_gid);
	assert_int_equal(e.attr.mtime, st.st_mtim.tv_sec);
	assert_int_equal(e.attr.mtimensec, st.st_mtim.tv_nsec);
	assert_int_equal(e.attr.nlink, 1);
	assert_true(e.entry_valid >= 60 && e.attr_valid >= 60);
}

static void a_missing_name_may_be_remembered(void **state)
{
	struct fuse_entry_out e;

	assert_int_equal(lookup(*state, FUSE_ROOT_ID, "nothing", &e), 0);
	assert_int_equal(e.nodeid, 0);
	assert_true(e.entry_valid >= 60);
}

static void hard_links_are_one_node(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *a = in_tree(t, "a"), *b = in_tree(t, "d/b");
	uint64_t node;

	put(t, "a", "x", 1);
	make_dir(t, "d");
	assert_int_equal(link(a, b), 0);
	node = node_of(t, FUSE_ROOT_ID, "a");
	assert_int_equal(node_of(t, node_of(t, FUSE_ROOT_ID, "d"), "b"), node);

	/* The name it was last seen by may go: it is found by a lookup of the other. */
	assert_int_equal(unlink(b), 0);
	assert_int_equal(node_of(t, FUSE_ROOT_ID, "a"), node);
	assert_int_equal(read_at(t, node, 0, 10), 0);
	assert_int_equal(answer_len(t), 1);
}

static void a_node_lives_until_every_lookup_is_forgotten(void **state)
{
	struct tree *t = *state;
	struct fuse_attr attr;
	uint64_t node;

	put(t, "a", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "a");
	assert_int_equal(node_of(t, FUSE_ROOT_ID, "a"), node);
	assert_int_equal(node_of(t, FUSE_ROOT_ID, "a"), node);
	forget(t, node, 2);
	assert_int_equal(getattr(t, node, &attr), 0);
	forget(t, node, 1);
	assert_int_equal(getattr(t, node, &attr), -ESTALE);
	assert_int_not_equal(node_of(t, FUSE_ROOT_ID, "a"), node);
}

static void a_forgotten_folder_still_leads_to_what_lies_below(void **state)
{
	struct tree *t = *state;
	struct fuse_attr attr;
	uint64_t d, f;

	make_dir(t, "d/e");
	put(t, "d/e/f", "x", 1);
	d = node_of(t, FUSE_ROOT_ID, "d");
	f = node_of(t, node_of(t, d, "e"), "f");
	forget(t, d, 1);
	assert_int_equal(getattr(t, d, &attr), -ESTALE);
	assert_int_equal(getattr(t, f, &attr), 0);
	assert_int_equal(read_at(t, f, 0, 10), 0);
	forget(t, f, 1);
}

static void many_nodes_are_forgotten_at_once(void **state)
{
	struct tree *t = *state;
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[3];
	} batch = { .in = { .count = 3 } };
	struct fuse_attr attr;

	for (int i = 0; i < 3; i++) {
		char name[] = { (char)('a' + i), '\0' };

		put(t, name, "x", 1);
		batch.one[i].nodeid = node_of(t, FUSE_ROOT_ID, name);
		batch.one[i].nlookup = 1;
	}
	tell(t, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	for (int i = 0; i < 3; i++)
		assert_int_equal(getattr(t, batch.one[i].nodeid, &attr), -ESTALE);
}

static void the_root_cannot_be_forgotten(void **state)
{
	struct fuse_attr attr;

	forget(*state, FUSE_ROOT_ID, UINT64_MAX);
	assert_int_equal(getattr(*state, FUSE_ROOT_ID, &attr), 0);
	assert_true(S_ISDIR(attr.mode));
}

static void symbolic_links_are_text_and_lead_nowhere_here(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *path = in_tree(t, "link");
	struct fuse_entry_out e;
	struct fuse_open_in open_in = { .flags = O_RDONLY };

	init(t, 38, 0);
	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "link", &e), 0);
	assert_true(S_ISLNK(e.attr.mode));
	assert_int_equal(ask(t, FUSE_READLINK, e.nodeid, NULL, 0), 0);
	assert_int_equal(answer_len(t), 4);
	assert_memory_equal(answer_data(t), "/etc", 4);
	assert_int_equal(lookup(t, e.nodeid, "passwd", &e), -ENOTDIR);
	e.nodeid = node_of(t, FUSE_ROOT_ID, "link");
	assert_int_equal(ask(t, FUSE_OPEN, e.nodeid, &open_in, sizeof(open_in)), -ELOOP);
	assert_int_equal(ask(t, FUSE_OPENDIR, e.nodeid, &open_in, sizeof(open_in)), -ENOTDIR);
	assert_int_equal(read_at(t, e.nodeid, 0, 100), -ELOOP);
}

static void a_file_replaced_on_the_host_is_stale(void **state)
{
	struct tree *t = *state;
	struct fuse_attr attr;
	uint64_t node;

	put(t, "a", "one", 3);
	node = node_of(t, FUSE_ROOT_ID, "a");
	put(t, "a", "two", 3);
	assert_int_equal(getattr(t, node, &attr), -ESTALE);
	assert_int_equal(read_at(t, node, 0, 10), -ESTALE);
	assert_int_equal(read_at(t, node_of(t, FUSE_ROOT_ID, "a"), 0, 10), 0);
	assert_memory_equal(answer_data(t), "two", 3);
}

static void special_files_show_their_type_and_stay_closed(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *path = in_tree(t, "fifo");
	struct fuse_entry_out e;
	struct fuse_open_in in = { .flags = O_RDONLY };

	init(t, 38, 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "fifo", &e), 0);
	assert_true(S_ISFIFO(e.attr.mode));
	assert_int_equal(ask(t, FUSE_OPEN, e.nodeid, &in, sizeof(in)), -EACCES);
	assert_int_equal(read_at(t, e.nodeid, 0, 10), -EACCES);
}

static void devices_keep_their_number(void **state)
{
	struct tree *t = *state;
	struct fuse_entry_out e;
	struct share *dev;
	struct share *mine = t->share;
	struct stat st;

	if (stat("/dev/null", &st) < 0 || !S_ISCHR(st.st_mode))
		return; /* this machine has none */
	assert_int_equal(share_new("/dev", &dev, NULL), 0);
	t->share = dev;
	init(t, 38, 0);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "null", &e), 0);
	t->share = mine;
	share_free(dev);
	assert_true(S_ISCHR(e.attr.mode));
	assert_int_equal(e.attr.rdev, 1 << 8 | 3);
}

static void inode_numbers_differ_across_mounts(void **state)
{
	struct tree *t = *state;
	struct fuse_entry_out e;
	struct share *root;
	struct share *mine = t->share;
	struct stat top, proc;

	if (stat("/", &top) < 0 || stat("/proc", &proc) < 0 || top.st_dev == proc.st_dev)
		return; /* one mount for all */
	assert_int_equal(share_new("/", &root, NULL), 0);
	t->share = root;
	init(t, 38, 0);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "proc", &e), 0);
	t->share = mine;
	share_free(root);
	assert_int_not_equal(e.attr.ino >> 48, 0);
	assert_int_equal(e.attr.ino & 0xffffffffffff, proc.st_ino);
}

static void statfs_and_access_answer_for_the_host(void **state)
{
	struct tree *t = *state;
	struct fuse_access_in in = { .mask = R_OK };
	struct fuse_statfs_out out;
	uint64_t node;

	put(t, "a", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "a");
	assert_int_equal(ask(t, FUSE_STATFS, node, NULL, 0), 0);
	answer(t, &out);
	assert_true(out.st.blocks > 0 && out.st.namelen >= 255);
	assert_int_equal(ask(t, FUSE_ACCESS, node, &in, sizeof(in)), 0);
	in.mask = X_OK;
	assert_int_equal(ask(t, FUSE_ACCESS, node, &in, sizeof(in)), -EACCES);
	in.mask = W_OK;
	assert_int_equal(ask(t, FUSE_ACCESS, FUSE_ROOT_ID, &in, sizeof(in)), -EROFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_tree(lookup_tells_what_stat_tells),
		in_a_tree(a_missing_name_may_be_remembered),
		in_a_tree(hard_links_are_one_node),
		in_a_tree(a_node_lives_until_every_lookup_is_forgotten),
		in_a_tree(a_forgotten_folder_still_leads_to_what_lies_below),
		in_a_tree(many_nodes_are_forgotten_at_once),
		in_a_tree(the_root_cannot_be_forgotten),
		in_a_tree(symbolic_links_are_text_and_lead_nowhere_here),
		in_a_tree(a_file_replaced_on_the_host_is_stale),
		in_a_tree(special_files_show_their_type_and_stay_closed),
		in_a_tree(devices_keep_their_number),
		in_a_tree(inode_numbers_differ_across_mounts),
		in_a_tree(statfs_and_access_answer_for_the_host),
	};

	return cmocka_run_group_tests_name("share-entries", tests, NULL, NULL);
}
