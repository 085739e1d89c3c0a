/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "qemu/private.h"

struct qemu_reader {
	int fd; /* owned; -1 once its end was seen */
	struct loop *loop; /* borrowed */
	struct loop_fd *source; /* owned */
	struct loop_timer *rest; /* owned: ends a pause between two reads; NULL: it never pauses */
	int gap_ms; /* length of that pause */
	bool resting;
	struct buf *out; /* borrowed; NULL: nothing was ever sent */
	qemu_reader_data data;
	qemu_reader_eof eof;
	void *arg; /* borrowed */
	bool busy, freed;
};

static void shut(struct qemu_reader *r)
{
	loop_fd_remove(r->source);
	loop_timer_remove(r->rest);
	r->source = NULL;
	r->rest = NULL;
	r->fd = fd_close(r->fd);
}

static void update(struct qemu_reader *r)
{
	uint32_t events = (r->resting ? 0u : (uint32_t)EPOLLIN) |
			  (r->out && r->out->len > 0 ? (uint32_t)EPOLLOUT : 0u);

	if (r->source)
		loop_fd_set(r->source, events);
}

static void on_rested(void *arg)
{
	struct qemu_reader *r = arg;

	r->resting = false;
	update(r);
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
	update(r);
}

static void take(struct qemu_reader *r)
{
	char data[32768];
	ssize_t n = read(r->fd, data, sizeof(data));

	if (n > 0) {
		r->data(r->arg, data, (size_t)n);
		if (r->rest && (size_t)n < sizeof(data)) {
			r->resting = true;
			loop_timer_set(r->rest, clock_ms() + r->gap_ms);
			update(r);
		}
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

	*r = (struct qemu_reader){ .loop = loop, .fd = fd, .data = data, .eof = eof, .arg = arg };
	r->source = loop_fd_add(loop, fd, EPOLLIN, on_ready, r);
	return r;
}

void qemu_reader_pause(struct qemu_reader *r, int gap_ms)
{
	r->gap_ms = gap_ms;
	r->rest = loop_timer_add(r->loop, CLOCK_NEVER, on_rested, r);
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

int qemu_reader_send_fd(struct qemu_reader *r, struct buf *out, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { out->data, out->len };
	struct msghdr m = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	if (r->fd < 0)
		return -EPIPE;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	do
		n = sendmsg(r->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf_consume(out, (size_t)n);
	qemu_reader_send(r, out);
	return 0;
}

bool qemu_reader_done(const struct qemu_reader *r)
{
	return r->fd < 0;
}
