/* SPDX-License-Identifier: MIT */
/* A virtual CPU: running it, and what all architectures share of its state. Included by kvmio.h. */
#ifndef KVMIO_VCPU_H
#define KVMIO_VCPU_H

#include <stddef.h>
#include <stdint.h>

#include "kvmio/exit.h"
#include "kvmio/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kvmio_vcpu {
	int fd; /* owned */
	struct kvm_run *run; /* owned mapping of run_size bytes */
	size_t run_size;
	struct kvm_dirty_gfn *dirty_ring; /* owned mapping of dirty_slots entries, or NULL */
	uint32_t dirty_slots;
	uint32_t dirty_next; /* the entry to be harvested next */
	uint32_t dirty_ring_size; /* as the VM's, bytes */
	uint32_t xsave_size; /* x86_64: bytes of KVM_GET_XSAVE2 and KVM_SET_XSAVE */
};

#define KVMIO_VCPU_INIT  \
	{                \
		.fd = -1 \
	}

/*
 * KVM_CREATE_VCPU (4.7) and the mapping of its kvm_run (4.5). -EINVAL: ID is beyond
 * kvmio_system_max_vcpu_id, or there are too many; -EEXIST: that one exists.
 */
int kvmio_vcpu_create(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm, unsigned long id);

/* Maps and takes over a vCPU's descriptor; on failure FD stays the caller's. */
int kvmio_vcpu_from_fd(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm, int fd);

/* Unmaps and closes it; a closed one is left alone. */
void kvmio_vcpu_release(struct kvmio_vcpu *vcpu);

/*
 * KVM_RUN (4.10): runs the guest until it needs its monitor, and says why in RET. 0: RET is valid (a memory
 * fault that the kernel reports with -EFAULT or -EHWPOISON and a KVM_EXIT_MEMORY_FAULT is an exit, too).
 * -EINTR: a signal, or immediate_exit; -EAGAIN: the vCPU waits for its INIT; -ENOEXEC: not initialised
 * (aarch64). RET is then left alone.
 */
int kvmio_vcpu_run(struct kvmio_vcpu *vcpu, struct kvmio_exit *ret);

/*
 * kvm_run.immediate_exit (5), capability IMMEDIATE_EXIT: the next run ends with -EINTR after it has completed
 * the last exit's I/O. May be set from a signal handler.
 */
void kvmio_vcpu_set_immediate_exit(struct kvmio_vcpu *vcpu, bool on);

/* KVM_ENABLE_CAP (4.37) of a vCPU; capability ENABLE_CAP. As kvmio_vm_enable_cap. */
int kvmio_vcpu_enable_cap(
	const struct kvmio_vcpu *vcpu, uint32_t cap, uint32_t flags, const uint64_t args[4]);

/* KVM_GET/SET_MP_STATE (4.38, 4.39); capability MP_STATE. -EINVAL: not a state of this architecture. */
int kvmio_vcpu_get_mp_state(const struct kvmio_vcpu *vcpu, uint32_t *ret);
int kvmio_vcpu_set_mp_state(const struct kvmio_vcpu *vcpu, uint32_t state);

/* KVM_SET_GUEST_DEBUG (4.87); capability SET_GUEST_DEBUG. -EINVAL: a flag that is not of this architecture. */
int kvmio_vcpu_set_guest_debug(const struct kvmio_vcpu *vcpu, const struct kvm_guest_debug *debug);

/*
 * Registers in kvm_run instead of by ioctl (5, "kvm_valid_regs"); capability SYNC_REGS, whose value is the
 * mask. VALID: those to be found in kvmio_vcpu_sync_regs after each run. DIRTY: those that the next run takes
 * from there; the kernel clears them. -EINVAL of that run: not in the mask.
 */
void kvmio_vcpu_set_sync_valid(struct kvmio_vcpu *vcpu, uint64_t regs);
void kvmio_vcpu_clear_sync_valid(struct kvmio_vcpu *vcpu, uint64_t regs);
void kvmio_vcpu_set_sync_dirty(struct kvmio_vcpu *vcpu, uint64_t regs);
void kvmio_vcpu_clear_sync_dirty(struct kvmio_vcpu *vcpu, uint64_t regs);
struct kvm_sync_regs *kvmio_vcpu_sync_regs(struct kvmio_vcpu *vcpu);

/* Bytes of the register ID names (4.68). */
size_t kvmio_reg_size(uint64_t id);

/*
 * KVM_GET/SET_ONE_REG (4.69, 4.68); aarch64, riscv64, newest x86_64; capability ONE_REG. Return the register's
 * size. -EINVAL: LEN is shorter than that; -ENOENT: no such register; -EPERM: not now.
 */
int kvmio_vcpu_get_one_reg(const struct kvmio_vcpu *vcpu, uint64_t id, void *data, size_t len);
int kvmio_vcpu_set_one_reg(
	const struct kvmio_vcpu *vcpu, uint64_t id, const void *data, size_t len);

/*
 * KVM_GET_REG_LIST (4.84); aarch64, riscv64, newest x86_64; capability ONE_REG. *N: how many REGS has room for;
 * on success and on -E2BIG how many there are. -ENOEXEC: the vCPU is not initialised (aarch64); -ENOMEM.
 */
int kvmio_vcpu_get_reg_list(const struct kvmio_vcpu *vcpu, uint64_t *regs, size_t *n);

/*
 * KVM_{HAS,SET,GET}_DEVICE_ATTR (4.80, 4.81) of a vCPU; capability VCPU_ATTRIBUTES. -ENXIO: no such attribute.
 */
int kvmio_vcpu_has_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr);
int kvmio_vcpu_set_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr);
int kvmio_vcpu_get_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr);

#ifdef __cplusplus
}
#endif

#endif
