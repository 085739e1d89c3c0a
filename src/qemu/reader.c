/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "qemu/private.h"

struct qemu_reader {
	int fd; /* owned; -1 once its end was seen */
	struct loop_fd *source; /* owned */
	struct buf *out; /* borrowed; NULL: nothing was ever sent */
	qemu_reader_data data;
	qemu_reader_eof eof;
	void *arg; /* borrowed */
	bool busy, freed;
};

static void shut(struct qemu_reader *r)
{
	loop_fd_remove(r->source);
	r->source = NULL;
	r->fd = fd_close(r->fd);
}

static void flush(struct qemu_reader *r)
{
	while (r->out && r->out->len > 0) {
		ssize_t n = send(r->fd, r->out->data, r->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			buf_consume(r->out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			buf_clear(r->out); /* nobody reads it; reading tells the end */
	}
	loop_fd_set(r->source, EPOLLIN | (r->out && r->out->len > 0 ? EPOLLOUT : 0));
}

static void take(struct qemu_reader *r)
{
	char data[32768];
	ssize_t n = read(r->fd, data, sizeof(data));

	if (n > 0) {
		r->data(r->arg, data, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		shut(r);
		r->eof(r->arg);
	}
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct qemu_reader *r = arg;

	r->busy = true;
	if (events & EPOLLOUT)
		flush(r);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take(r);
	r->busy = false;
	if (r->freed)
		free(r);
}

struct qemu_reader *qemu_reader_new(
	struct loop *loop, int fd, qemu_reader_data data, qemu_reader_eof eof, void *arg)
{
	struct qemu_reader *r = xcalloc(1, sizeof(*r));

	*r = (struct qemu_reader){ .fd = fd, .data = data, .eof = eof, .arg = arg };
	r->source = loop_fd_add(loop, fd, EPOLLIN, on_ready, r);
	return r;
}

void qemu_reader_free(struct qemu_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		shut(r);
	r->freed = true;
	if (!r->busy)
		free(r);
}

void qemu_reader_send(struct qemu_reader *r, struct buf *out)
{
	r->out = out;
	if (r->fd >= 0)
		flush(r);
	else
		buf_clear(out);
}

bool qemu_reader_done(const struct qemu_reader *r)
{
	return r->fd < 0;
}
