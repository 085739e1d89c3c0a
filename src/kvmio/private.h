/* SPDX-License-Identifier: MIT */
/* What kvmio's files share; nothing of it is exported. */
#ifndef KVMIO_PRIVATE_H
#define KVMIO_PRIVATE_H

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "kvmio.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* The one door to the kernel: its result, or its errno negated. */
static inline int kvm_ioctl(int fd, unsigned long request, const void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

/* The same with a number for argument. */
static inline int kvm_ioctl_value(int fd, unsigned long request, unsigned long value)
{
	int r = ioctl(fd, request, value);

	return r < 0 ? -errno : r;
}

/* Fills CAP for KVM_ENABLE_CAP and makes the call on a VM's or a vCPU's descriptor. */
HIDDEN int kvmio_enable_cap(int fd, uint32_t cap, uint32_t flags, const uint64_t args[4]);

/* What each architecture's file has to say. */

/* The argument of KVM_CREATE_VM for a VM of the usual kind, or negative errno. */
HIDDEN long kvmio_arch_vm_type(const struct kvmio_system *sys);

/* Completes a new vCPU. */
HIDDEN int kvmio_arch_vcpu_setup(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm);

#endif
