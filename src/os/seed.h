/* SPDX-License-Identifier: MIT */
/* Private to the room: the keys of a plan, which live as long as it does, in files without a name. */
#ifndef OS_SEED_H
#define OS_SEED_H

#include "os/private.h"
#include "ssh/ssh.h"

struct os_keys {
	struct ssh_key user, host; /* owned; of no key where there is none to make */
	int seed_fd; /* owned: the volume; -1: none */
	char *seed_path; /* owned */
};

/* Makes keys and seed, adds its disk and the forward for SSH: when the plan's other disks and its network are there. */
int os_seed_prepare(struct os_plan *p, struct err *e);
void os_seed_free(struct os_plan *p);

uint16_t os_ssh_port(const struct os_plan *p); /* of the guest */
const char *os_ssh_key(const struct os_plan *p); /* path of the private one */
const char *os_ssh_host_key(const struct os_plan *p); /* NULL: the guest has its own */

/* LINE with the public key for @SSH_KEY@. The caller owns it. */
char *os_fill_key(const struct os_plan *p, const char *line);

#endif
