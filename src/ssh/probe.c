/* SPDX-License-Identifier: MIT */
/*
 * A connection of our own that waits for the first bytes of a server, "SSH-" (RFC 4253, 4.2). It costs the guest less than
 * a try to log in, and unlike one it can be left waiting: the engine accepts for a guest that is not there yet, and
 * the answer comes, or the connection is closed, at the moment when there is something to know.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "ssh/private.h"

/* The engine asks a guest whose network is down for some time, and then never again. */
#define PATIENCE_MS 10000
#define HEAD_MAX    256

struct ssh_probe {
	int fd; /* owned */
	struct loop_fd *source; /* owned; NULL: none */
	struct loop_timer *timer; /* owned: gives up, or tells what is known already */
	struct buf head;
	char *why; /* owned: told by the timer; NULL: it waits for bytes */
	ssh_probe_cb cb;
	void *arg;
};

/* The caller may free the probe there. */
static void tell(struct ssh_probe *p, const char *why)
{
	loop_fd_remove(p->source);
	p->source = NULL;
	loop_timer_set(p->timer, CLOCK_NEVER);
	p->cb(p->arg, why);
}

static void on_timer(void *arg)
{
	struct ssh_probe *p = arg;

	tell(p, p->why ? p->why : "the guest does not answer");
}

static void judge(struct ssh_probe *p)
{
	_cleanup_buf_ struct buf shown = BUF_INIT;
	_cleanup_free_ char *why = NULL;
	size_t n = p->head.len < 4 ? p->head.len : 4;

	if (memcmp(p->head.data, "SSH-", n) == 0) {
		if (n == 4)
			tell(p, NULL);
		return;
	}
	text_clean(&shown, p->head.data, p->head.len < 40 ? p->head.len : 40);
	buf_truncate(&shown, strcspn(buf_str(&shown), "\n"));
	why = xasprintf("what answers is no SSH: '%s'", buf_str(&shown));
	tell(p, why);
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct ssh_probe *p = arg;
	ssize_t n = buf_read(&p->head, fd, HEAD_MAX);

	if (n == -EAGAIN)
		return;
	if (n > 0)
		judge(p);
	else
		tell(p, n == 0 || n == -ECONNRESET
				? "the guest closed the connection: nothing listens there yet"
				: strerror((int)-n));
}

static int begin(struct ssh_probe *p, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return -errno;
	return connect(p->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS
		       ? -errno
		       : 0;
}

struct ssh_probe *ssh_probe_start(struct loop *loop, uint16_t port, ssh_probe_cb cb, void *arg)
{
	struct ssh_probe *p = xcalloc(1, sizeof(*p));
	int r = begin(p, port);

	p->cb = cb;
	p->arg = arg;
	if (r < 0)
		p->why = xstrdup(strerror(-r));
	else
		p->source = loop_fd_add(loop, p->fd, EPOLLIN, on_ready, p);
	p->timer = loop_timer_add(loop, r < 0 ? 0 : clock_ms() + PATIENCE_MS, on_timer, p);
	return p;
}

void ssh_probe_free(struct ssh_probe *p)
{
	if (!p)
		return;
	loop_fd_remove(p->source);
	loop_timer_remove(p->timer);
	fd_close(p->fd);
	buf_release(&p->head);
	free(p->why);
	free(p);
}
