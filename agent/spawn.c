/* SPDX-License-Identifier: MIT */
/* From a request to a running process, and the reason where there is none. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define OUTPUT_PIPE_SIZE (256 * 1024)
#define FILES_SOFT_MAX   1024
#define FILES_HARD_MAX   524288 /* what services have on a common system; the kernel's own is 4096 */

struct failure { /* what the child writes when it does not get as far as the program */
	int error;
	char text[508]; /* with the error at most PIPE_BUF in all: one write, one read */
};

struct pipes {
	int in[2], out[2], err[2], exec[2];
};

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static void pipes_close(struct pipes *p)
{
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
	close_pair(p->exec);
}

/* The terminal in the place of the pipes; what is written to it comes back in one stream. */
static int open_terminal(struct pipes *p)
{
	int master, slave, r;

	if (pipe2(p->exec, O_CLOEXEC) < 0)
		return -errno;
	fcntl(p->exec[0], F_SETFL, O_NONBLOCK);
	r = terminal_open(&master, &slave);
	if (r < 0)
		return r;
	p->out[0] = master;
	p->out[1] = slave;
	p->in[0] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
	p->in[1] = fcntl(master, F_DUPFD_CLOEXEC, 3);
	p->err[1] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
	return p->in[0] < 0 || p->in[1] < 0 || p->err[1] < 0 ? -errno : 0;
}

static int pipes_open(struct pipes *p, enum wire_input input)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (input == WIRE_INPUT_TERMINAL) {
		int r = open_terminal(p);

		if (r < 0)
			pipes_close(p);
		return r;
	}
	if (pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0 ||
		pipe2(p->exec, O_CLOEXEC) < 0)
		goto fail;
	if (input == WIRE_INPUT_PIPE) {
		if (pipe2(p->in, O_CLOEXEC) < 0)
			goto fail;
		fcntl(p->in[1], F_SETFL, O_NONBLOCK);
	} else {
		p->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (p->in[0] < 0)
			goto fail;
	}
	/* Only the ends on our side: O_NONBLOCK would be the command's own otherwise. */
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	fcntl(p->err[0], F_SETFL, O_NONBLOCK);
	fcntl(p->exec[0], F_SETFL, O_NONBLOCK);
	fcntl(p->out[0], F_SETPIPE_SZ, OUTPUT_PIPE_SIZE);
	return 0;
fail:;
	int r = -errno;

	pipes_close(p);
	return r;
}

static void default_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((format(printf, 3, 4), noreturn)) static void fail(
	int report_fd, int error, const char *format, ...)
{
	struct failure f = { .error = error };
	va_list args;

	va_start(args, format);
	vsnprintf(f.text, sizeof(f.text), format, args);
	va_end(args);
	write(report_fd, &f, sizeof(f));
	_exit(127);
}

static void switch_user(const char *name, const struct pipes *p)
{
	struct user user;
	int r = user_find(name, &user);

	if (r < 0)
		fail(p->exec[1], -r, "cannot become %s: no such user", name);
	/* A pipe belongs to who made it: /dev/stdout could not be opened by its name. */
	if (p->in[1] >= 0)
		fchown(0, user.uid, user.gid);
	fchown(1, user.uid, user.gid);
	fchown(2, user.uid, user.gid);
	r = user_become(&user);
	if (r < 0)
		fail(p->exec[1], -r, "cannot become %s: %s", name, strerror(-r));
}

__attribute__((noreturn)) static void become(const struct exec_request *x, const struct pipes *p)
{
	struct rlimit files = { FILES_SOFT_MAX, FILES_HARD_MAX };

	setsid();
	default_signals();
	umask(022);
	setrlimit(RLIMIT_NOFILE, &files);
	alike_child();
	if (dup2(p->in[0], 0) < 0 || dup2(p->out[1], 1) < 0 || dup2(p->err[1], 2) < 0)
		fail(p->exec[1], errno, "cannot set up streams: %s", strerror(errno));
	if (p->err[0] < 0 && ioctl(0, TIOCSCTTY, 0) < 0)
		fail(p->exec[1], errno, "cannot take the terminal: %s", strerror(errno));
	if (x->room) {
		int r = root_enter(x->room);

		if (r < 0)
			fail(p->exec[1], -r, "cannot build the root to prepare in: %s",
				strerror(-r));
	}
	if (x->user[0])
		switch_user(x->user, p);
	if (chdir(x->cwd[0] ? x->cwd : "/") < 0)
		fail(p->exec[1], errno, "cannot enter %s: %s", x->cwd, strerror(errno));
	environ = x->env;
	if (x->program[0])
		execve(x->program, x->argv, x->env);
	execvp(x->argv[0], x->argv);
	fail(p->exec[1], errno, "cannot execute %s: %s", x->argv[0], strerror(errno));
}

/* A child that borrows ours until it executes needs no page tables. Two kinds need memory of their own: who builds a
 * room starts threads for FUSE, and who changes the user has all threads that the C library knows do the same. */
static bool needs_memory(const struct exec_request *x)
{
	return x->room || x->user[0];
}

int spawn(const struct exec_request *x, enum wire_input input, struct spawned *ret)
{
	char **env = environ;
	struct pipes p;
	pid_t pid;
	int r = pipes_open(&p, input);

	if (r < 0)
		return r;
	pid = needs_memory(x) ? fork() : vfork();
	if (pid < 0) {
		r = -errno;
		pipes_close(&p);
		return r;
	}
	if (pid == 0)
		become(x, &p);
	environ = env;
	*ret = (struct spawned){
		.pid = pid,
		.exec_fd = p.exec[0],
		.in = p.in[1],
		.out = p.out[0],
		.err = p.err[0],
	};
	close(p.in[0]);
	close(p.out[1]);
	close(p.err[1]);
	close(p.exec[1]);
	return 0;
}

int spawn_error(int exec_fd, char *text, size_t size)
{
	struct failure f;
	ssize_t n = read(exec_fd, &f, sizeof(f));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n < (ssize_t)sizeof(f))
		return 0;
	snprintf(text, size, "%s", f.text);
	return -f.error;
}
