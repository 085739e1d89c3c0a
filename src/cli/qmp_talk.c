/* SPDX-License-Identifier: MIT */
#include "cli/qmp_talk.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/text.h"
#include "qmp/qmp.h"

struct qmp_talk {
	int fd; /* owned */
	struct loop *loop; /* owned */
	struct loop_fd *source; /* owned */
	struct qmp *qmp; /* owned */
	bool answered;
	json_t *answer; /* owned */
	struct err error;
};

static void update(struct qmp_talk *t)
{
	struct buf *out = qmp_output(t->qmp);

	loop_fd_set(t->source, (uint32_t)EPOLLIN | (out->len ? (uint32_t)EPOLLOUT : 0u));
}

static void on_socket(void *arg, int fd, uint32_t events)
{
	struct qmp_talk *t = arg;
	struct buf *out = qmp_output(t->qmp);
	char data[65536];
	ssize_t n;

	if (out->len) {
		n = send(fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(out, (size_t)n);
	}
	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n > 0)
		qmp_feed(t->qmp, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		qmp_end(t->qmp, "the guest has ended");
	update(t);
}

static void on_event(void *arg, const char *name, const json_t *data)
{
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qmp_talk *t = arg;

	t->answered = true;
	t->answer = json_incref(ret);
	if (error && error->class)
		err_set(&t->error, -EREMOTEIO, "%s: %s", error->class, error->desc);
	else if (error)
		err_set(&t->error, -EPIPE, "%s", error->desc);
}

struct qmp_talk *qmp_talk_new(int fd)
{
	struct qmp_talk *t = xcalloc(1, sizeof(*t));

	t->fd = fd;
	t->loop = loop_new();
	t->qmp = qmp_new(on_event, t);
	t->source = loop_fd_add(t->loop, fd, EPOLLIN, on_socket, t);
	return t;
}

void qmp_talk_free(struct qmp_talk *t)
{
	if (!t)
		return;
	qmp_free(t->qmp);
	loop_fd_remove(t->source);
	loop_free(t->loop);
	fd_close(t->fd);
	err_release(&t->error);
	free(t);
}

int qmp_talk(struct qmp_talk *t, const char *execute, json_t *arguments, int64_t timeout_ms,
	json_t **ret, struct err *e)
{
	int64_t deadline = timeout_ms ? clock_ms() + timeout_ms : CLOCK_NEVER;

	t->answered = false;
	qmp_command(t->qmp, execute, json_incref(arguments), on_reply, t);
	update(t);
	while (!t->answered) {
		int64_t left = deadline == CLOCK_NEVER ? -1 : deadline - clock_ms();

		if (deadline != CLOCK_NEVER && left <= 0) {
			/* A reply that comes late belongs to nobody any more. */
			qmp_mute(t->qmp);
			return err_set(e, -ETIMEDOUT, "no answer to %s within %lld ms", execute,
				(long long)timeout_ms);
		}
		loop_turn(t->loop, left > 1000 || left < 0 ? 1000 : (int)left);
	}
	if (t->error.code)
		return err_move(e, &t->error);
	*ret = TAKE_PTR(t->answer);
	return 0;
}
