/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "live/private.h"

#define HISTORY_MAX (32 * 1024)
#define PEERS_MAX   32

static unsigned count_peers(const struct live *l)
{
	unsigned n = 0;

	for (const struct peer *p = l->peers; p; p = p->next)
		n++;
	return n;
}

static void on_connect(void *arg, int fd, uint32_t events)
{
	struct live *l = arg;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	/* Without descriptors a waiting connection would wake us for ever; a guest is better off unseen. */
	if (conn < 0 && (errno == EMFILE || errno == ENFILE))
		loop_fd_set(l->source, 0);
	if (conn < 0)
		return;
	if (!live_is_ours(conn) || count_peers(l) >= PEERS_MAX)
		close(conn);
	else
		peer_add(l, conn);
}

/* The first name that is free: several guests live in one process, and pids come again in other namespaces. */
static int publish(int fd, char **ret_id)
{
	static unsigned last;
	_cleanup_free_ char *prefix = live_prefix();

	for (unsigned tries = 0; tries < 1000; tries++) {
		_cleanup_free_ char *id = xasprintf("%d.%u", (int)getpid(), ++last);
		_cleanup_free_ char *name = xasprintf("%s%s", prefix, id);
		struct sockaddr_un a;
		socklen_t len;

		live_address(name, &a, &len);
		if (bind(fd, (struct sockaddr *)&a, len) == 0) {
			*ret_id = TAKE_PTR(id);
			return listen(fd, 16) < 0 ? -errno : 0;
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

static json_t *make_hello(const char *id, const char *name, json_t *info)
{
	_cleanup_buf_ struct buf since = BUF_INIT;
	json_t *j;

	time_format(&since, clock_wall_ns());
	j = json_pack("{s:s, s:o, s:i, s:s, s:o}", "id", id, "name", json_text(name, strlen(name)),
		"pid", (int)getpid(), "since", buf_str(&since), "info", info);
	BUG_ON(!j);
	return j;
}

int live_new(struct loop *loop, const char *name, json_t *info, const struct live_ops *ops,
	struct live **ret, struct err *e)
{
	_cleanup_free_ char *id = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : publish(fd, &id);
	struct live *l;

	if (r < 0) {
		fd_close(fd);
		json_decref(info);
		return err_sys(e, -r, "cannot publish guest %s", name);
	}
	l = xcalloc(1, sizeof(*l));
	l->loop = loop;
	l->ops = *ops;
	l->fd = fd;
	l->hello = make_hello(id, name, info);
	l->source = loop_fd_add(loop, fd, EPOLLIN, on_connect, l);
	*ret = l;
	return 0;
}

void live_rename(struct live *l, const char *name)
{
	json_object_set_new(l->hello, "name", json_text(name, strlen(name)));
}

/* From the beginning of a line on, where there is one. */
static void keep(struct buf *h, const char *data, size_t len)
{
	const char *nl;

	buf_add(h, data, len);
	if (h->len <= 2 * HISTORY_MAX)
		return;
	buf_consume(h, h->len - HISTORY_MAX);
	nl = memchr(h->data, '\n', h->len);
	if (nl)
		buf_consume(h, (size_t)(nl - h->data) + 1);
}

void live_console(struct live *l, const char *data, size_t len)
{
	keep(&l->history, data, len);
	for (struct peer *p = l->peers; p; p = p->next)
		if (p->mode == PEER_CONSOLE)
			peer_console(p, data, len);
}

void live_event(struct live *l, const char *name, const json_t *data)
{
	int64_t now = clock_wall_ns() / 1000;
	_cleanup_json_ json_t *j = NULL;

	if (!l->peers)
		return;
	j = json_pack("{s:s, s:O*, s:{s:I, s:I}}", "event", name, "data", data, "timestamp",
		"seconds", (json_int_t)(now / 1000000), "microseconds",
		(json_int_t)(now % 1000000));
	BUG_ON(!j);
	for (struct peer *p = l->peers; p; p = p->next)
		if (p->mode == PEER_QMP)
			peer_send_json(p, j);
}

void live_end(struct live *l)
{
	while (l->peers)
		peer_free(l->peers);
	loop_fd_remove(l->source);
	l->source = NULL;
	l->fd = fd_close(l->fd);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_end(l);
	while (l->requests) {
		struct request *r = l->requests;

		l->requests = r->next;
		json_decref(r->id);
		free(r);
	}
	buf_release(&l->history);
	json_decref(l->hello);
	free(l);
}
