/* SPDX-License-Identifier: MIT */
/*
 * What vmrig and the fork server (forkserver/) say to each other, over a socket of packets: one request, one answer.
 * The request carries the descriptors that take the place of QEMU's own in the copy (SCM_RIGHTS).
 */
#ifndef QEMU_FORKSERVER_H
#define QEMU_FORKSERVER_H

#include <stdint.h>

#define FORKSERVER_ENV     "VMRIG_FORKSERVER" /* the number of the server's end of the socket */
#define FORKSERVER_FDS_MAX 16

struct forkserver_request {
	int32_t parent; /* the process whose child the copy is, and with which it dies */
	uint32_t n; /* descriptors that come along */
	int32_t replaces
		[FORKSERVER_FDS_MAX]; /* what descriptor I takes the place of, with all duplicates of that */
};

struct forkserver_answer {
	int32_t pid; /* of the copy, a child of who asked; or a negative errno */
};

#endif
