/* SPDX-License-Identifier: MIT */
/*
 * Content. What is read of a file needs its node and an offset, so the guest's kernel may open files by
 * itself (ENOSYS once, FUSE_NO_OPEN_SUPPORT), and neither memory nor descriptors grow with what it has
 * open. Starting a program opens half a dozen files that the guest mostly has in its cache: without
 * this each of them would be a way to the host and back. The price: on a file that this process
 * may not read, EACCES comes from read(2), where the mode let the guest's open(2) pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "share/ops.h"

int op_open(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH };
	struct fuse_open_in in;
	int fd;

	memcpy(&in, rq->arg, sizeof(in));
	if ((in.flags & O_ACCMODE) != O_RDONLY || in.flags & (O_TRUNC | O_CREAT))
		return -EROFS;
	if (s->flags & FUSE_NO_OPEN_SUPPORT)
		return -ENOSYS;
	fd = nodes_file_fd(&s->nodes, rq->node);
	if (fd < 0)
		return fd;
	buf_add(reply, &out, sizeof(out));
	return 0;
}

int op_release(struct share *s, const struct request *rq, struct buf *reply)
{
	return 0;
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
	fd = nodes_file_fd(&s->nodes, rq->node);
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

int op_lseek(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_lseek_out out;
	struct fuse_lseek_in in;
	off_t at;
	int fd;

	memcpy(&in, rq->arg, sizeof(in));
	if ((in.whence != SEEK_DATA && in.whence != SEEK_HOLE) || in.offset > INT64_MAX)
		return -EINVAL;
	fd = nodes_file_fd(&s->nodes, rq->node);
	if (fd < 0)
		return fd;
	at = lseek(fd, (off_t)in.offset, (int)in.whence);
	if (at < 0)
		return -errno;
	out.offset = (uint64_t)at;
	buf_add(reply, &out, sizeof(out));
	return 0;
}
