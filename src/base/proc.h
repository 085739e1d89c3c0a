/* SPDX-License-Identifier: MIT */
/*
 * Child processes. A child dies with us even when we are killed by SIGKILL (PR_SET_PDEATHSIG), has
 * no descriptor but those named, and starts with default signal handlers and the signal mask that
 * the process began with (loop_signal_add() blocks signals for us, not for children). The thread
 * that starts a child must live as long as the child is wanted: Linux binds PDEATHSIG to it.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* In the child, descriptor CHILD is a duplicate of the parent's FD (still open there). */
struct proc_fd {
	int fd;
	int child;
};

struct proc_spec {
	/* Borrowed. argv[0] is looked up in our PATH or, with a slash, against our folder. */
	const char *const *argv;
	const char *const *envp; /* borrowed; NULL: ours */
	const char *cwd; /* borrowed; NULL: ours */
	const struct proc_fd *fds; /* borrowed; 0, 1 and 2 are /dev/null unless named */
	size_t n_fds;
	bool new_session; /* setsid(): a terminal's Ctrl-C does not reach the child */
};

struct proc {
	pid_t pid; /* 0: none */
	int pidfd; /* owned; readable once the child has ended */
};

#define PROC_INIT     \
	{             \
		0, -1 \
	}

/* Starts the child; -ENOENT and friends when the program cannot be executed are told here. */
int proc_spawn(const struct proc_spec *spec, struct proc *ret, struct err *e);

/* Takes over the child PID, which came to be by another's clone(2) with CLONE_PARENT. 0 or -errno. */
int proc_adopt(pid_t pid, struct proc *ret);

/* Reaps a child that has ended: its wait status (as of waitpid). -EAGAIN while it runs. */
int proc_reap(struct proc *p, int *ret_status);

/* SIGKILL, wait, reap, close. A PROC_INIT is fine. */
void proc_kill(struct proc *p);

/*
 * Runs a program to its end, INPUT (may be NULL) to its stdin; gathers stdout and stderr (either
 * may be NULL: thrown away); -EFBIG, with the child killed, beyond 16 MiB of either. RET_STATUS (may
 * be NULL) is the wait status. -ETIMEDOUT after TIMEOUT_MS (0 or less: no limit), with the child
 * killed. What its own children write after its end is not awaited.
 */
int proc_capture(const char *const *argv, const struct buf *input, struct buf *ret_out,
	struct buf *ret_err, int64_t timeout_ms, int *ret_status, struct err *e);

/* "exit code 3", "signal 9 (SIGKILL)": for messages. */
void proc_describe_status(struct buf *b, int status);

/* "SIGSEGV", or "signal 40" for one without a name. Valid until the thread's next call. */
const char *signal_name(int signo);

#endif
