/* SPDX-License-Identifier: MIT */
/*
 * A guest's console on our terminal. The terminal is raw meanwhile; a child that outlives us waits for the end of a
 * pipe and sets it right again, so that not even SIGKILL leaves it raw.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "live/private.h"

#define DETACH 0x1d /* Ctrl-] */

struct attach {
	struct loop *loop; /* owned */
	int fd; /* owned */
	bool read_only, detached;
	int signal, error;
	struct buf out; /* for the guest */
	struct loop_fd *socket, *input; /* owned; input NULL: ended, or waiting for the guest */
};

/* ---- the terminal ---- */

struct terminal {
	struct termios saved;
	bool raw;
	int guard; /* owned: its closing lets the guard go; -1: none */
	pid_t guard_pid;
};

/* In the child: nothing but system calls, and no signal of the terminal's job stops it. */
static void guard_wait(int fd, const struct termios *saved)
{
	sigset_t all;
	char c;
	ssize_t n;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		tcsetattr(STDIN_FILENO, TCSANOW, saved);
	_exit(0);
}

static void guard_start(struct terminal *t)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return; /* then only signals that can be caught set it right */
	t->guard_pid = fork();
	if (t->guard_pid == 0) {
		close(fds[1]);
		guard_wait(fds[0], &t->saved);
	}
	close(fds[0]);
	t->guard = fds[1];
	if (t->guard_pid < 0)
		t->guard = fd_close(t->guard);
}

static void terminal_raw(struct terminal *t)
{
	struct termios raw;

	t->guard = -1;
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &t->saved) < 0)
		return;
	guard_start(t);
	raw = t->saved;
	cfmakeraw(&raw);
	t->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void terminal_restore(struct terminal *t)
{
	if (t->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t->saved);
	if (t->guard >= 0) {
		if (write(t->guard, "", 1) == 1)
			waitpid(t->guard_pid, NULL, 0);
		t->guard = fd_close(t->guard);
	}
}

/* ---- both directions ---- */

static void update(struct attach *a)
{
	loop_fd_set(a->socket, (uint32_t)EPOLLIN | (a->out.len ? (uint32_t)EPOLLOUT : 0u));
	if (a->input)
		loop_fd_set(a->input, a->out.len ? 0u : (uint32_t)EPOLLIN);
}

static void end_input(struct attach *a)
{
	loop_fd_remove(a->input);
	a->input = NULL;
}

static void on_input(void *arg, int fd, uint32_t events)
{
	struct attach *a = arg;
	char data[4096], *stop;
	ssize_t n = read(fd, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_input(a);
		return;
	}
	/* In a file or a pipe it is a byte as any other. */
	stop = isatty(fd) ? memchr(data, DETACH, (size_t)n) : NULL;
	if (stop) {
		a->detached = true;
		loop_stop(a->loop);
	}
	if (!a->read_only)
		buf_add(&a->out, data, stop ? (size_t)(stop - data) : (size_t)n);
	update(a);
}

static void on_socket(void *arg, int fd, uint32_t events)
{
	struct attach *a = arg;
	char data[32768];
	ssize_t n;

	if (events & EPOLLOUT) {
		n = send(fd, a->out.data, a->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&a->out, (size_t)n);
		update(a);
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		a->error = fd_write_all(STDOUT_FILENO, data, (size_t)n);
	if (n <= 0 || a->error)
		loop_stop(a->loop);
}

static void on_signal(void *arg, int signo)
{
	struct attach *a = arg;

	a->signal = signo;
	loop_stop(a->loop);
}

static void say(const struct attach *a, const char *name)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;

	text_clean(&clean, name, strlen(name));
	if (a->detached)
		fprintf(stderr, "\nvmrig: detached from %s, which runs on\n", buf_str(&clean));
	else if (!a->signal && !a->error)
		fprintf(stderr, "\nvmrig: %s has ended\n", buf_str(&clean));
}

int live_attach(int fd, const struct live_attach *o, struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct attach a = { .fd = fd, .read_only = o->read_only };
	struct terminal t = { 0 };

	signal(SIGPIPE, SIG_IGN);
	terminal_raw(&t);
	a.loop = loop_new();
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		loop_signal_add(a.loop, signals[i], on_signal, &a);
	a.socket = loop_fd_add(a.loop, fd, EPOLLIN, on_socket, &a);
	a.input = loop_fd_add(a.loop, STDIN_FILENO, EPOLLIN, on_input, &a);
	loop_run(a.loop);
	end_input(&a);
	loop_fd_remove(a.socket);
	loop_free(a.loop);
	terminal_restore(&t);
	if (t.raw)
		say(&a, o->name);
	fd_close(fd);
	buf_release(&a.out);
	if (a.signal) {
		/* As who does not catch it: the caller sees what ended us. */
		signal(a.signal, SIG_DFL);
		raise(a.signal);
	}
	if (a.error && a.error != -EPIPE)
		return err_sys(e, -a.error, "cannot write to standard output");
	return 0;
}
