/* SPDX-License-Identifier: MIT */
/* Private to job.c and spawn.c: a job on its way. */
#ifndef SSH_JOB_H
#define SSH_JOB_H

#include "base/proc.h"
#include "ssh/private.h"

enum job_state { JOB_PROBING, JOB_RESTING, JOB_RUNNING, JOB_OVER };

struct job_stream {
	struct ssh_job *job; /* borrowed */
	int number;
	int fd; /* owned; -1 after its end */
	struct loop_fd *source; /* owned */
};

struct ssh_job {
	struct ssh *s; /* borrowed */
	struct ssh_handlers h;
	char *command; /* owned; NULL: a copy */
	char *from, *to; /* owned: of a copy, as scp takes them */
	enum job_state state;
	struct ssh_probe *probe; /* owned */
	struct loop_timer *timer; /* owned: ends the rest, or tells the end */
	int64_t rest_ms;
	struct proc child;
	struct loop_fd *child_source; /* owned */
	struct job_stream streams[2];
	int log_fd; /* owned: of ssh; -1 */
	struct buf said; /* a copy's last words */
	uint64_t size_max; /* of a copy out of the guest; 0: none */
	struct loop_timer *watch; /* owned: looks how much there is */
	char *trouble; /* owned; NULL */
	unsigned tries;
	struct ssh_result result;
	bool checking; /* a copy: a command that does nothing runs first, to know that we are let in */
};

/* Starts ssh or scp, with their words on `streams` and ssh's log in `log_fd`. */
int ssh_job_spawn(struct ssh_job *j, struct err *e);

#endif
