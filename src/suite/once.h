/* SPDX-License-Identifier: MIT */
/* Private to the room: one command in a guest, while it runs (once.c) and when it is over (once_end.c). */
#ifndef SUITE_ONCE_H
#define SUITE_ONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "suite/debug_socket.h"
#include "suite/keep_one.h"
#include "suite/suite.h"

struct sink;
struct waiting;

struct once {
	const struct once_options *o;
	struct loop *loop; /* owned */
	struct kernel kernel;
	struct guest_plan *plan; /* owned */
	struct guest_snapshot *snapshot; /* owned; NULL: the guest is a new one */
	struct debug_socket debug;
	struct keep_one keep;
	int64_t began_us, asked_us; /* we did; the guest was asked for */
	struct job *job; /* owned */
	struct waiting
		*waiting; /* owned; until the command runs, or there is nothing to wait for */
	struct sink *out[2]; /* owned: stdout, stderr */
	bool error_told[2]; /* acted upon: nobody reads any more, or what was written is lost */
	struct loop_fd *in; /* owned: our stdin while the guest has room */
	size_t room;
	bool in_ended;
	unsigned interrupts, escapes;
	int signal; /* that ended us before a command ran; 0: none */
	const struct job_report *report; /* borrowed; set by done */
};

/* Judges the report, tells on stderr what is not the command's own business, and gives the exit code. */
int once_conclude(const struct once *c);

#endif
