/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define CREDIT_STEP (WIRE_STDIN_WINDOW / 4) /* told at once; less is told when the ring is empty */

void stdin_open(struct stdin_pipe *s, int fd)
{
	s->fd = fd;
	s->ended = false;
	s->start = s->len = 0;
	s->owed = 0;
}

void stdin_close(struct stdin_pipe *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->owed += (uint32_t)s->len;
	s->len = 0;
}

int stdin_put(struct stdin_pipe *s, const uint8_t *data, size_t len)
{
	size_t end = (s->start + s->len) % sizeof(s->ring), first = sizeof(s->ring) - end;

	if (len == 0) {
		s->ended = true;
		return 0;
	}
	if (len + s->owed > sizeof(s->ring) - s->len)
		return -ENOBUFS;
	if (s->fd < 0 || s->ended) {
		s->owed += (uint32_t)len;
		return 0;
	}
	if (first > len)
		first = len;
	memcpy(s->ring + end, data, first);
	memcpy(s->ring, data + first, len - first);
	s->len += len;
	return 0;
}

static void write_ring(struct stdin_pipe *s)
{
	while (s->len > 0) {
		size_t first = sizeof(s->ring) - s->start;
		struct iovec parts[2];
		ssize_t n;

		if (first > s->len)
			first = s->len;
		parts[0] = (struct iovec){ s->ring + s->start, first };
		parts[1] = (struct iovec){ s->ring, s->len - first };
		n = writev(s->fd, parts, 2);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* EPIPE: the command wants no more */
			stdin_close(s);
			return;
		}
		s->start = (s->start + (size_t)n) % sizeof(s->ring);
		s->len -= (size_t)n;
		s->owed += (uint32_t)n;
	}
}

void stdin_step(struct stdin_pipe *s, uint32_t id)
{
	struct wire_enc e;

	if (s->fd >= 0)
		write_ring(s);
	if (s->ended && s->len == 0)
		stdin_close(s);
	if (s->owed < CREDIT_STEP && (s->owed == 0 || s->len > 0))
		return;
	e = channel_message();
	enc_u32(&e, id);
	enc_u32(&e, s->owed);
	channel_send_message(WIRE_CREDIT, &e);
	s->owed = 0;
}
