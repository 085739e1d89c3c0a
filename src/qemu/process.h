/* SPDX-License-Identifier: MIT */
/* A QEMU process, for the files that start it, watch it and speak to it. */
#ifndef QEMU_PROCESS_H
#define QEMU_PROCESS_H

#include "base/proc.h"
#include "qemu/private.h"

struct qemu {
	struct loop *loop; /* borrowed */
	struct qemu_handlers h;
	struct proc proc;
	struct loop_fd *exit_watch; /* owned */
	struct loop_timer *grace; /* owned */
	struct qemu_reader *console, *monitor, *log, *errors; /* owned; log may be NULL */
	struct buf console_out;
	struct qmp *qmp; /* owned */
	struct qemu_sysrq *sysrq; /* owned */
	struct qemu_typing *typing; /* owned */
	struct qemu_dump *dumps; /* owned */
	struct qemu_migration migration;
	struct loop_timer *cont_again; /* owned */
	unsigned cont_tries;
	struct qemu_fds fds; /* the numbers of the channels in QEMU */
	int fork_fd; /* owned: to the fork server; -1: none */
	bool alone; /* it leads no process group, or one that its copies are in */
	qemu_saved_cb paused;
	void *paused_arg; /* borrowed */
	int ports[QEMU_CHANNELS_MAX]; /* owned */
	size_t n_ports;

	struct qemu_log seen;
	struct buf stderr_tail;
	char *shutdown, *fault; /* owned: see struct qemu_evidence */
	bool stop_asked, panicked, ran, exit_port;
	bool holds, stopped; /* as qemu_config says */
	bool nested; /* emulated virtualization of an x86 */
	bool reaped;
	int status;
	int64_t cpu_us, maxrss_kib; /* once reaped */
	bool ended; /* the handler was called */

	struct qemu_times times;
	int depth; /* of handlers that are running: none may find its qemu freed */
	bool freed;
};

/* Our ends and QEMU's of every channel, until the process owns its own: console, monitor, stderr, the ports, the log. */
struct qemu_channels {
	int ours[4 + QEMU_CHANNELS_MAX];
	struct proc_fd fds[4 + QEMU_CHANNELS_MAX];
	size_t n;
};
void qemu_channels_release(struct qemu_channels *c);

/* Takes over PROC and what is ours of CH. Its `qmp` is the caller's to make, with qemu_process_event(). */
struct qemu *qemu_process_new(struct loop *loop, const struct qemu_handlers *h,
	const struct qemu_fds *n, size_t n_ports, struct proc proc, struct qemu_channels *ch);
void qemu_process_event(void *arg, const char *name, const json_t *data);
/* The state that it was to load is there, or why not: see qemu_saved_cb. */
void qemu_process_loaded(void *arg, const char *error);

/* Around whatever may call a handler: it may free Q, which is then freed at the last leave. */
void qemu_process_enter(struct qemu *q);
void qemu_process_leave(struct qemu *q);
/* Sends what qmp_command() has put together. */
void qemu_process_flush(struct qemu *q);
/* Ends it for the reason WHY, unless it is ending for another. */
void qemu_process_fail(struct qemu *q, const char *why);
/* The whole group: whatever QEMU started goes with it. Until it is reaped its pid cannot be another's. */
void qemu_process_kill(struct qemu *q);

#endif
