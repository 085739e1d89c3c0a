/* SPDX-License-Identifier: MIT */
/*
 * A request's way: the header is checked against the bytes that came, the opcode is looked up in a
 * table that says how long its arguments are at least, the node is found; only then its handler
 * (ops_*.c) sees it. Handlers reach the host through nodes alone (node.h).
 */
#include "share/share.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "share/ops.h"

enum {
	OP_NO_NODE = 1, /* the header's node means nothing, or need not be known */
	OP_NO_REPLY = 2,
};

struct op {
	op_fn fn; /* NULL: answered with `error` */
	size_t arg; /* least length behind the header */
	int flags;
	int error;
};

#define WRITES                                       \
	{                                            \
		.flags = OP_NO_NODE, .error = -EROFS \
	}

/* What is not here is answered with ENOSYS: after that, kernels do without (FLUSH, FSYNC, GETXATTR,
 * LISTXATTR, POLL, STATX, …) and do not ask again. */
static const struct op ops[] = {
	[FUSE_LOOKUP] = { op_lookup, 1 },
	[FUSE_FORGET] = { op_forget, sizeof(struct fuse_forget_in), OP_NO_NODE | OP_NO_REPLY },
	[FUSE_GETATTR] = { op_getattr },
	[FUSE_SETATTR] = WRITES,
	[FUSE_READLINK] = { op_readlink },
	[FUSE_SYMLINK] = WRITES,
	[FUSE_MKNOD] = WRITES,
	[FUSE_MKDIR] = WRITES,
	[FUSE_UNLINK] = WRITES,
	[FUSE_RMDIR] = WRITES,
	[FUSE_RENAME] = WRITES,
	[FUSE_LINK] = WRITES,
	[FUSE_OPEN] = { op_open, sizeof(struct fuse_open_in) },
	[FUSE_READ] = { op_read, sizeof(struct fuse_read_in) },
	[FUSE_WRITE] = WRITES,
	[FUSE_STATFS] = { op_statfs },
	[FUSE_RELEASE] = { op_release },
	[FUSE_SETXATTR] = WRITES,
	[FUSE_REMOVEXATTR] = WRITES,
	[FUSE_INIT] = { op_init, offsetof(struct fuse_init_in, flags2), OP_NO_NODE },
	[FUSE_OPENDIR] = { op_opendir, sizeof(struct fuse_open_in) },
	[FUSE_READDIR] = { op_readdir, sizeof(struct fuse_read_in) },
	[FUSE_RELEASEDIR] = { op_release },
	[FUSE_ACCESS] = { op_access, sizeof(struct fuse_access_in) },
	[FUSE_CREATE] = WRITES,
	/* Requests are answered in order, so what it wants to interrupt was answered before it. */
	[FUSE_INTERRUPT] = { .flags = OP_NO_NODE | OP_NO_REPLY },
	[FUSE_DESTROY] = { op_destroy, 0, OP_NO_NODE },
	[FUSE_IOCTL] = { .flags = OP_NO_NODE, .error = -ENOTTY },
	[FUSE_NOTIFY_REPLY] = { .flags = OP_NO_NODE | OP_NO_REPLY },
	[FUSE_BATCH_FORGET] = { op_batch_forget, sizeof(struct fuse_batch_forget_in),
		OP_NO_NODE | OP_NO_REPLY },
	[FUSE_FALLOCATE] = WRITES,
	[FUSE_READDIRPLUS] = { op_readdirplus, sizeof(struct fuse_read_in) },
	[FUSE_RENAME2] = WRITES,
	[FUSE_LSEEK] = { op_lseek, sizeof(struct fuse_lseek_in) },
	[FUSE_COPY_FILE_RANGE] = WRITES,
	[FUSE_TMPFILE] = WRITES,
};

static const struct op op_unknown = { .flags = OP_NO_NODE, .error = -ENOSYS };

int share_new(const char *root, struct share **ret, struct err *e)
{
	struct share *s;
	int fd, r;

	fd = file_open(root, O_PATH | O_DIRECTORY, e);
	if (fd < 0)
		return err_wrap(e, "cannot share %s with the guest", root);
	s = xcalloc(1, sizeof(*s));
	r = nodes_init(&s->nodes, fd);
	if (r < 0) {
		free(s);
		return err_sys(e, -r, "cannot share %s with the guest", root);
	}
	listings_init(s);
	*ret = s;
	return 0;
}

void share_free(struct share *s)
{
	if (!s)
		return;
	listings_close(s);
	nodes_release(&s->nodes);
	free(s);
}

static int serve(struct share *s, const struct op *op, struct request *rq, struct buf *reply)
{
	if (!s->ready && op->fn != op_init)
		return -EIO;
	if (!op->fn)
		return op->error;
	if (rq->len < op->arg)
		return -EINVAL;
	if (!(op->flags & OP_NO_NODE)) {
		rq->node = nodes_find(&s->nodes, rq->head.nodeid);
		if (!rq->node)
			return -ESTALE;
	}
	return op->fn(s, rq, reply);
}

int share_request(struct share *s, const uint8_t *data, size_t len, struct buf *reply)
{
	struct request rq = { .arg = data + sizeof(rq.head) };
	struct fuse_out_header out = { 0 };
	const struct op *op = &op_unknown;
	size_t at = reply->len;

	if (len < sizeof(rq.head))
		return -EPROTO;
	memcpy(&rq.head, data, sizeof(rq.head));
	if (rq.head.len != len)
		return -EPROTO;
	rq.len = len - sizeof(rq.head);
	if (rq.head.opcode < ARRAY_SIZE(ops) &&
		(ops[rq.head.opcode].fn || ops[rq.head.opcode].flags))
		op = &ops[rq.head.opcode];
	if (op->flags & OP_NO_REPLY) {
		serve(s, op, &rq, reply);
		return 0;
	}
	/* The guest's kernel would take a reply to request 0 for a notification. */
	if (!rq.head.unique)
		return -EPROTO;

	buf_add(reply, &out, sizeof(out));
	out.unique = rq.head.unique;
	out.error = serve(s, op, &rq, reply);
	if (out.error)
		buf_truncate(reply, at + sizeof(out));
	out.len = (uint32_t)(reply->len - at);
	memcpy(reply->data + at, &out, sizeof(out));
	return 0;
}
