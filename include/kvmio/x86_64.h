/* SPDX-License-Identifier: MIT */
/* What only x86_64 has. Included by kvmio.h. */
#ifndef KVMIO_X86_64_H
#define KVMIO_X86_64_H

#include <stddef.h>
#include <stdint.h>

#include "kvmio/vcpu_events.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kernel's limits. */
#define KVMIO_MAX_CPUID  256
#define KVMIO_MAX_MSRS   256
#define KVMIO_MAX_RANGES 16

/* ---- the system ---- */

/*
 * KVM_GET_SUPPORTED_CPUID (4.46; capability EXT_CPUID) and KVM_GET_EMULATED_CPUID (4.88; EXT_EMUL_CPUID): the
 * leaves that KVM can show a guest, and those it would have to emulate. Return how many were written to
 * ENTRIES, which has room for N. -ENOMEM: N is over KVMIO_MAX_CPUID; -E2BIG: N is too small.
 */
int kvmio_system_supported_cpuid(
	const struct kvmio_system *sys, struct kvm_cpuid_entry2 *entries, size_t n);
int kvmio_system_emulated_cpuid(
	const struct kvmio_system *sys, struct kvm_cpuid_entry2 *entries, size_t n);

/*
 * KVM_GET_MSR_INDEX_LIST and KVM_GET_MSR_FEATURE_INDEX_LIST (4.3; for the latter capability GET_MSR_FEATURES):
 * the MSRs to be saved with a vCPU, and those that describe the host's features. *N: how many INDICES has room
 * for; on success and on -E2BIG how many there are. -ENOMEM.
 */
int kvmio_system_msr_index_list(const struct kvmio_system *sys, uint32_t *indices, size_t *n);
int kvmio_system_msr_feature_index_list(
	const struct kvmio_system *sys, uint32_t *indices, size_t *n);

/*
 * KVM_GET_MSRS (4.18) of the system: feature MSRs; capability GET_MSR_FEATURES. Reads the N that ENTRIES name,
 * in order, and returns how many it could. -E2BIG: N is KVMIO_MAX_MSRS or more.
 */
int kvmio_system_get_msrs(const struct kvmio_system *sys, struct kvm_msr_entry *entries, size_t n);

/* ---- the VM ---- */

/*
 * KVM_SET_TSS_ADDR (4.36; capability SET_TSS_ADDR): three pages below 4 GiB, and KVM_SET_IDENTITY_MAP_ADDR
 * (4.40; SET_IDENTITY_MAP_ADDR): one page, which Intel's hosts need for real mode. No memory may be there.
 * -EINVAL: above that; there is a vCPU already (the identity map).
 */
int kvmio_vm_set_tss_addr(const struct kvmio_vm *vm, unsigned long gpa);
int kvmio_vm_set_identity_map_addr(const struct kvmio_vm *vm, uint64_t gpa);

/*
 * KVM_GET/SET_IRQCHIP (4.26, 4.27); capability IRQCHIP; chip->chip_id is KVM_IRQCHIP_*. -ENXIO: no irqchip;
 * -EINVAL: no such chip.
 */
int kvmio_vm_get_irqchip(const struct kvmio_vm *vm, struct kvm_irqchip *chip);
int kvmio_vm_set_irqchip(const struct kvmio_vm *vm, const struct kvm_irqchip *chip);

/*
 * KVM_CREATE_PIT2 (4.71; capability PIT2), after the irqchip; KVM_GET/SET_PIT2 (4.72, 4.73; PIT_STATE2).
 * -ENOENT: no irqchip (newer kernels); -EEXIST: there is one; -ENXIO: there is none.
 */
int kvmio_vm_create_pit2(const struct kvmio_vm *vm, const struct kvm_pit_config *config);
int kvmio_vm_get_pit2(const struct kvmio_vm *vm, struct kvm_pit_state2 *ret);
int kvmio_vm_set_pit2(const struct kvmio_vm *vm, const struct kvm_pit_state2 *pit);

/* KVM_GET/SET_CLOCK (4.29, 4.30); capability ADJUST_CLOCK. -EINVAL: a flag that is not for setting. */
int kvmio_vm_get_clock(const struct kvmio_vm *vm, struct kvm_clock_data *ret);
int kvmio_vm_set_clock(const struct kvmio_vm *vm, const struct kvm_clock_data *clock);

/* A range of a filter: a 1 in BITMAP allows, from BASE on, the accesses in FLAGS; a 0 denies them. */
struct kvmio_msr_range {
	uint32_t flags; /* KVM_MSR_FILTER_READ, KVM_MSR_FILTER_WRITE */
	uint32_t base;
	uint32_t count; /* of MSRs */
	const uint8_t *bitmap; /* borrowed for the call */
	size_t bitmap_len; /* bytes, at least (count + 7) / 8 */
};

/*
 * KVM_X86_SET_MSR_FILTER (4.97); capability X86_MSR_FILTER. FLAGS: KVM_MSR_FILTER_DEFAULT_ALLOW or _DENY for
 * MSRs in no range. Denied ones inject #GP, or exit with X86_USER_SPACE_MSR enabled. -EINVAL: more than
 * KVMIO_MAX_RANGES, a bitmap shorter than its count, a count beyond the kernel's limit, a range without flags;
 * no range and default deny.
 */
int kvmio_vm_set_msr_filter(
	const struct kvmio_vm *vm, uint32_t flags, const struct kvmio_msr_range *ranges, size_t n);

/* The same, nothing checked: the kernel reads each bitmap in whole longs. */
int kvmio_vm_set_msr_filter_unchecked(
	const struct kvmio_vm *vm, const struct kvm_msr_filter *filter);

/*
 * KVM_MEMORY_ENCRYPT_OP (4.110): OP is a struct kvm_sev_cmd or kvm_tdx_cmd, -EINVAL or -ENOTTY without such
 * hardware; the second also gives the firmware's own error in op->error. KVM_MEMORY_ENCRYPT_{REG,UNREG}_REGION
 * (4.111, 4.112): memory that the guest encrypts, pinned.
 */
int kvmio_vm_encrypt_op(const struct kvmio_vm *vm, void *op);
int kvmio_vm_encrypt_op_sev(const struct kvmio_vm *vm, struct kvm_sev_cmd *op);
int kvmio_vm_add_encrypted(const struct kvmio_vm *vm, const struct kvm_enc_region *region);
int kvmio_vm_remove_encrypted(const struct kvmio_vm *vm, const struct kvm_enc_region *region);

/* ---- the vCPU ---- */

/* KVM_GET/SET_REGS (4.11, 4.12), KVM_GET/SET_SREGS (4.13, 4.14). -EINVAL: a state no CPU can be in. */
int kvmio_vcpu_get_regs(const struct kvmio_vcpu *vcpu, struct kvm_regs *ret);
int kvmio_vcpu_set_regs(const struct kvmio_vcpu *vcpu, const struct kvm_regs *regs);
int kvmio_vcpu_get_sregs(const struct kvmio_vcpu *vcpu, struct kvm_sregs *ret);
int kvmio_vcpu_set_sregs(const struct kvmio_vcpu *vcpu, const struct kvm_sregs *sregs);

/* KVM_GET/SET_SREGS2 (4.131, 4.132); capability SREGS2: with PDPTRs, without pending interrupts. */
int kvmio_vcpu_get_sregs2(const struct kvmio_vcpu *vcpu, struct kvm_sregs2 *ret);
int kvmio_vcpu_set_sregs2(const struct kvmio_vcpu *vcpu, const struct kvm_sregs2 *sregs);

/* KVM_GET/SET_FPU (4.22, 4.23). */
int kvmio_vcpu_get_fpu(const struct kvmio_vcpu *vcpu, struct kvm_fpu *ret);
int kvmio_vcpu_set_fpu(const struct kvmio_vcpu *vcpu, const struct kvm_fpu *fpu);

/*
 * KVM_GET/SET_LAPIC (4.57, 4.58); capability IRQCHIP. -EINVAL: no LAPIC in the kernel.
 */
int kvmio_vcpu_get_lapic(const struct kvmio_vcpu *vcpu, struct kvm_lapic_state *ret);
int kvmio_vcpu_set_lapic(const struct kvmio_vcpu *vcpu, const struct kvm_lapic_state *lapic);

/*
 * KVM_SET_CPUID2 (4.20), KVM_GET_CPUID2; capability EXT_CPUID. Set before the first run. The second returns how
 * many were written to ENTRIES. -ENOMEM: N is over KVMIO_MAX_CPUID (getting); -E2BIG: it is (setting), or too
 * small (getting); -EINVAL: changed after a run.
 */
int kvmio_vcpu_set_cpuid2(
	const struct kvmio_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, size_t n);
int kvmio_vcpu_get_cpuid2(
	const struct kvmio_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, size_t n);

/*
 * KVM_GET/SET_MSRS (4.18, 4.19): N of them in order; return how many were done before one that could not.
 * -E2BIG: N is KVMIO_MAX_MSRS or more.
 */
int kvmio_vcpu_get_msrs(const struct kvmio_vcpu *vcpu, struct kvm_msr_entry *entries, size_t n);
int kvmio_vcpu_set_msrs(
	const struct kvmio_vcpu *vcpu, const struct kvm_msr_entry *entries, size_t n);

/*
 * KVM_GET/SET_XSAVE (4.42, 4.43), capability XSAVE, of 4096 bytes; -EINVAL: the guest's state is larger.
 * KVM_GET_XSAVE2 (4.134), capability XSAVE2, and KVM_SET_XSAVE of vcpu->xsave_size bytes; -EINVAL: LEN is less.
 */
int kvmio_vcpu_get_xsave(const struct kvmio_vcpu *vcpu, struct kvm_xsave *ret);
int kvmio_vcpu_set_xsave(const struct kvmio_vcpu *vcpu, const struct kvm_xsave *xsave);
int kvmio_vcpu_get_xsave2(const struct kvmio_vcpu *vcpu, void *buf, size_t len);
int kvmio_vcpu_set_xsave2(const struct kvmio_vcpu *vcpu, const void *buf, size_t len);

/* KVM_GET/SET_XCRS (4.44, 4.45); capability XCRS. -EINVAL: no XSAVE in the guest's CPUID. */
int kvmio_vcpu_get_xcrs(const struct kvmio_vcpu *vcpu, struct kvm_xcrs *ret);
int kvmio_vcpu_set_xcrs(const struct kvmio_vcpu *vcpu, const struct kvm_xcrs *xcrs);

/* KVM_GET/SET_DEBUGREGS (4.33, 4.34); capability DEBUGREGS. */
int kvmio_vcpu_get_debugregs(const struct kvmio_vcpu *vcpu, struct kvm_debugregs *ret);
int kvmio_vcpu_set_debugregs(const struct kvmio_vcpu *vcpu, const struct kvm_debugregs *regs);

/*
 * KVM_GET_TSC_KHZ (4.56; capability GET_TSC_KHZ), which returns kHz; KVM_SET_TSC_KHZ (4.55; TSC_CONTROL for
 * other than the host's). -EIO: the host's TSC is unstable; -EINVAL: cannot be had.
 */
int kvmio_vcpu_get_tsc_khz(const struct kvmio_vcpu *vcpu);
int kvmio_vcpu_set_tsc_khz(const struct kvmio_vcpu *vcpu, uint32_t khz);

/* The vCPU's attribute KVM_VCPU_TSC_OFFSET (4.80, devices/vcpu.rst): guest's TSC less host's. -ENXIO: absent. */
int kvmio_vcpu_get_tsc_offset(const struct kvmio_vcpu *vcpu, uint64_t *ret);
int kvmio_vcpu_set_tsc_offset(const struct kvmio_vcpu *vcpu, uint64_t offset);

/* KVM_TRANSLATE (4.15): what GVA is by the vCPU's page tables; look at ret->valid. */
int kvmio_vcpu_translate(const struct kvmio_vcpu *vcpu, uint64_t gva, struct kvm_translation *ret);

/* KVM_KVMCLOCK_CTRL (4.70; KVMCLOCK_CTRL): the guest was paused. -EINVAL: it has not set up its kvmclock. */
int kvmio_vcpu_kvmclock_ctrl(const struct kvmio_vcpu *vcpu);

/* KVM_NMI (4.64; USER_NMI), KVM_SMI (4.96; X86_SMM; without it -ENOTTY or -EINVAL): queues one. */
int kvmio_vcpu_nmi(const struct kvmio_vcpu *vcpu);
int kvmio_vcpu_smi(const struct kvmio_vcpu *vcpu);

/*
 * KVM_GET/SET_NESTED_STATE (4.114, 4.115); capability NESTED_STATE, whose value is the largest size. The buffer
 * begins with struct kvm_nested_state and is LEN bytes. Getting returns the bytes that were written. -EINVAL:
 * shorter than the header, or (setting) than its own `size`; -E2BIG: too short; -ENOTTY: without capability.
 */
int kvmio_vcpu_get_nested_state(
	const struct kvmio_vcpu *vcpu, struct kvm_nested_state *buf, size_t len);
int kvmio_vcpu_set_nested_state(
	const struct kvmio_vcpu *vcpu, const struct kvm_nested_state *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
