/* SPDX-License-Identifier: MIT */
/* The processes there are, as /proc tells them. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h; field 9 of /proc/PID/stat */

static bool counts(const char *pid_text, pid_t session)
{
	char path[32], stat[1024], state;
	const char *rest;
	int its_session;
	unsigned flags;

	if (snprintf(path, sizeof(path), "%s/stat", pid_text) >= (int)sizeof(path) ||
		read_text(proc_fd, path, stat, sizeof(stat)) < 0)
		return false;
	/* The name stands in parentheses and may hold any byte, parentheses too. */
	rest = strrchr(stat, ')');
	if (!rest ||
		sscanf(rest + 1, " %c %*d %*d %d %*d %*d %u", &state, &its_session, &flags) != 3)
		return false;
	return state != 'Z' && state != 'X' && !(flags & PF_KTHREAD) &&
	       (session == 0 || its_session == session);
}

/* Orphans are ours, so without a child there is no process but the kernel's. */
static bool alone(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* A look at /proc costs a millisecond for every few dozens of the kernel's threads, under emulation. */
unsigned procs_count(pid_t session, bool do_kill)
{
	int copy = alone() ? -1 : openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	unsigned n = 0;
	struct dirent *d;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return 0;
	}
	while ((d = readdir(dir))) {
		pid_t pid = (pid_t)atoi(d->d_name);

		if (pid <= 1 || !counts(d->d_name, session))
			continue;
		n++;
		if (do_kill)
			kill(pid, SIGKILL);
	}
	closedir(dir);
	return n;
}
