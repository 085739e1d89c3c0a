/* SPDX-License-Identifier: MIT */
/* Private to the room: a machine that was prepared and saved, all of it in files without a name. */
#ifndef OS_SAVED_H
#define OS_SAVED_H

#include "os/private.h"
#include "ssh/ssh.h"

/* Descriptors, owned; 0: none. */
struct os_saved {
	int memory, state;
	int vars; /* UEFI's variables */
	int disks[MACHINE_DISKS_MAX]; /* what the guest had written to each */
	struct strv host_keys; /* that the guest had shown */
	int64_t wall_ns; /* when: its clock stands still from then on */
};

/* wake.c: over the session that a step has opened */
bool os_wake_due(const struct os *o); /* its clock is late, and it was not told */
struct ssh_job *os_wake(struct os *o, const struct ssh_handlers *h);
void os_woken(struct os *o, const struct ssh_result *r); /* it has answered */

#endif
