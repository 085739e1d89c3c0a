/* SPDX-License-Identifier: MIT */
/*
 * A hostile guest. The first byte says whether INIT was done and by what kernel; then come requests:
 * opcode, node, length of the argument (a byte each), argument. The header is made to fit, since a
 * wrong one ends at the first check; an opcode of 255 gives the rest as it is. Whatever comes, a reply
 * is framed, answers that request, and has its bound.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/fd.h"
#include "share/share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPLY_MAX (131072 + sizeof(struct fuse_out_header))

static char *tree; /* owned */

static void tree_remove(void)
{
	dir_remove(tree, NULL);
	free(tree);
}

static void tree_add(const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", tree, name);

	BUG_ON(file_write_atomic(path, text, strlen(text), 0644, NULL) < 0);
}

static void tree_make(void)
{
	_cleanup_free_ char *deep = NULL, *link = NULL, *fifo = NULL, *hard = NULL, *file = NULL;
	const char *tmp = getenv("TMPDIR");
	char name[] = "d/0";

	tree = xasprintf("%s/fuzz-share-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	BUG_ON(!mkdtemp(tree));
	atexit(tree_remove);
	deep = xasprintf("%s/d/e/f", tree);
	BUG_ON(dir_make(deep, 0755, NULL) < 0);
	for (; name[2] < '9'; name[2]++)
		tree_add(name, name);
	tree_add("a", "some text");
	file = xasprintf("%s/a", tree);
	hard = xasprintf("%s/d/e/a", tree);
	link = xasprintf("%s/l", tree);
	fifo = xasprintf("%s/p", tree);
	BUG_ON(linkat(AT_FDCWD, file, AT_FDCWD, hard, 0) < 0 || symlink("/etc", link) < 0 ||
		mkfifo(fifo, 0644) < 0);
}

static void ask(struct share *s, const void *data, size_t len)
{
	_cleanup_buf_ struct buf reply = BUF_INIT;
	/* In memory of its own, so that reading past its end is seen. */
	_cleanup_free_ uint8_t *copy = xmemdup(data, len);
	struct fuse_out_header out;
	struct fuse_in_header in;
	int r = share_request(s, copy, len, &reply);

	BUG_ON(r != 0 && r != -EPROTO);
	BUG_ON(r < 0 && reply.len);
	if (!reply.len)
		return;
	BUG_ON(reply.len < sizeof(out) || reply.len > REPLY_MAX);
	memcpy(&out, reply.data, sizeof(out));
	memcpy(&in, copy, sizeof(in));
	BUG_ON(out.len != reply.len || out.unique != in.unique);
	BUG_ON(out.error > 0 || out.error < -4095 || (out.error && out.len != sizeof(out)));
}

static void ask_for(struct share *s, uint32_t opcode, uint64_t node, const void *arg, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct fuse_in_header in = {
		.len = (uint32_t)(sizeof(in) + len),
		.opcode = opcode,
		.unique = 2,
		.nodeid = node,
	};

	buf_add(&b, &in, sizeof(in));
	buf_add(&b, arg, len);
	ask(s, b.data, b.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuse_init_in init = { .major = 7, .minor = 38, .flags = UINT32_MAX };
	struct share *s;

	if (size == 0)
		return 0;
	if (!tree)
		tree_make();
	BUG_ON(share_new(tree, &s, NULL) < 0);
	init.flags = data[0] & 2 ? UINT32_MAX : 0;
	if (data[0] & 1)
		ask_for(s, FUSE_INIT, 0, &init, sizeof(init));
	data++, size--;
	while (size >= 3 && data[0] != 255) {
		size_t len = data[2] < size - 3 ? data[2] : size - 3;

		ask_for(s, data[0], data[1], data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	if (size)
		ask(s, data + 1, size - 1);
	share_free(s);
	return 0;
}
