/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "guest/channel.h"

#define READ_SIZE 262144

struct channel {
	struct loop *loop; /* borrowed */
	struct loop_fd *source; /* owned */
	int fd; /* borrowed */
	struct channel_handlers h;
	struct wire_reader reader;
	struct wire_writer writer;
	struct buf out; /* not yet written */
	bool paused, closed;
	bool busy; /* inside a handler: freeing waits until it returns */
	bool dead;
};

static void update(struct channel *c)
{
	uint32_t events =
		(c->paused ? 0u : (uint32_t)EPOLLIN) | (c->out.len ? (uint32_t)EPOLLOUT : 0u);

	if (c->source)
		loop_fd_set(c->source, events);
}

static void destroy(struct channel *c)
{
	loop_fd_remove(c->source);
	wire_reader_release(&c->reader);
	buf_release(&c->out);
	free(c);
}

static void close_once(struct channel *c, const char *why)
{
	if (c->closed)
		return;
	c->closed = true;
	loop_fd_remove(c->source);
	c->source = NULL;
	if (!c->dead)
		c->h.closed(c->h.arg, why);
}

/* Hands on every whole frame. */
static void deliver(struct channel *c)
{
	struct wire_frame f;
	int r = 0;

	while (!c->dead && !c->closed && (r = wire_reader_next(&c->reader, &f)) > 0)
		c->h.frame(c->h.arg, &f);
	if (r < 0)
		close_once(c, c->reader.broken);
}

/* One read(2). 1: more may come, 0: nothing now, negative: the end. */
static int read_some(struct channel *c)
{
	uint8_t *space = wire_reader_space(&c->reader, READ_SIZE);
	ssize_t n = space ? read(c->fd, space, READ_SIZE) : -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_once(c, NULL);
		return -ECONNRESET;
	}
	wire_reader_added(&c->reader, (size_t)n);
	deliver(c);
	return c->dead || c->closed ? -ECONNRESET : 1;
}

static void flush(struct channel *c)
{
	while (c->out.len && !c->closed) {
		ssize_t n = write(c->fd, c->out.data, c->out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			buf_clear(&c->out); /* the reading side tells of the end */
		if (n <= 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	update(c);
}

static void on_event(void *arg, int fd, uint32_t events)
{
	struct channel *c = arg;

	c->busy = true;
	if (events & EPOLLOUT)
		flush(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->closed)
		read_some(c);
	c->busy = false;
	if (c->dead)
		destroy(c);
}

struct channel *channel_new(struct loop *loop, int fd, const struct channel_handlers *h)
{
	struct channel *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->fd = fd;
	c->h = *h;
	wire_reader_init(&c->reader);
	c->source = loop_fd_add(loop, fd, EPOLLIN, on_event, c);
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	c->dead = true;
	if (!c->busy)
		destroy(c);
}

void channel_send(struct channel *c, uint8_t type, const void *payload, size_t len)
{
	uint8_t header[WIRE_HEADER_SIZE];

	if (c->closed)
		return;
	wire_frame_header(&c->writer, header, type, payload, len);
	buf_add(&c->out, header, sizeof(header));
	buf_add(&c->out, payload, len);
	flush(c);
}

void channel_send_enc(struct channel *c, uint8_t type, const struct wire_enc *e)
{
	BUG_ON(e->overflow);
	channel_send(c, type, e->data, e->len);
}

void channel_skip_first(struct channel *c)
{
	c->reader.seq = 1;
}

void channel_restart(struct channel *c)
{
	channel_set_key(c, 0);
	c->reader.seq = 0;
	c->writer.seq = 0;
}

void channel_set_key(struct channel *c, uint64_t key)
{
	c->reader.key = key;
	c->writer.key = key;
}

void channel_get(const struct channel *c, struct channel_state *ret)
{
	ret->key = c->reader.key;
	ret->in_seq = c->reader.seq;
	ret->out_seq = c->writer.seq;
	buf_add(&ret->in, c->reader.data + c->reader.start, c->reader.len);
}

void channel_set(struct channel *c, const struct channel_state *s)
{
	uint8_t *space = wire_reader_space(&c->reader, s->in.len);

	BUG_ON(!space);
	channel_set_key(c, s->key);
	c->reader.seq = s->in_seq;
	c->writer.seq = s->out_seq;
	if (s->in.len)
		memcpy(space, s->in.data, s->in.len);
	wire_reader_added(&c->reader, s->in.len);
}

void channel_pause(struct channel *c, bool paused)
{
	c->paused = paused;
	update(c);
}

void channel_drain(struct channel *c)
{
	bool outer = c->busy;

	c->busy = true;
	while (!c->closed && !c->dead && read_some(c) > 0)
		;
	c->busy = outer;
	if (c->dead && !outer)
		destroy(c);
}

size_t channel_pending(const struct channel *c)
{
	return c->out.len;
}
