/* SPDX-License-Identifier: MIT */
/* /dev/kvm itself: what this kernel's KVM can do. Included by kvmio.h. */
#ifndef KVMIO_SYSTEM_H
#define KVMIO_SYSTEM_H

#include <stdint.h>

#include "kvmio/uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kvmio_system {
	int fd; /* owned */
};

#define KVMIO_SYSTEM_INIT \
	{                 \
		.fd = -1  \
	}

/* For kvmio_system_open: let the descriptor live on across execve. */
#define KVMIO_NO_CLOEXEC 1

/*
 * Opens PATH (NULL: /dev/kvm). FLAGS is 0 or KVMIO_NO_CLOEXEC. -ENOENT: no KVM here; -EACCES: not allowed;
 * -EINVAL: unknown flag.
 */
int kvmio_system_open(struct kvmio_system *sys, const char *path, int flags);

/* Takes over an open descriptor of /dev/kvm. */
void kvmio_system_from_fd(struct kvmio_system *sys, int fd);

/* Closes it; a closed one is left alone. */
void kvmio_system_release(struct kvmio_system *sys);

/* KVM_GET_API_VERSION (4.1): 12, or do not go on. */
int kvmio_system_api_version(const struct kvmio_system *sys);

/*
 * KVM_CHECK_EXTENSION (4.4): 0 when absent (unknown numbers too), otherwise 1 or what the capability counts.
 * Ask the VM where there is one (kvmio_vm_check_extension): some answers differ.
 */
int kvmio_system_check_extension(const struct kvmio_system *sys, long cap);

/* KVM_GET_VCPU_MMAP_SIZE (4.5): bytes of a vCPU's mapping: kvm_run and the pages behind it. */
int kvmio_system_vcpu_mmap_size(const struct kvmio_system *sys);

/*
 * KVM_CAP_NR_VCPUS, MAX_VCPUS, MAX_VCPU_ID, NR_MEMSLOTS, with the values that api.rst (4.4, 4.7) gives for
 * kernels which do not tell: 4, the recommended number, the largest number, and 32.
 */
int kvmio_system_nr_vcpus(const struct kvmio_system *sys);
int kvmio_system_max_vcpus(const struct kvmio_system *sys);
int kvmio_system_max_vcpu_id(const struct kvmio_system *sys);
int kvmio_system_nr_memslots(const struct kvmio_system *sys);

#ifdef __cplusplus
}
#endif

#endif
