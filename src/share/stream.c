/* SPDX-License-Identifier: MIT */
/*
 * Requests have no frame but their own length, so the stream is cut by it. While too many replies wait
 * to be taken, requests wait unanswered, and nothing is read while one waits: the memory held is
 * bounded by REPLIES_MAX, one request and one read.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "share/ops.h"
#include "share/share.h"

#define REPLIES_MAX (4 * 1024 * 1024)
#define REPLY_MAX   (SHARE_READ_MAX + sizeof(struct fuse_out_header))
#define REQUEST_MAX (256 * 1024) /* the longest are BATCH_FORGETs, as long as the relay's buffer */
#define READ_SIZE   (64 * 1024)

struct share_stream {
	struct share *share; /* borrowed */
	int fd; /* borrowed */
	bool no_socket; /* send(2) does not work on it */
	struct loop_fd *source; /* owned */
	bool held;
	struct buf in; /* starts with a request */
	struct buf out; /* replies; of them `sent` bytes were taken */
	size_t sent;
	void (*ended)(void *arg, const char *why);
	void *arg;
};

static size_t pending(const struct share_stream *st)
{
	return st->out.len - st->sent;
}

static bool has_room(const struct share_stream *st)
{
	return pending(st) + REPLY_MAX <= REPLIES_MAX;
}

/* The length of the whole request at AT of the input; 0 when more bytes are needed; -EPROTO. */
static ssize_t whole_request(const struct share_stream *st, size_t at)
{
	uint32_t len;

	if (st->in.len - at < sizeof(len))
		return 0;
	memcpy(&len, st->in.data + at, sizeof(len));
	if (len < sizeof(struct fuse_in_header) || len > REQUEST_MAX)
		return -EPROTO;
	return st->in.len - at >= len ? (ssize_t)len : 0;
}

static bool may_read(const struct share_stream *st)
{
	return !st->held && has_room(st) && whole_request(st, 0) == 0;
}

/* Each of these gives NULL, or why the stream is broken. */
static const char *answer(struct share_stream *st)
{
	const char *why = NULL;
	size_t at = 0;
	ssize_t len = 0;

	while (!st->held && has_room(st) && (len = whole_request(st, at)) > 0) {
		if (share_request(st->share, (const uint8_t *)st->in.data + at, (size_t)len,
			    &st->out) < 0) {
			len = -EPROTO;
			break;
		}
		at += (size_t)len;
	}
	if (len < 0)
		why = "the guest sent what is no FUSE request";
	if (at)
		buf_consume(&st->in, at);
	return why;
}

/* The machine is gone, or the agent: nothing of ours failed. */
static const char closed[] = "closed";

static const char *stream_error(int errnum)
{
	return errnum == EPIPE || errnum == ECONNRESET ? closed : strerror(errnum);
}

static const char *take_in(struct share_stream *st)
{
	ssize_t n = buf_read(&st->in, st->fd, READ_SIZE);

	if (n == 0)
		return closed;
	if (n < 0 && n != -EAGAIN && n != -EINTR)
		return stream_error((int)-n);
	return NULL;
}

static ssize_t send_some(struct share_stream *st)
{
	ssize_t n = -1;

	if (!st->no_socket) {
		n = send(st->fd, st->out.data + st->sent, pending(st), MSG_NOSIGNAL);
		st->no_socket = n < 0 && errno == ENOTSOCK;
	}
	if (st->no_socket)
		n = write(st->fd, st->out.data + st->sent, pending(st));
	return n;
}

static const char *hand_out(struct share_stream *st)
{
	while (pending(st)) {
		ssize_t n = send_some(st);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return stream_error(errno);
		st->sent += (size_t)n;
	}
	if (!pending(st) || st->sent >= REPLIES_MAX / 2) {
		buf_consume(&st->out, st->sent);
		st->sent = 0;
	}
	return NULL;
}

static void stream_event(void *arg, int fd, uint32_t events)
{
	struct share_stream *st = arg;
	const char *why = hand_out(st);

	if (!why && may_read(st) && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		why = take_in(st);
	if (!why)
		why = answer(st);
	if (!why)
		why = hand_out(st);
	if (why) {
		loop_fd_set(st->source, 0);
		st->ended(st->arg, why == closed ? NULL : why); /* may free the stream */
		return;
	}
	/* Requests left over for want of room are answered when the loop comes round again. */
	events = may_read(st) ? EPOLLIN : st->held ? 0 : EPOLLOUT;
	if (pending(st))
		events |= EPOLLOUT;
	loop_fd_set(st->source, events);
}

struct share_stream *share_stream_new(struct loop *loop, struct share *s, int fd,
	void (*ended)(void *arg, const char *why), void *arg)
{
	struct share_stream *st = xcalloc(1, sizeof(*st));

	*st = (struct share_stream){ .share = s, .fd = fd, .ended = ended, .arg = arg };
	st->source = loop_fd_add(loop, fd, EPOLLIN, stream_event, st);
	return st;
}

void share_stream_hold(struct share_stream *st, bool held)
{
	st->held = held;
	loop_fd_set(st->source, held && !pending(st) ? 0 : EPOLLIN | EPOLLOUT);
}

bool share_stream_idle(const struct share_stream *st)
{
	return !pending(st);
}

void share_stream_take(struct share_stream *st, struct buf *in)
{
	while (buf_read(&st->in, st->fd, READ_SIZE) > 0)
		;
	buf_add(in, st->in.data, st->in.len);
}

void share_stream_begin(struct share_stream *st, const char *in, size_t len)
{
	buf_add(&st->in, in, len);
	loop_fd_set(st->source, EPOLLIN | EPOLLOUT);
}

void share_stream_free(struct share_stream *st)
{
	if (!st)
		return;
	loop_fd_remove(st->source);
	buf_release(&st->in);
	buf_release(&st->out);
	free(st);
}
