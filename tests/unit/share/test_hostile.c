/* SPDX-License-Identifier: MIT */
/* What is agreed on, what is refused, and requests that no kernel sends. */
#include "harness.h"

static void init_agrees_on_what_both_can(void **state)
{
	struct tree *t = *state;
	struct fuse_init_out out = init(t, 45, UINT32_MAX);

	assert_int_equal(out.major, 7);
	assert_int_equal(out.max_readahead, 131072);
	assert_int_equal(out.max_pages, 32);
	assert_true(out.flags & FUSE_CACHE_SYMLINKS);
	assert_true(out.flags & FUSE_DO_READDIRPLUS);
	/* With it the guest would look up "..". */
	assert_false(out.flags & FUSE_EXPORT_SUPPORT);
	assert_false(out.flags & FUSE_WRITEBACK_CACHE);
	out = init(t, 23, FUSE_ASYNC_READ);
	assert_int_equal(out.flags, FUSE_ASYNC_READ);
}

static void an_init_of_the_first_kernels_is_understood(void **state)
{
	struct tree *t = *state;
	struct fuse_init_in in = { .major = 7, .minor = 23, .max_readahead = 4096 };
	struct fuse_init_out out;

	assert_int_equal(ask(t, FUSE_INIT, 0, &in, 16), 0);
	answer(t, &out);
	assert_int_equal(out.max_readahead, 4096);
	in.minor = 22;
	assert_int_equal(ask(t, FUSE_INIT, 0, &in, 16), -EPROTO);
	in.major = 8;
	assert_int_equal(ask(t, FUSE_INIT, 0, &in, 16), 0);
	answer(t, &out);
	assert_int_equal(out.major, 7);
}

static void nothing_is_answered_before_init(void **state)
{
	struct tree *t = *state;
	struct fuse_attr attr;
	struct fuse_entry_out e;

	assert_int_equal(ask(t, FUSE_DESTROY, 0, NULL, 0), 0);
	assert_int_equal(getattr(t, FUSE_ROOT_ID, &attr), -EIO);
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "x", &e), -EIO);
	init(t, 38, 0);
	assert_int_equal(getattr(t, FUSE_ROOT_ID, &attr), 0);
}

static void a_second_mount_begins_anew(void **state)
{
	struct tree *t = *state;
	struct fuse_attr attr;
	uint64_t d, f;

	make_dir(t, "d/e");
	put(t, "d/e/f", "x", 1);
	d = node_of(t, FUSE_ROOT_ID, "d");
	f = node_of(t, node_of(t, d, "e"), "f");
	init(t, 38, UINT32_MAX);
	assert_int_equal(getattr(t, d, &attr), -ESTALE);
	assert_int_equal(getattr(t, f, &attr), -ESTALE);
	assert_int_not_equal(node_of(t, FUSE_ROOT_ID, "d"), d);
}

static void everything_that_writes_meets_a_read_only_filesystem(void **state)
{
	const uint32_t writes[] = { FUSE_SETATTR, FUSE_SYMLINK, FUSE_MKNOD, FUSE_MKDIR, FUSE_UNLINK,
		FUSE_RMDIR, FUSE_RENAME, FUSE_LINK, FUSE_WRITE, FUSE_SETXATTR, FUSE_REMOVEXATTR,
		FUSE_CREATE, FUSE_FALLOCATE, FUSE_RENAME2, FUSE_COPY_FILE_RANGE, FUSE_TMPFILE };
	const uint32_t modes[] = { O_WRONLY, O_RDWR, O_TRUNC, O_CREAT };
	const char args[128] = "name";
	struct tree *t = *state;
	struct fuse_entry_out e;

	put(t, "name", "content", 7);
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		assert_int_equal(ask(t, writes[i], FUSE_ROOT_ID, args, sizeof(args)), -EROFS);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct fuse_open_in in = { .flags = modes[i] };
		uint64_t node = node_of(t, FUSE_ROOT_ID, "name");

		assert_int_equal(ask(t, FUSE_OPEN, node, &in, sizeof(in)), -EROFS);
	}
	assert_int_equal(lookup(t, FUSE_ROOT_ID, "name", &e), 0);
	assert_int_equal(e.attr.size, 7);
}

static void what_is_not_served_is_told_so_that_kernels_stop_asking(void **state)
{
	const uint32_t missing[] = { FUSE_GETXATTR, FUSE_LISTXATTR, FUSE_FLUSH, FUSE_FSYNC,
		FUSE_FSYNCDIR, FUSE_POLL, FUSE_BMAP, FUSE_GETLK, FUSE_SETUPMAPPING, FUSE_SYNCFS, 52,
		0, 7, 63, 64, 4096, UINT32_MAX };
	const char args[64] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		assert_int_equal(
			ask(*state, missing[i], FUSE_ROOT_ID, args, sizeof(args)), -ENOSYS);
	}
}

static void the_guest_may_open_by_itself_where_it_knows_how(void **state)
{
	struct tree *t = *state;
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_open_out out;
	uint64_t node;

	put(t, "f", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(ask(t, FUSE_OPEN, node, &in, sizeof(in)), -ENOSYS);
	assert_int_equal(ask(t, FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in)), -ENOSYS);
	init(t, 27, 0);
	node = node_of(t, FUSE_ROOT_ID, "f");
	assert_int_equal(ask(t, FUSE_OPEN, node, &in, sizeof(in)), 0);
	answer(t, &out);
	assert_true(out.open_flags & FOPEN_KEEP_CACHE);
	assert_int_equal(ask(t, FUSE_RELEASE, node, NULL, 0), 0);
	assert_int_equal(ask(t, FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in)), 0);
	assert_int_equal(ask(t, FUSE_RELEASEDIR, FUSE_ROOT_ID, NULL, 0), 0);
}

static void names_that_are_no_names_are_refused(void **state)
{
	struct tree *t = *state;
	const struct {
		const char *name;
		size_t len;
	} bad[] = {
		{ "", 1 },
		{ ".", 2 },
		{ "..", 3 },
		{ "../x", 5 },
		{ "/", 2 },
		{ "d/f", 4 },
		{ "/etc/passwd", 12 },
		{ "d", 1 }, /* without its NUL */
		{ "d\0f", 4 }, /* two of them */
		{ "d\0", 3 },
	};

	make_dir(t, "d");
	put(t, "d/f", "x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			ask(t, FUSE_LOOKUP, FUSE_ROOT_ID, bad[i].name, bad[i].len), -EINVAL);
	}
	assert_int_equal(ask(t, FUSE_LOOKUP, FUSE_ROOT_ID, NULL, 0), -EINVAL);
}

static void a_name_too_long_is_the_hosts_to_refuse(void **state)
{
	char name[70000];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ask(*state, FUSE_LOOKUP, FUSE_ROOT_ID, name, sizeof(name)), -ENAMETOOLONG);
}

static void unknown_nodes_are_stale(void **state)
{
	const uint32_t ops[] = { FUSE_LOOKUP, FUSE_GETATTR, FUSE_READLINK, FUSE_OPEN, FUSE_READ,
		FUSE_STATFS, FUSE_OPENDIR, FUSE_READDIR, FUSE_READDIRPLUS, FUSE_ACCESS,
		FUSE_LSEEK };
	const uint64_t nodes[] = { 0, 2, 1000, UINT32_MAX, UINT64_MAX };
	const char args[64] = "x";
	struct tree *t = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(nodes); j++)
			assert_int_equal(ask(t, ops[i], nodes[j], args, sizeof(args)), -ESTALE);
	}
	for (size_t j = 0; j < ARRAY_SIZE(nodes); j++)
		forget(t, nodes[j], 1);
}

static void arguments_cut_short_are_refused(void **state)
{
	const struct {
		uint32_t op;
		size_t len;
	} ops[] = {
		{ FUSE_OPEN, sizeof(struct fuse_open_in) },
		{ FUSE_READ, sizeof(struct fuse_read_in) },
		{ FUSE_OPENDIR, sizeof(struct fuse_open_in) },
		{ FUSE_READDIR, sizeof(struct fuse_read_in) },
		{ FUSE_READDIRPLUS, sizeof(struct fuse_read_in) },
		{ FUSE_ACCESS, sizeof(struct fuse_access_in) },
		{ FUSE_LSEEK, sizeof(struct fuse_lseek_in) },
		{ FUSE_INIT, 16 },
	};
	const char zero[64] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		for (size_t len = 0; len < ops[i].len; len++)
			assert_int_equal(ask(*state, ops[i].op, FUSE_ROOT_ID, zero, len), -EINVAL);
	}
	for (size_t len = 0; len < sizeof(struct fuse_forget_in); len++) {
		tell(*state, FUSE_FORGET, FUSE_ROOT_ID, zero, len);
		tell(*state, FUSE_BATCH_FORGET, 0, zero, len);
	}
}

static void a_batch_that_claims_more_than_it_holds_is_read_to_its_end(void **state)
{
	struct tree *t = *state;
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one;
	} batch = { .in = { .count = UINT32_MAX } };
	struct fuse_attr attr;

	put(t, "a", "x", 1);
	batch.one.nodeid = node_of(t, FUSE_ROOT_ID, "a");
	batch.one.nlookup = UINT64_MAX;
	tell(t, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch) - 1);
	assert_int_equal(getattr(t, batch.one.nodeid, &attr), 0);
	tell(t, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch));
	assert_int_equal(getattr(t, batch.one.nodeid, &attr), -ESTALE);
}

static void offsets_without_end_are_harmless(void **state)
{
	const uint64_t offsets[] = { INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1,
		UINT64_MAX };
	struct tree *t = *state;
	uint64_t node;

	put(t, "f", "x", 1);
	node = node_of(t, FUSE_ROOT_ID, "f");
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct fuse_read_in in = { .fh = offsets[i], .offset = offsets[i], .size = 4096 };
		struct fuse_lseek_in seek = { .offset = offsets[i], .whence = SEEK_DATA };

		assert_int_equal(read_at(t, node, offsets[i], 131072), -EINVAL);
		assert_true(ask(t, FUSE_LSEEK, node, &seek, sizeof(seek)) < 0);
		/* The host's filesystem may take INT64_MAX for the end of the folder. */
		if (ask(t, FUSE_READDIR, FUSE_ROOT_ID, &in, sizeof(in)) == 0)
			assert_int_equal(offsets[i], INT64_MAX);
		if (ask(t, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in, sizeof(in)) == 0)
			assert_int_equal(offsets[i], INT64_MAX);
	}
}

static void lengths_that_contradict_break_the_stream(void **state)
{
	struct tree *t = *state;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct fuse_in_header in = { .len = 40, .opcode = FUSE_STATFS, .unique = 1, .nodeid = 1 };

	buf_clear(&t->reply);
	request_put(&b, FUSE_STATFS, 1, FUSE_ROOT_ID, "12345678", 8);
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(
			share_request(t->share, (const uint8_t *)b.data, len, &t->reply), -EPROTO);
	}
	in.len = 41;
	assert_int_equal(share_request(t->share, (const uint8_t *)&in, 40, &t->reply), -EPROTO);
	in.len = 40;
	in.unique = 0;
	assert_int_equal(share_request(t->share, (const uint8_t *)&in, 40, &t->reply), -EPROTO);
	assert_int_equal(t->reply.len, 0);
}

static void an_interrupt_comes_too_late_and_gets_no_reply(void **state)
{
	struct fuse_interrupt_in in = { .unique = 1 };

	tell(*state, FUSE_INTERRUPT, 0, &in, sizeof(in));
	tell(*state, FUSE_INTERRUPT, 0, NULL, 0);
}

static void a_folder_that_is_not_there_is_not_shared(void **state)
{
	struct err e = ERR_INIT;
	struct share *s = NULL;

	assert_int_equal(share_new("/nowhere/at/all", &s, &e), -ENOENT);
	assert_null(s);
	assert_non_null(strstr(err_text(&e), "/nowhere/at/all"));
	err_release(&e);
	share_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_tree(init_agrees_on_what_both_can),
		in_a_tree(an_init_of_the_first_kernels_is_understood),
		in_a_tree(nothing_is_answered_before_init),
		in_a_tree(a_second_mount_begins_anew),
		in_a_tree(everything_that_writes_meets_a_read_only_filesystem),
		in_a_tree(what_is_not_served_is_told_so_that_kernels_stop_asking),
		in_a_tree(the_guest_may_open_by_itself_where_it_knows_how),
		in_a_tree(names_that_are_no_names_are_refused),
		in_a_tree(a_name_too_long_is_the_hosts_to_refuse),
		in_a_tree(unknown_nodes_are_stale),
		in_a_tree(arguments_cut_short_are_refused),
		in_a_tree(a_batch_that_claims_more_than_it_holds_is_read_to_its_end),
		in_a_tree(offsets_without_end_are_harmless),
		in_a_tree(lengths_that_contradict_break_the_stream),
		in_a_tree(an_interrupt_comes_too_late_and_gets_no_reply),
		cmocka_unit_test(a_folder_that_is_not_there_is_not_shared),
	};

	return cmocka_run_group_tests_name("share-hostile", tests, NULL, NULL);
}
