/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/loop_signal.h"
#include "base/path.h"

/* What the child tells the parent when it cannot become the program. */
struct failure {
	enum { STEP_FDS, STEP_CWD, STEP_EXEC } step;
	int errnum;
};

/* All that the child needs, made before the fork: behind it nothing may be allocated. */
struct plan {
	const struct proc_spec *spec;
	const char *path;
	int *copies; /* one for each of the spec's descriptors */
	int above; /* the first number that no descriptor of the child has */
	int report; /* where a struct failure goes */
	pid_t parent;
	sigset_t mask;
};

/* Whatever else is open vanishes with the exec. */
static void all_cloexec(void)
{
	struct rlimit limit;
	int end = 65536;

	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)end)
		end = (int)limit.rlim_cur;
	for (int fd = 3; fd < end; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * The sources are first copied above every number of the child, so that no target hits a source
 * not yet used, and then duplicated down; dup2(2) clears O_CLOEXEC on the way.
 */
static int place_fds(struct plan *p)
{
	const struct proc_spec *spec = p->spec;
	int null;

	p->report = fcntl(p->report, F_DUPFD_CLOEXEC, p->above);
	if (p->report < 0)
		return -errno;
	for (size_t i = 0; i < spec->n_fds; i++) {
		p->copies[i] = fcntl(spec->fds[i].fd, F_DUPFD_CLOEXEC, p->above);
		if (p->copies[i] < 0)
			return -errno;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	null = fcntl(null, F_DUPFD_CLOEXEC, p->above);
	if (null < 0)
		return -errno;
	all_cloexec();
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (size_t i = 0; i < spec->n_fds; i++)
		if (dup2(p->copies[i], spec->fds[i].child) < 0)
			return -errno;
	return 0;
}

/* By the system call: libc's sigaction() refuses the two signals that it keeps for threads, and a parent may
 * have left them ignored (some versions of make do). */
static void default_handlers(void)
{
	static const unsigned long
		sa[4]; /* the kernel's struct sigaction: SIG_DFL, no flags, no mask */

	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			syscall(SYS_rt_sigaction, s, sa, NULL, sizeof(sa[0]));
}

/* In the child, with all signals blocked; only async-signal-safe calls from here. */
static void __attribute__((noreturn)) become(struct plan *p)
{
	const struct proc_spec *spec = p->spec;
	char *const *argv, *const *envp = environ;
	struct failure f;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != p->parent)
		_exit(127); /* it died before the line above */
	if (spec->new_session)
		setsid();
	default_handlers();

	f.step = STEP_FDS;
	r = place_fds(p);
	if (r == 0 && spec->cwd) {
		f.step = STEP_CWD;
		r = chdir(spec->cwd) < 0 ? -errno : 0;
	}
	if (r == 0) {
		f.step = STEP_EXEC;
		memcpy(&argv, &spec->argv, sizeof(argv)); /* execve(2) lacks a const */
		if (spec->envp)
			memcpy(&envp, &spec->envp, sizeof(envp));
		sigprocmask(SIG_SETMASK, &p->mask, NULL);
		execve(p->path, argv, envp);
		r = -errno;
	}
	f.errnum = -r;
	if (write(p->report, &f, sizeof(f)) < 0) {
		/* the exit code is left */
	}
	_exit(127);
}

/* With SIGCHLD ignored, as some starters leave it, the kernel would reap our children for us. */
static void keep_children(void)
{
	struct sigaction sa;

	if (sigaction(SIGCHLD, NULL, &sa) == 0 &&
		(sa.sa_handler == SIG_IGN || (sa.sa_flags & SA_NOCLDWAIT))) {
		if (sa.sa_handler == SIG_IGN)
			sa.sa_handler = SIG_DFL;
		sa.sa_flags &= ~SA_NOCLDWAIT;
		sigaction(SIGCHLD, &sa, NULL);
	}
}

static int find_program(const char *program, char **ret, struct err *e)
{
	int r;

	if (strchr(program, '/')) {
		/* Here execve(2) knows better what is wrong with it. */
		*ret = *program == '/' ? xstrdup(program) : NULL;
		if (!*ret) {
			_cleanup_free_ char *cwd = getcwd(NULL, 0);

			*ret = path_join(cwd ? cwd : "/", program);
		}
		return 0;
	}
	r = path_program(program, ret);
	if (r < 0) {
		err_set(e, r, "cannot find the program %s in PATH", program);
		return err_hint(e, "Install %s, or add its folder to PATH.", program);
	}
	return 0;
}

static int explain(const struct failure *f, const struct plan *p, struct err *e)
{
	switch (f->step) {
	case STEP_FDS:
		return err_sys(e, f->errnum, "cannot start %s: its descriptors", p->path);
	case STEP_CWD:
		return err_sys(
			e, f->errnum, "cannot start %s: the folder %s", p->path, p->spec->cwd);
	case STEP_EXEC:
		break;
	}
	return err_sys(e, f->errnum, "cannot execute %s", p->path);
}

static pid_t fork_quietly(struct plan *p)
{
	sigset_t all, before;
	pid_t pid;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int proc_spawn(const struct proc_spec *spec, struct proc *ret, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ int *copies = NULL;
	_cleanup_close_ int read_end = -1, write_end = -1;
	struct proc child = PROC_INIT;
	struct plan p = { .spec = spec, .above = 3, .parent = getpid() };
	struct failure f;
	int ends[2], r;
	ssize_t n;

	BUG_ON(!spec->argv || !spec->argv[0]);
	r = find_program(spec->argv[0], &path, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < spec->n_fds; i++) {
		BUG_ON(spec->fds[i].child < 0);
		if (spec->fds[i].child >= p.above)
			p.above = spec->fds[i].child + 1;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	read_end = ends[0];
	p.report = write_end = ends[1];
	p.path = path;
	p.copies = copies = xcalloc(spec->n_fds, sizeof(*copies));
	loop_original_mask(&p.mask);
	keep_children();

	child.pid = fork_quietly(&p);
	if (child.pid < 0)
		return err_sys(e, errno, "cannot fork for %s", path);
	write_end = fd_close(write_end);
	do
		n = read(read_end, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(f)) {
		proc_kill(&child);
		return explain(&f, &p, e);
	}
	child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
	if (child.pidfd < 0) {
		r = errno;
		proc_kill(&child);
		return err_sys(e, r, "cannot open a pidfd for %s", path);
	}
	*ret = child;
	return 0;
}

int proc_adopt(pid_t pid, struct proc *ret)
{
	struct proc child = { pid, (int)syscall(SYS_pidfd_open, pid, 0) };

	if (child.pidfd < 0)
		return -errno;
	*ret = child;
	return 0;
}

int proc_reap(struct proc *p, int *ret_status)
{
	int status;
	pid_t pid;

	if (p->pid <= 0)
		return -ECHILD;
	do
		pid = waitpid(p->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		return -EAGAIN;
	p->pid = 0;
	p->pidfd = fd_close(p->pidfd);
	if (ret_status)
		*ret_status = status;
	return 0;
}

void proc_kill(struct proc *p)
{
	if (p->pid > 0) {
		/* Not reaped yet, so the number is still the child's. */
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	fd_close(p->pidfd);
	*p = (struct proc)PROC_INIT;
}

const char *signal_name(int signo)
{
	static _Thread_local char name[24];
	const char *abbreviation = sigabbrev_np(signo);

	if (abbreviation)
		snprintf(name, sizeof(name), "SIG%s", abbreviation);
	else
		snprintf(name, sizeof(name), "signal %d", signo);
	return name;
}

void proc_describe_status(struct buf *b, int status)
{
	if (WIFEXITED(status))
		buf_addf(b, "exit code %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status) && sigabbrev_np(WTERMSIG(status)))
		buf_addf(b, "signal %d (%s)", WTERMSIG(status), signal_name(WTERMSIG(status)));
	else if (WIFSIGNALED(status))
		buf_addf(b, "signal %d", WTERMSIG(status));
	else
		buf_addf(b, "wait status %#x", (unsigned)status);
}
