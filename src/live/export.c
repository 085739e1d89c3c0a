/* SPDX-License-Identifier: MIT */
/* A guest's console for others on this machine: each who connects gets a console of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "live/private.h"
#include "live/telnet.h"

#define PENDING_MAX (256 * 1024) /* bytes waiting for one side; then the other one is not read */

struct side {
	int fd; /* owned */
	struct loop_fd *source; /* owned */
	struct buf out;
};

struct export;

struct client {
	struct export *x; /* borrowed */
	struct side user, guest;
	struct telnet telnet;
	struct client *next;
};

struct export
{
	const struct live_export *o;
	char *id; /* owned: the guest's name, as first found */
	struct loop *loop; /* owned */
	int listener, watch; /* owned: WATCH tells of the guest's end */
	struct client *clients; /* owned */
	int signal;
};

static json_t *question(bool read_only, bool history)
{
	return json_pack(
		"{s:s, s:b, s:b}", "open", "console", "write", !read_only, "history", history);
}

/* ---- one client ---- */

static void side_release(struct side *s)
{
	loop_fd_remove(s->source);
	s->fd = fd_close(s->fd);
	buf_release(&s->out);
}

static void client_free(struct client *c)
{
	for (struct client **q = &c->x->clients; *q; q = &(*q)->next)
		if (*q == c) {
			*q = c->next;
			break;
		}
	side_release(&c->user);
	side_release(&c->guest);
	free(c);
}

static void update(struct side *s, const struct side *other)
{
	uint32_t events = other->out.len < PENDING_MAX ? (uint32_t)EPOLLIN : 0u;

	loop_fd_set(s->source, events | (s->out.len ? (uint32_t)EPOLLOUT : 0u));
}

static int flush(struct side *s)
{
	ssize_t n =
		s->out.len ? send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_consume(&s->out, (size_t)n);
	return 0;
}

static int move(struct client *c, struct side *from, struct side *to)
{
	char data[16384];
	ssize_t n = recv(from->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if (!c->x->o->telnet)
		buf_add(&to->out, data, (size_t)n);
	else if (from == &c->user)
		telnet_decode(&c->telnet, data, (size_t)n, &to->out);
	else
		telnet_encode(data, (size_t)n, &to->out);
	return flush(to);
}

static void on_side(struct client *c, struct side *s, struct side *other, uint32_t events)
{
	int r = events & EPOLLOUT ? flush(s) : 0;

	if (r == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		r = move(c, s, other);
	if (r < 0) {
		flush(&c->user);
		client_free(c);
		return;
	}
	update(s, other);
	update(other, s);
}

static void on_user(void *arg, int fd, uint32_t events)
{
	struct client *c = arg;

	on_side(c, &c->user, &c->guest, events);
}

static void on_guest(void *arg, int fd, uint32_t events)
{
	struct client *c = arg;

	on_side(c, &c->guest, &c->user, events);
}

static void on_connect(void *arg, int fd, uint32_t events)
{
	struct export *x = arg;
	_cleanup_close_ int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	int guest = conn < 0 ? -1 : live_open(x->id, question(x->o->read_only, true), NULL, NULL);
	struct client *c;

	if (guest < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->x = x;
	c->next = x->clients;
	x->clients = c;
	c->user.fd = TAKE_FD(conn);
	c->guest.fd = guest;
	c->user.source = loop_fd_add(x->loop, c->user.fd, EPOLLIN, on_user, c);
	c->guest.source = loop_fd_add(x->loop, guest, EPOLLIN, on_guest, c);
	if (x->o->telnet)
		telnet_hello(&c->user.out);
	update(&c->user, &c->guest);
}

/* ---- the whole ---- */

static void on_watch(void *arg, int fd, uint32_t events)
{
	struct export *x = arg;
	char data[16384];
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		loop_stop(x->loop);
}

static void on_signal(void *arg, int signo)
{
	struct export *x = arg;

	x->signal = signo;
	loop_stop(x->loop);
}

static int listen_telnet(const struct live_export *o, uint16_t *ret_port, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(o->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		int r = err_sys(e, errno, "cannot listen on port %u of 127.0.0.1", o->port);

		return o->port ? err_hint(e, "Without a port a free one is taken, and told.") : r;
	}
	*ret_port = ntohs(a.sin_port);
	return TAKE_FD(fd);
}

/* Nobody else may connect, not even between bind(2) and chmod(2). */
static int listen_path(const char *path, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, -ENAMETOOLONG,
			"cannot listen on %s: a socket's path has at most %zu bytes", path,
			sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path));
	mask = umask(0177);
	r = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0 ? -errno
											   : 0;
	umask(mask);
	if (r == -EADDRINUSE) {
		err_set(e, r, "cannot listen on %s: it is there already", path);
		return err_hint(e, "If nobody uses it any more, remove it.");
	}
	return r < 0 ? err_sys(e, -r, "cannot listen on %s", path) : TAKE_FD(fd);
}

static int start(struct export *x, struct err *e)
{
	const struct live_export *o = x->o;
	uint16_t port = 0;

	x->watch = live_open(o->which, question(true, false), &x->id, e);
	if (x->watch < 0)
		return x->watch;
	x->listener = o->telnet ? listen_telnet(o, &port, e) : listen_path(o->path, e);
	if (x->listener < 0)
		return x->listener;
	if (o->telnet)
		printf("telnet 127.0.0.1 %u\n", port);
	else
		printf("%s\n", o->path);
	return fflush(stdout) == 0 ? 0 : err_sys(e, errno, "cannot write to standard output");
}

static void run(struct export *x)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct loop_fd *watch, *listener;

	signal(SIGPIPE, SIG_IGN);
	x->loop = loop_new();
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		loop_signal_add(x->loop, signals[i], on_signal, x);
	watch = loop_fd_add(x->loop, x->watch, EPOLLIN, on_watch, x);
	listener = loop_fd_add(x->loop, x->listener, EPOLLIN, on_connect, x);
	loop_run(x->loop);
	while (x->clients) {
		/* What the guest said last. */
		move(x->clients, &x->clients->guest, &x->clients->user);
		client_free(x->clients);
	}
	loop_fd_remove(watch);
	loop_fd_remove(listener);
	loop_free(x->loop);
}

int live_export(const struct live_export *o, struct err *e)
{
	struct export x = { .o = o, .listener = -1, .watch = -1 };
	int r = start(&x, e);

	if (r == 0) {
		run(&x);
		if (!o->telnet)
			unlink(o->path);
	}
	fd_close(x.listener);
	fd_close(x.watch);
	free(x.id);
	return r;
}
