/* SPDX-License-Identifier: MIT */
/* The program of a job: ssh for a command, scp for a copy. */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ssh/job.h"

static void make_argv(struct ssh_job *j, struct strv *v)
{
	_cleanup_free_ char *log =
		j->log_fd < 0 ? NULL : xasprintf("/proc/%d/fd/%d", (int)getpid(), j->log_fd);

	if (j->command || j->checking) {
		ssh_argv(j->s, j->s->ssh, log, v);
		strv_add(v, "-T");
		strv_add(v, j->s->host);
		strv_add(v, "--");
		strv_add(v, j->checking ? "exit 0" : j->command);
		return;
	}
	ssh_argv(j->s, j->s->scp, NULL, v);
	strv_add(v, "-rpq");
	strv_add(v, "--");
	strv_add(v, j->from);
	strv_add(v, j->to);
}

static int open_streams(struct ssh_job *j, int child_ends[2])
{
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		fd_set_nonblock(ends[0], true);
		j->streams[i].fd = ends[0];
		child_ends[i] = ends[1];
	}
	return 0;
}

/* One file cannot outrun the looks at it. */
static void bound_files(const struct ssh_job *j)
{
	const struct rlimit files = { j->size_max + 1, j->size_max + 1 }, none = { 0, 0 };

	prlimit(j->child.pid, RLIMIT_FSIZE, &files, NULL);
	prlimit(j->child.pid, RLIMIT_CORE, &none, NULL);
}

int ssh_job_spawn(struct ssh_job *j, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int ends[2] = { -1, -1 };
	struct proc_fd fds[2];
	/* A terminal's Ctrl-C is ours to act upon. */
	struct proc_spec spec = { .fds = fds, .n_fds = 2, .new_session = true };
	int r;

	if (j->command || j->checking) {
		j->log_fd = fd_memfd("ssh-log", "", 0);
		if (j->log_fd < 0)
			return err_sys(e, -j->log_fd, "cannot hold ssh's log in memory");
	}
	make_argv(j, &argv);
	spec.argv = (const char *const *)argv.v;
	r = open_streams(j, ends);
	if (r < 0)
		r = err_sys(e, -r, "cannot make a pipe");
	for (int i = 0; i < 2; i++)
		fds[i] = (struct proc_fd){ ends[i], STDOUT_FILENO + i };
	if (r == 0)
		r = proc_spawn(&spec, &j->child, e);
	if (r == 0 && j->size_max && !j->checking)
		bound_files(j);
	fd_close(ends[0]);
	fd_close(ends[1]);
	return r;
}
