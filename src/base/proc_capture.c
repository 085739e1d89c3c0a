/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"

enum { CAPTURE_MAX = 16 * 1024 * 1024 };

struct stream {
	struct buf *to; /* borrowed; NULL: not asked for */
	size_t got;
	int fd; /* owned; ours, -1 after its end */
	int child; /* owned; the child's end */
};

static int stream_open(struct stream *s, struct err *e)
{
	int ends[2];

	if (!s->to)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	s->fd = ends[0];
	s->child = ends[1];
	fd_set_nonblock(s->fd, true);
	return 0;
}

static void stream_close(struct stream *s)
{
	s->fd = fd_close(s->fd);
	s->child = fd_close(s->child);
}

/* Takes what is there. 0, or -errno; -EFBIG beyond the limit. */
static int stream_read(struct stream *s)
{
	while (s->fd >= 0) {
		ssize_t n = buf_read(s->to, s->fd, 64 * 1024);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		if (n == 0)
			s->fd = fd_close(s->fd);
		s->got += (size_t)n;
		if (s->got > CAPTURE_MAX)
			return -EFBIG;
	}
	return 0;
}

/*
 * Until the child has ended; what its streams hold then is read, but their end is not awaited: a
 * grandchild left behind may keep them open for ever.
 */
static int gather(struct proc *child, struct stream s[2], int64_t deadline_ms, int *ret_status)
{
	for (;;) {
		struct pollfd p[3] = {
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = s[0].fd, .events = POLLIN },
			{ .fd = s[1].fd, .events = POLLIN },
		};
		int64_t left = deadline_ms - clock_ms();
		int r;

		if (deadline_ms == CLOCK_NEVER)
			left = -1;
		else if (left <= 0)
			return -ETIMEDOUT;
		if (poll(p, 3, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return -errno;
		/* Reaped before the reading: what it wrote is all there. */
		r = proc_reap(child, ret_status);
		for (int i = 0; i < 2 && (r == 0 || r == -EAGAIN); i++) {
			int one = stream_read(&s[i]);

			if (one < 0)
				r = one;
		}
		if (r != -EAGAIN)
			return r;
	}
}

int proc_capture(const char *const *argv, const struct buf *input, struct buf *ret_out,
	struct buf *ret_err, int64_t timeout_ms, int *ret_status, struct err *e)
{
	_cleanup_close_ int in = -1;
	struct stream s[2] = {
		{ .to = ret_out, .fd = -1, .child = -1 },
		{ .to = ret_err, .fd = -1, .child = -1 },
	};
	struct proc child = PROC_INIT;
	struct proc_fd fds[3];
	struct proc_spec spec = { .argv = argv, .fds = fds };
	int64_t now_ms = clock_ms(), deadline_ms = CLOCK_NEVER;
	int status = 0, r = 0;

	if (timeout_ms > 0 && timeout_ms < CLOCK_NEVER - now_ms)
		deadline_ms = now_ms + timeout_ms;
	if (input) {
		/* A file, not a pipe: no writing in turns, and no SIGPIPE from a child that reads less. */
		in = fd_memfd("stdin", buf_str(input), input->len);
		if (in < 0)
			return err_sys(e, -in, "cannot hold the input of %s", argv[0]);
		fds[spec.n_fds++] = (struct proc_fd){ in, STDIN_FILENO };
	}
	for (int i = 0; i < 2 && r == 0; i++) {
		r = stream_open(&s[i], e);
		if (s[i].child >= 0)
			fds[spec.n_fds++] = (struct proc_fd){ s[i].child, STDOUT_FILENO + i };
	}
	if (r == 0)
		r = proc_spawn(&spec, &child, e);
	if (r == 0) {
		for (int i = 0; i < 2; i++)
			s[i].child = fd_close(s[i].child);
		r = gather(&child, s, deadline_ms, &status);
		if (r == -ETIMEDOUT)
			err_set(e, r, "%s did not end within %lld ms", argv[0],
				(long long)timeout_ms);
		else if (r == -EFBIG)
			err_set(e, r, "%s wrote more than %d MiB", argv[0], CAPTURE_MAX >> 20);
		else if (r < 0)
			err_sys(e, -r, "cannot read the output of %s", argv[0]);
	}
	proc_kill(&child);
	for (int i = 0; i < 2; i++)
		stream_close(&s[i]);
	if (r == 0 && ret_status)
		*ret_status = status;
	return r;
}
