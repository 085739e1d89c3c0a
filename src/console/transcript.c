/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "console/console.h"

struct console {
	char *ring; /* owned: byte I of the stream is at I % KEEP */
	size_t keep;
	uint64_t seen;
	int fd; /* owned; -1: none */
	uint64_t file_max, written, unwritten;
	int error;
	struct splats *splats; /* owned */
};

struct console *console_new(size_t keep)
{
	struct console *c = xcalloc(1, sizeof(*c));

	c->ring = xmalloc(keep);
	c->keep = keep;
	c->fd = -1;
	c->splats = splats_new();
	return c;
}

static void keep_error(struct console *c, int r)
{
	if (r < 0 && c->error == 0)
		c->error = r;
}

/* Says in the file what it lacks. */
static void end_file(struct console *c)
{
	_cleanup_buf_ struct buf note = BUF_INIT;

	if (c->fd >= 0 && c->unwritten > 0 && c->error == 0) {
		buf_addf(&note, "\n[vmrig: %llu more bytes not kept, the file's limit is %llu]\n",
			(unsigned long long)c->unwritten, (unsigned long long)c->file_max);
		keep_error(c, fd_write_all(c->fd, note.data, note.len));
	}
	c->fd = fd_close(c->fd);
}

void console_free(struct console *c)
{
	if (!c)
		return;
	end_file(c);
	splats_free(c->splats);
	free(c->ring);
	free(c);
}

void console_log_to(struct console *c, int fd, uint64_t file_max)
{
	end_file(c);
	c->fd = fd;
	c->file_max = file_max;
	c->written = c->unwritten = 0;
}

static void write_file(struct console *c, const char *data, size_t len)
{
	uint64_t room = c->file_max - c->written;
	size_t n = len < room ? len : (size_t)room;
	int r;

	if (c->fd < 0 || c->error < 0)
		return;
	r = n > 0 ? fd_write_all(c->fd, data, n) : 0;
	keep_error(c, r);
	c->written += n;
	c->unwritten += len - n;
}

static void write_ring(struct console *c, const char *data, size_t len)
{
	size_t at, n;

	c->seen += len;
	if (c->keep == 0)
		return;
	if (len > c->keep) {
		data += len - c->keep;
		len = c->keep;
	}
	at = (size_t)((c->seen - len) % c->keep);
	n = len < c->keep - at ? len : c->keep - at;
	memcpy(c->ring + at, data, n);
	memcpy(c->ring, data + n, len - n);
}

void console_feed(struct console *c, const char *data, size_t len)
{
	if (len == 0)
		return;
	write_file(c, data, len);
	write_ring(c, data, len);
	splats_feed(c->splats, data, len);
}

int console_error(const struct console *c)
{
	return c->error;
}

uint64_t console_bytes(const struct console *c)
{
	return c->seen;
}

void console_slice(const struct console *c, uint64_t from, size_t max, struct buf *ret)
{
	_cleanup_buf_ struct buf raw = BUF_INIT;
	uint64_t oldest = c->seen > c->keep ? c->seen - c->keep : 0;
	size_t len, at, n;

	if (from < oldest)
		from = oldest;
	if (from >= c->seen || max == 0)
		return;
	if (c->seen - from > max)
		from = c->seen - max;
	len = (size_t)(c->seen - from);
	at = (size_t)(from % c->keep);
	n = len < c->keep - at ? len : c->keep - at;
	buf_add(&raw, c->ring + at, n);
	buf_add(&raw, c->ring, len - n);
	text_clean(ret, raw.data, raw.len);
}

struct splats *console_splats(struct console *c)
{
	return c->splats;
}
