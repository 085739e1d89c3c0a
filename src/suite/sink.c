/* SPDX-License-Identifier: MIT */
#include "suite/sink.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

/* A pipe that polls writable takes this much without blocking (pipe(7), PIPE_BUF). */
#define SAFE_SIZE 4096

struct sink {
	struct loop_fd *source; /* owned */
	int fd; /* borrowed */
	struct buf pending;
	size_t start; /* bytes of `pending` that are written already */
	int error;
	bool plain_write; /* the descriptor does not know RWF_NOWAIT */
	void (*changed)(void *arg);
	void *arg;
};

/* The descriptor may be shared with others, so O_NONBLOCK is not ours to set: RWF_NOWAIT asks for the same
 * for one call; where it is not known (terminals, some files), small writes after a poll do. */
static ssize_t write_some(struct sink *s)
{
	struct iovec v = { s->pending.data + s->start, s->pending.len - s->start };
	ssize_t n;

	if (!s->plain_write) {
		n = pwritev2(s->fd, &v, 1, -1, RWF_NOWAIT);
		if (n >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS))
			return n;
		s->plain_write = true;
	}
	if (v.iov_len > SAFE_SIZE)
		v.iov_len = SAFE_SIZE;
	return writev(s->fd, &v, 1);
}

static void flush(struct sink *s)
{
	ssize_t n = write_some(s);

	if (n < 0 && errno == EAGAIN && !s->plain_write) {
		/* A regular file may need to wait for its disk, and says so for ever. */
		s->plain_write = lseek(s->fd, 0, SEEK_CUR) >= 0;
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		s->error = -errno;
		s->start = s->pending.len;
	} else {
		s->start += (size_t)n;
	}
	if (s->start == s->pending.len) {
		buf_clear(&s->pending);
		s->start = 0;
	}
}

static void on_writable(void *arg, int fd, uint32_t events)
{
	struct sink *s = arg;

	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLOUT)) {
		s->error = -EPIPE;
		buf_clear(&s->pending);
		s->start = 0;
	} else if (s->pending.len) {
		flush(s);
	}
	if (!s->pending.len)
		loop_fd_set(s->source, 0);
	s->changed(s->arg);
}

struct sink *sink_new(struct loop *loop, int fd, void (*changed)(void *arg), void *arg)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->changed = changed;
	s->arg = arg;
	s->source = loop_fd_add(loop, fd, 0, on_writable, s);
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	loop_fd_remove(s->source);
	buf_release(&s->pending);
	free(s);
}

void sink_write(struct sink *s, const char *data, size_t len)
{
	if (s->error)
		return;
	if (s->start > SINK_HIGH) {
		buf_consume(&s->pending, s->start);
		s->start = 0;
	}
	if (!s->pending.len)
		loop_fd_set(s->source, EPOLLOUT);
	buf_add(&s->pending, data, len);
}

size_t sink_pending(const struct sink *s)
{
	return s->pending.len - s->start;
}

int sink_error(const struct sink *s)
{
	return s->error;
}
