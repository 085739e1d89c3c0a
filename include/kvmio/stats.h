/* SPDX-License-Identifier: MIT */
/* The kernel's counters of a VM or vCPU (KVM_GET_STATS_FD, 4.133), by name. Included by kvmio.h. */
#ifndef KVMIO_STATS_H
#define KVMIO_STATS_H

#include "kvmio/vcpu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kvmio_stats {
	int fd; /* owned */
	struct kvm_stats_header header;
	char *id; /* owned: "kvm-PID" or "kvm-PID/vcpu-ID" */
	char *descs; /* owned: header.num_desc descriptors, each followed by its name */
};

#define KVMIO_STATS_INIT \
	{                \
		.fd = -1 \
	}

/*
 * KVM_GET_STATS_FD; capability BINARY_STATS_FD. -ENOMEM; -EPROTO: a file that is not as the document has it.
 */
int kvmio_vm_stats(const struct kvmio_vm *vm, struct kvmio_stats *ret);
int kvmio_vcpu_stats(const struct kvmio_vcpu *vcpu, struct kvmio_stats *ret);

/* Closes and frees; closed ones are left alone. */
void kvmio_stats_release(struct kvmio_stats *stats);

/* How many statistics there are. */
size_t kvmio_stats_count(const struct kvmio_stats *stats);

/*
 * The Ith descriptor (KVM_STATS_TYPE_*, UNIT_*, BASE_*, exponent; `size` values), its `name` included: good
 * until the release. NULL: there is none.
 */
const struct kvm_stats_desc *kvmio_stats_desc(const struct kvmio_stats *stats, size_t i);

/* The number of the one that is so called, or -ENOENT. */
int kvmio_stats_find(const struct kvmio_stats *stats, const char *name);

/*
 * Reads the Ith one now, up to N values (a histogram has several), and returns how many it has. -ENOENT: no
 * such number; -EPROTO: the file ended early.
 */
int kvmio_stats_read(const struct kvmio_stats *stats, size_t i, uint64_t *values, size_t n);

#ifdef __cplusplus
}
#endif

#endif
