/* SPDX-License-Identifier: MIT */
/* What only aarch64 has. Included by kvmio.h. */
#ifndef KVMIO_AARCH64_H
#define KVMIO_AARCH64_H

#include "kvmio/vcpu_events.h"

/*
 * An attribute of the VM (Documentation/virt/kvm/devices/vm.rst, 5), Linux 6.4: which of the guest's SMC and HVC
 * calls the kernel handles, denies, or hands to the monitor as KVMIO_EXIT_HYPERCALL. Before the first run.
 */
#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL   0
#define KVM_ARM_VM_SMCCC_FILTER 0
enum kvm_smccc_filter_action {
	KVM_SMCCC_FILTER_HANDLE,
	KVM_SMCCC_FILTER_DENY,
	KVM_SMCCC_FILTER_FWD_TO_USER,
};
struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Capability ARM_VM_IPA_SIZE (4.2): bits of the largest intermediate physical address; 40 if it is absent. */
int kvmio_system_ipa_bits(const struct kvmio_system *sys);

/* KVM_CREATE_VM (4.2) with an intermediate physical address space of that many bits. -EINVAL: not so many. */
int kvmio_vm_create_with_ipa_bits(
	struct kvmio_vm *vm, const struct kvmio_system *sys, unsigned int bits);

/* Capabilities GUEST_DEBUG_HW_BPS and GUEST_DEBUG_HW_WPS (4.87): how many break- and watchpoints a guest has. */
int kvmio_system_guest_debug_hw_bps(const struct kvmio_system *sys);
int kvmio_system_guest_debug_hw_wps(const struct kvmio_system *sys);

/* KVM_ARM_PREFERRED_TARGET (4.83): what kvmio_vcpu_init wants on this host; features are all 0. */
int kvmio_vm_preferred_target(const struct kvmio_vm *vm, struct kvm_vcpu_init *ret);

/*
 * KVM_ARM_VCPU_INIT (4.82): before anything else of a vCPU; again to reset it. -EINVAL: another target or
 * features than before; -ENOENT: a feature that the host lacks.
 */
int kvmio_vcpu_init(const struct kvmio_vcpu *vcpu, const struct kvm_vcpu_init *init);

/* KVM_ARM_VCPU_FINALIZE (4.119), after init: KVM_ARM_VCPU_SVE. -EPERM: done already, or not asked for. */
int kvmio_vcpu_finalize(const struct kvmio_vcpu *vcpu, int feature);

#ifdef __cplusplus
}
#endif

#endif
