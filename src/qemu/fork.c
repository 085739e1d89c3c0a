/* SPDX-License-Identifier: MIT */
/* Our end of the fork server that QEMU was started with (forkserver/): how it is loaded, and asked for a copy. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "qemu/forkserver.h"
#include "qemu/private.h"

#define ANSWER_MS 5000 /* a copy takes a few; a busy host more */

/* The library is named by its descriptor: a path may hold what LD_PRELOAD takes for a separator. */
int qemu_fork_prepare(const struct qemu_config *c, struct qemu_fork_server *s, struct err *e)
{
	int pair[2];

	s->library = file_open(c->fork_library, O_RDONLY, e);
	if (s->library < 0)
		return s->library;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "cannot make the fork server's socket");
	s->ours = pair[0];
	s->theirs = pair[1];
	return 0;
}

void qemu_fork_environment(
	const struct qemu_fork_server *s, const struct qemu_fds *n, struct strv *ret)
{
	for (char **v = environ; *v; v++)
		if (!str_starts(*v, "LD_PRELOAD=") && !str_starts(*v, FORKSERVER_ENV "="))
			strv_add(ret, *v);
	strv_addf(ret, "LD_PRELOAD=/proc/self/fd/%d", n->fork_library);
	strv_addf(ret, FORKSERVER_ENV "=%d", n->fork);
}

void qemu_fork_release(struct qemu_fork_server *s)
{
	fd_close(s->ours);
	fd_close(s->theirs);
	fd_close(s->library);
}

static int send_request(int fd, const struct proc_fd *fds, size_t n)
{
	struct forkserver_request q = { .parent = getpid(), .n = (uint32_t)n };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FORKSERVER_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &q, sizeof(q) };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *c = &control.header;

	BUG_ON(n > FORKSERVER_FDS_MAX);
	*c = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	for (size_t i = 0; i < n; i++) {
		q.replaces[i] = fds[i].child;
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fds[i].fd, sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int qemu_fork_ask(int fd, const struct proc_fd *fds, size_t n, struct proc *ret, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct forkserver_answer a;
	int r = send_request(fd, fds, n), ready;

	if (r < 0)
		return err_sys(e, -r, "cannot ask QEMU for a copy of itself");
	do
		ready = poll(&p, 1, ANSWER_MS);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return err_set(e, -ETIMEDOUT, "QEMU did not copy itself in %d ms", ANSWER_MS);
	if (recv(fd, &a, sizeof(a), 0) != sizeof(a))
		return err_set(e, -EPIPE, "QEMU's fork server is gone");
	r = a.pid > 0 ? proc_adopt(a.pid, ret) : a.pid;
	return r < 0 ? err_sys(e, -r, "QEMU cannot copy itself") : 0;
}
