/* SPDX-License-Identifier: MIT */
/* One who looks at a guest: its socket, what waits for it, what it says. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "live/private.h"

#define CONSOLE_OUT_MAX (256 * 1024) /* waiting for a slow reader of a console */
#define QMP_OUT_MAX     (16 * 1024 * 1024) /* for one of QMP, who is hung up on */
#define INPUT_MAX       (16 * 1024) /* waiting for a guest that does not read */
#define REST_MS         50

static void update(struct peer *p)
{
	uint32_t events = p->resting ? 0u : (uint32_t)EPOLLIN;

	if (p->out.len > 0)
		events |= (uint32_t)EPOLLOUT;
	loop_fd_set(p->source, events);
}

/* Sends what the socket takes; negative: nobody is there any more. */
static int flush(struct peer *p)
{
	while (p->out.len > 0) {
		ssize_t n = send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			buf_consume(&p->out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void tell_skipped(struct peer *p)
{
	if (p->skipped && p->out.len == 0) {
		buf_addf(&p->out, "\r\n[vmrig: %llu bytes skipped, this reader is too slow]\r\n",
			(unsigned long long)p->skipped);
		p->skipped = 0;
		flush(p);
	}
}

/* Errors are met again by reading, which frees the peer; here somebody may stand in a list of them. */
void peer_console(struct peer *p, const char *data, size_t len)
{
	size_t room = CONSOLE_OUT_MAX - p->out.len;
	size_t n = p->skipped ? 0 : len < room ? len : room;

	buf_add(&p->out, data, n);
	p->skipped += len - n;
	flush(p);
	tell_skipped(p);
	update(p);
}

void peer_send_json(struct peer *p, const json_t *j)
{
	if (p->out.len > QMP_OUT_MAX) {
		shutdown(p->fd, SHUT_RDWR);
		return;
	}
	json_line(&p->out, j);
	if (p->out.data[p->out.len - 1] != '\n')
		buf_addc(&p->out, '\n');
	flush(p);
	update(p);
}

static void on_rested(void *arg)
{
	struct peer *p = arg;

	p->resting = p->live->ops.unsent(p->live->ops.arg) > INPUT_MAX;
	if (p->resting)
		loop_timer_set(p->rest, clock_ms() + REST_MS);
	update(p);
}

static void type(struct peer *p)
{
	const struct live_ops *ops = &p->live->ops;

	if (p->writes)
		ops->write(ops->arg, p->in.data, p->in.len);
	buf_clear(&p->in);
	if (ops->unsent(ops->arg) <= INPUT_MAX)
		return;
	p->resting = true;
	loop_timer_set(p->rest, clock_ms() + REST_MS);
	update(p);
}

static int take(struct peer *p)
{
	ssize_t n = buf_read(&p->in, p->fd, 16384);
	size_t from = 0;

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return -EPIPE;
	while (p->mode != PEER_CONSOLE) {
		char *nl = memchr(buf_str(&p->in) + from, '\n', p->in.len - from);
		size_t len = nl ? (size_t)(nl - (p->in.data + from)) : 0;

		if (!nl)
			break;
		if (session_line(p, p->in.data + from, len) < 0)
			return -EPROTO;
		from += len + 1;
	}
	buf_consume(&p->in, from);
	if (p->mode == PEER_CONSOLE && p->in.len)
		type(p);
	return p->in.len > LIVE_LINE_MAX ? -EMSGSIZE : 0;
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct peer *p = arg;
	int r = 0;

	if (events & EPOLLOUT) {
		r = flush(p);
		tell_skipped(p);
		update(p);
	}
	if (r == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		r = take(p);
	if (r < 0)
		peer_free(p);
}

void peer_add(struct live *l, int fd)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->live = l;
	p->fd = fd;
	p->next = l->peers;
	l->peers = p;
	p->source = loop_fd_add(l->loop, fd, EPOLLIN, on_ready, p);
	p->rest = loop_timer_add(l->loop, CLOCK_NEVER, on_rested, p);
	peer_send_json(p, l->hello);
}

void peer_free(struct peer *p)
{
	struct live *l = p->live;

	session_forget(p);
	flush(p);
	for (struct peer **q = &l->peers; *q; q = &(*q)->next)
		if (*q == p) {
			*q = p->next;
			break;
		}
	/* There are descriptors again. */
	loop_fd_set(l->source, EPOLLIN);
	loop_fd_remove(p->source);
	loop_timer_remove(p->rest);
	fd_close(p->fd);
	buf_release(&p->in);
	buf_release(&p->out);
	free(p);
}
