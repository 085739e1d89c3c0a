/* SPDX-License-Identifier: MIT */
/*
 * Open files. The guest's handle is the node itself: what is read of it needs an offset and nothing
 * else, so an open file costs a count here, however many the guest has (each program that maps a
 * library has it open), and all share one descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "share/ops.h"

int op_open(struct share *s, const struct request *rq, struct buf *reply)
{
	/* No FLUSH for files that cannot be written; old kernels learn it from the first one. */
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH };
	struct fuse_open_in in;
	int fd;

	memcpy(&in, rq->arg, sizeof(in));
	if ((in.flags & O_ACCMODE) != O_RDONLY || in.flags & (O_TRUNC | O_CREAT))
		return -EROFS;
	fd = nodes_file_fd(&s->nodes, rq->node);
	if (fd < 0)
		return fd;
	rq->node->opens++;
	buf_add(reply, &out, sizeof(out));
	return 0;
}

/* The descriptor of a file that the guest has open. */
static int opened_fd(struct share *s, const struct request *rq)
{
	return rq->node->opens ? nodes_file_fd(&s->nodes, rq->node) : -EBADF;
}

int op_read(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_read_in in;
	size_t done = 0;
	ssize_t n;
	int fd;

	memcpy(&in, rq->arg, sizeof(in));
	/* A short answer would mean end of file, so a size that does not fit is refused. */
	if (in.size > SHARE_READ_MAX || in.offset > INT64_MAX - SHARE_READ_MAX)
		return -EINVAL;
	fd = opened_fd(s, rq);
	if (fd < 0)
		return fd;
	buf_reserve(reply, in.size);
	while (done < in.size) {
		n = pread(fd, reply->data + reply->len, in.size - done, (off_t)(in.offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
		reply->len += (size_t)n;
		reply->data[reply->len] = '\0';
	}
	return 0;
}

int op_release(struct share *s, const struct request *rq, struct buf *reply)
{
	if (!S_ISREG(rq->node->type) || !rq->node->opens)
		return -EBADF;
	if (--rq->node->opens == 0)
		slots_close(&s->nodes.slots, &rq->node->slot);
	return 0;
}

int op_lseek(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_lseek_out out;
	struct fuse_lseek_in in;
	off_t at;
	int fd;

	memcpy(&in, rq->arg, sizeof(in));
	if ((in.whence != SEEK_DATA && in.whence != SEEK_HOLE) || in.offset > INT64_MAX)
		return -EINVAL;
	fd = opened_fd(s, rq);
	if (fd < 0)
		return fd;
	at = lseek(fd, (off_t)in.offset, (int)in.whence);
	if (at < 0)
		return -errno;
	out.offset = (uint64_t)at;
	buf_add(reply, &out, sizeof(out));
	return 0;
}
