/* SPDX-License-Identifier: MIT */
/* What the tests of share have in common: a tree, a share of it, and the guest's side of FUSE. */
#ifndef TEST_SHARE_HARNESS_H
#define TEST_SHARE_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "share/share.h"

struct tree {
	char *path; /* owned */
	struct share *share; /* owned */
	struct buf reply; /* the last one */
	uint64_t unique;
};

static inline void request_put(
	struct buf *b, uint32_t opcode, uint64_t unique, uint64_t node, const void *arg, size_t len)
{
	struct fuse_in_header in = {
		.len = (uint32_t)(sizeof(in) + len),
		.opcode = opcode,
		.unique = unique,
		.nodeid = node,
	};

	buf_add(b, &in, sizeof(in));
	buf_add(b, arg, len);
}

/* Asks, checks the reply's frame, and returns its error; the payload is what answer() takes. */
static inline int ask(struct tree *t, uint32_t opcode, uint64_t node, const void *arg, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct fuse_out_header out;

	request_put(&b, opcode, ++t->unique, node, arg, len);
	buf_clear(&t->reply);
	assert_int_equal(share_request(t->share, (const uint8_t *)b.data, b.len, &t->reply), 0);
	assert_true(t->reply.len >= sizeof(out));
	memcpy(&out, t->reply.data, sizeof(out));
	assert_int_equal(out.len, t->reply.len);
	assert_int_equal(out.unique, t->unique);
	if (out.error)
		assert_int_equal(out.len, sizeof(out));
	return out.error;
}

static inline size_t answer_len(const struct tree *t)
{
	return t->reply.len - sizeof(struct fuse_out_header);
}

static inline const char *answer_data(const struct tree *t)
{
	return t->reply.data + sizeof(struct fuse_out_header);
}

/* The payload as the structure *RET, which it has to be in full. */
#define answer(t, ret)                                           \
	do {                                                     \
		assert_int_equal(answer_len(t), sizeof(*(ret))); \
		memcpy((ret), answer_data(t), sizeof(*(ret)));   \
	} while (0)

/* For requests that get no reply. */
static inline void tell(struct tree *t, uint32_t opcode, uint64_t node, const void *arg, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	request_put(&b, opcode, ++t->unique, node, arg, len);
	buf_clear(&t->reply);
	assert_int_equal(share_request(t->share, (const uint8_t *)b.data, b.len, &t->reply), 0);
	assert_int_equal(t->reply.len, 0);
}

static inline struct fuse_init_out init(struct tree *t, uint32_t minor, uint32_t flags)
{
	struct fuse_init_in in = {
		.major = 7, .minor = minor, .max_readahead = 1 << 20, .flags = flags
	};
	struct fuse_init_out out;

	assert_int_equal(ask(t, FUSE_INIT, 0, &in, sizeof(in)), 0);
	answer(t, &out);
	return out;
}

static inline int lookup(
	struct tree *t, uint64_t parent, const char *name, struct fuse_entry_out *ret)
{
	int r = ask(t, FUSE_LOOKUP, parent, name, strlen(name) + 1);

	if (r == 0)
		answer(t, ret);
	return r;
}

/* The node of a file that is there. */
static inline uint64_t node_of(struct tree *t, uint64_t parent, const char *name)
{
	struct fuse_entry_out e = { 0 };

	assert_int_equal(lookup(t, parent, name, &e), 0);
	assert_int_not_equal(e.nodeid, 0);
	return e.nodeid;
}

static inline int getattr(struct tree *t, uint64_t node, struct fuse_attr *ret)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out out;
	int r = ask(t, FUSE_GETATTR, node, &in, sizeof(in));

	if (r == 0) {
		answer(t, &out);
		*ret = out.attr;
	}
	return r;
}

static inline void forget(struct tree *t, uint64_t node, uint64_t n)
{
	struct fuse_forget_in in = { .nlookup = n };

	tell(t, FUSE_FORGET, node, &in, sizeof(in));
}

static inline int read_at(struct tree *t, uint64_t node, uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = { .offset = offset, .size = size };

	return ask(t, FUSE_READ, node, &in, sizeof(in));
}

static inline char *in_tree(const struct tree *t, const char *name)
{
	return path_join(t->path, name);
}

static inline void put(const struct tree *t, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *path = in_tree(t, name);

	assert_int_equal(file_write_atomic(path, data, len, 0644, NULL), 0);
}

static inline void make_dir(const struct tree *t, const char *name)
{
	_cleanup_free_ char *path = in_tree(t, name);

	assert_int_equal(dir_make(path, 0755, NULL), 0);
}

/* A setup and a teardown: an empty folder, and a share of it that a guest of today has mounted. */
static inline int tree_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct tree *t = xcalloc(1, sizeof(*t));

	t->path = xasprintf("%s/share-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	*state = t;
	if (!mkdtemp(t->path) || share_new(t->path, &t->share, NULL) < 0)
		return -1;
	init(t, 38, UINT32_MAX);
	return 0;
}

static inline int tree_remove(void **state)
{
	struct tree *t = *state;
	int r = dir_remove(t->path, NULL);

	share_free(t->share);
	buf_release(&t->reply);
	free(t->path);
	free(t);
	return r;
}

#define in_a_tree(f) cmocka_unit_test_setup_teardown(f, tree_make, tree_remove)

#endif
