/* SPDX-License-Identifier: MIT */
/* Reading files and listing folders. */
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "harness.h"

#define READ_MAX 131072

/* How many descriptors this process has. */
static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void reads_stop_at_the_end_of_file(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *data = xmalloc(READ_MAX + 100);
	uint64_t node;

	for (size_t i = 0; i < READ_MAX + 100; i++)
		data[i] = (char)(i * 31 >> 3);
	put(t, "f", data, READ_MAX + 100);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(read_at(t, node, 0, READ_MAX), 0);
	assert_int_equal(answer_len(t), READ_MAX);
	assert_memory_equal(answer_data(t), data, READ_MAX);
	assert_int_equal(read_at(t, node, READ_MAX - 5, READ_MAX), 0);
	assert_int_equal(answer_len(t), 105);
	assert_memory_equal(answer_data(t), data + READ_MAX - 5, 105);
	assert_int_equal(read_at(t, node, READ_MAX + 100, 4096), 0);
	assert_int_equal(answer_len(t), 0);
	assert_int_equal(read_at(t, node, INT64_MAX / 2, 4096), 0);
	assert_int_equal(answer_len(t), 0);
}

static void a_read_is_never_cut_short_for_its_size(void **state)
{
	struct tree *t = *state;
	uint64_t node;

	put(t, "f", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(read_at(t, node, 0, READ_MAX + 1), -EINVAL);
	assert_int_equal(read_at(t, node, 0, UINT32_MAX), -EINVAL);
}

static void folders_are_no_files_and_files_no_folders(void **state)
{
	struct tree *t = *state;
	struct fuse_read_in in = { .size = 4096 };
	uint64_t node;

	put(t, "f", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(read_at(t, FUSE_ROOT_ID, 0, 10), -EISDIR);
	assert_int_equal(ask(t, FUSE_READDIR, node, &in, sizeof(in)), -ENOTDIR);
	assert_int_equal(ask(t, FUSE_READDIRPLUS, node, &in, sizeof(in)), -ENOTDIR);
}

static void files_that_may_not_be_read_say_so(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *f = in_tree(t, "f"), *d = in_tree(t, "d");
	struct fuse_open_in open_in = { .flags = O_RDONLY };
	struct fuse_read_in in = { .size = 4096 };
	uint64_t fn, dn;
	bool root;

	put(t, "f", "x", 1);
	make_dir(t, "d");
	assert_int_equal(chmod(f, 0), 0);
	assert_int_equal(chmod(d, 0), 0);
	assert_int_equal(chmod(t->path, 0755), 0);
	/* For root nothing is unreadable; one who is not has to own its /proc/self. */
	root = geteuid() == 0;
	if (root)
		assert_int_equal(seteuid(65534) | prctl(PR_SET_DUMPABLE, 1), 0);
	fn = node_of(t, FUSE_ROOT_ID, "f");
	dn = node_of(t, FUSE_ROOT_ID, "d");
	assert_int_equal(read_at(t, fn, 0, 10), -EACCES);
	assert_int_equal(ask(t, FUSE_READDIR, dn, &in, sizeof(in)), -EACCES);
	init(t, 38, 0);
	fn = node_of(t, FUSE_ROOT_ID, "f");
	dn = node_of(t, FUSE_ROOT_ID, "d");
	assert_int_equal(ask(t, FUSE_OPEN, fn, &open_in, sizeof(open_in)), -EACCES);
	assert_int_equal(ask(t, FUSE_OPENDIR, dn, &open_in, sizeof(open_in)), -EACCES);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(d, 0700), 0);
}

static void holes_are_found(void **state)
{
	struct tree *t = *state;
	struct fuse_lseek_in in = { .whence = SEEK_HOLE };
	struct fuse_lseek_out out;
	uint64_t node;

	put(t, "f", "data", 4);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(ask(t, FUSE_LSEEK, node, &in, sizeof(in)), 0);
	answer(t, &out);
	assert_int_equal(out.offset, 4);
	in.offset = 5;
	assert_int_equal(ask(t, FUSE_LSEEK, node, &in, sizeof(in)), -ENXIO);
	in.whence = SEEK_END;
	assert_int_equal(ask(t, FUSE_LSEEK, node, &in, sizeof(in)), -EINVAL);
}

static void make_files(const struct tree *t, const char *dir, int n)
{
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s/file-%05d", t->path, dir, i);
		_cleanup_close_ int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
	}
}

/* Lists NODE by pages of SIZE bytes; counts the files named file-NNNNN, each of which has to come
 * once, and, by plus, puts their nodes into NODES. */
static int list(struct tree *t, uint64_t node, uint32_t size, bool plus, uint64_t *nodes, int max)
{
	struct fuse_read_in in = { .size = size };
	_cleanup_free_ bool *seen = xcalloc((size_t)max, sizeof(*seen));
	int n = 0, dots = 0;

	for (;;) {
		size_t at = 0;

		assert_int_equal(
			ask(t, plus ? FUSE_READDIRPLUS : FUSE_READDIR, node, &in, sizeof(in)), 0);
		assert_true(answer_len(t) <= size);
		if (!answer_len(t))
			break;
		while (at < answer_len(t)) {
			struct fuse_entry_out entry = { 0 };
			struct fuse_dirent d;
			const char *name;
			int i;

			if (plus) {
				memcpy(&entry, answer_data(t) + at, sizeof(entry));
				at += sizeof(entry);
			}
			memcpy(&d, answer_data(t) + at, FUSE_NAME_OFFSET);
			name = answer_data(t) + at + FUSE_NAME_OFFSET;
			at += FUSE_DIRENT_SIZE(&d);
			in.offset = d.off;
			if (name[0] == '.') {
				assert_int_equal(entry.nodeid, 0);
				dots++;
				continue;
			}
			assert_int_equal(d.namelen, 10);
			i = atoi(name + 5);
			assert_true(i < max && !seen[i]);
			seen[i] = true;
			n++;
			assert_int_equal(d.type, DT_REG);
			if (plus) {
				assert_int_not_equal(entry.nodeid, 0);
				assert_int_equal(entry.attr.ino, d.ino);
				nodes[i] = entry.nodeid;
			}
		}
		assert_int_equal(at, answer_len(t));
	}
	assert_int_equal(dots, 2);
	return n;
}

static void a_large_folder_is_listed_whole_at_any_page_size(void **state)
{
	struct tree *t = *state;
	const uint32_t sizes[] = { 280, 1000, 4096, 131072 };
	uint64_t nodes[3000], node;
	struct fuse_attr attr;

	make_dir(t, "d");
	make_files(t, "d", 3000);
	node = node_of(t, FUSE_ROOT_ID, "d");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(list(t, node, sizes[i], false, NULL, 3000), 3000);
		assert_int_equal(list(t, node, sizes[i], true, nodes, 3000), 3000);
		/* Each listing with attributes counted one lookup of each file, and no more. */
		for (int j = 0; j < 3000; j++) {
			assert_int_equal(getattr(t, nodes[j], &attr), 0);
			forget(t, nodes[j], 1);
			assert_int_equal(getattr(t, nodes[j], &attr), -ESTALE);
		}
	}
}

static void listings_of_many_folders_may_be_mixed(void **state)
{
	struct tree *t = *state;
	struct fuse_read_in in[20] = { 0 };
	uint64_t nodes[20];
	int n[20] = { 0 };
	bool more = true;

	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *name = xasprintf("d%d", i);

		make_dir(t, name);
		make_files(t, name, 30);
		nodes[i] = node_of(t, FUSE_ROOT_ID, name);
		in[i].size = 100;
	}
	while (more) {
		more = false;
		for (int i = 0; i < 20; i++) {
			struct fuse_dirent d;

			assert_int_equal(ask(t, FUSE_READDIR, nodes[i], &in[i], sizeof(in[i])), 0);
			for (size_t at = 0; at < answer_len(t); at += FUSE_DIRENT_SIZE(&d)) {
				memcpy(&d, answer_data(t) + at, FUSE_NAME_OFFSET);
				in[i].offset = d.off;
				n[i]++;
				more = true;
			}
		}
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(n[i], 32);
}

static void a_page_too_small_for_one_entry_is_refused(void **state)
{
	struct tree *t = *state;
	struct fuse_read_in in = { .size = 8 };

	assert_int_equal(ask(t, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof(in)), -EINVAL);
	assert_int_equal(ask(t, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in, sizeof(in)), -EINVAL);
}

static int tree_make_with_few_descriptors(void **state)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_cur = 64;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -1 : tree_make(state);
}

static int tree_remove_with_all_descriptors(void **state)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -1 : tree_remove(state);
}

/* Looks into so many other folders that the share closes those it had open. */
static void look_elsewhere(struct tree *t)
{
	struct fuse_entry_out e;

	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *name = xasprintf("elsewhere%d", i);

		make_dir(t, name);
		assert_int_equal(lookup(t, node_of(t, FUSE_ROOT_ID, name), "x", &e), 0);
	}
}

static void ten_thousand_open_files_need_few_descriptors(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ uint64_t *nodes = xcalloc(10000, sizeof(*nodes));
	struct fuse_open_in in = { .flags = O_RDONLY };
	uint64_t dirs[100];
	int before = count_fds();

	init(t, 38, 0);
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *name = xasprintf("d%d", i);

		make_dir(t, name);
		make_files(t, name, 100);
		dirs[i] = node_of(t, FUSE_ROOT_ID, name);
		assert_int_equal(list(t, dirs[i], 4096, true, nodes + 100 * i, 100), 100);
	}
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(ask(t, FUSE_OPEN, nodes[i], &in, sizeof(in)), 0);
		assert_int_equal(read_at(t, nodes[i], 0, 100), 0);
	}
	for (int i = 9999; i >= 0; i -= 7)
		assert_int_equal(read_at(t, nodes[i], 0, 100), 0);
	assert_true(count_fds() - before <= 8);
}

static void a_deep_tree_is_reached_again_with_few_descriptors(void **state)
{
	struct tree *t = *state;
	struct fuse_entry_out e;
	uint64_t node = FUSE_ROOT_ID;
	_cleanup_buf_ struct buf path = BUF_INIT;

	for (int i = 0; i < 200; i++)
		buf_adds(&path, i ? "/d" : "d");
	make_dir(t, path.data);
	for (int i = 0; i < 200; i++)
		node = node_of(t, node, "d");
	look_elsewhere(t);
	assert_int_equal(lookup(t, node, "x", &e), 0);
	assert_int_equal(e.nodeid, 0);
}

static void a_folder_that_became_a_link_is_not_followed(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *d = in_tree(t, "d"), *away = in_tree(t, "away");
	struct fuse_entry_out e;
	uint64_t node;

	make_dir(t, "d/etc");
	node = node_of(t, node_of(t, FUSE_ROOT_ID, "d"), "etc");
	look_elsewhere(t);
	assert_int_equal(rename(d, away), 0);
	assert_int_equal(symlink("/", d), 0);
	assert_int_equal(lookup(t, node, "passwd", &e), -ESTALE);
}

static void when_descriptors_run_out_the_share_gives_its_own(void **state)
{
	struct tree *t = *state;
	uint64_t nodes[20];
	int spare[64], n = 0;

	make_files(t, ".", 20);
	for (int i = 0; i < 20; i++) {
		_cleanup_free_ char *name = xasprintf("file-%05d", i);

		nodes[i] = node_of(t, FUSE_ROOT_ID, name);
		assert_int_equal(read_at(t, nodes[i], 0, 10), 0);
	}
	while (n < 64 && (spare[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	for (int i = 0; i < 20; i++)
		assert_int_equal(read_at(t, nodes[i], 0, 10), 0);
	while (n)
		close(spare[--n]);
}

int main(void)
{
#define with_few_descriptors(f)          \
	cmocka_unit_test_setup_teardown( \
		f, tree_make_with_few_descriptors, tree_remove_with_all_descriptors)
	const struct CMUnitTest tests[] = {
		in_a_tree(reads_stop_at_the_end_of_file),
		in_a_tree(a_read_is_never_cut_short_for_its_size),
		in_a_tree(folders_are_no_files_and_files_no_folders),
		in_a_tree(files_that_may_not_be_read_say_so),
		in_a_tree(holes_are_found),
		in_a_tree(a_large_folder_is_listed_whole_at_any_page_size),
		in_a_tree(listings_of_many_folders_may_be_mixed),
		in_a_tree(a_page_too_small_for_one_entry_is_refused),
		with_few_descriptors(ten_thousand_open_files_need_few_descriptors),
		with_few_descriptors(a_deep_tree_is_reached_again_with_few_descriptors),
		with_few_descriptors(a_folder_that_became_a_link_is_not_followed),
		with_few_descriptors(when_descriptors_run_out_the_share_gives_its_own),
	};

	return cmocka_run_group_tests_name("share-content", tests, NULL, NULL);
}
