/* SPDX-License-Identifier: MIT */
#include "suite/capture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

int capture_open(struct capture *c, char *path, struct err *e)
{
	c->path = path;
	c->fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, e);
	return c->fd < 0 ? c->fd : 0;
}

void capture_feed(struct capture *c, const char *data, size_t len)
{
	uint64_t room = c->seen < c->max ? c->max - c->seen : 0;

	c->seen += len;
	if (c->fd < 0 || c->error)
		return;
	c->error = fd_write_all(c->fd, data, len < room ? len : room);
}

int capture_close(struct capture *c, struct err *e)
{
	int fd = TAKE_FD(c->fd);

	/* Some file systems tell of a full disk only here. */
	if (fd >= 0 && close(fd) < 0 && !c->error)
		c->error = -errno;
	return c->error ? err_sys(e, -c->error, "cannot write %s", c->path) : 0;
}

void capture_release(struct capture *c)
{
	fd_close(c->fd);
	free(c->path);
	*c = (struct capture)CAPTURE_INIT;
}

void tail_feed(struct buf *tail, const char *data, size_t len)
{
	if (len > TAIL_KEEP) {
		data += len - TAIL_KEEP;
		len = TAIL_KEEP;
	}
	buf_add(tail, data, len);
	if (tail->len > 2 * TAIL_KEEP)
		buf_consume(tail, tail->len - TAIL_KEEP);
}

char *tail_text(const struct buf *tail)
{
	struct buf b = BUF_INIT;
	const char *last;
	size_t len;

	if (!tail->len)
		return NULL;
	last = text_last_lines(tail->data, tail->len, TAIL_LINES, &len);
	text_clean(&b, last, len);
	return buf_detach(&b);
}
