/* SPDX-License-Identifier: MIT */
#include "kvmio/private.h"

/* What KVM_CREATE_VM takes 0 for. */
#define DEFAULT_IPA_BITS 40

int kvmio_system_ipa_bits(const struct kvmio_system *sys)
{
	int bits = kvmio_system_check_extension(sys, KVMIO_CAP_ARM_VM_IPA_SIZE);

	return bits ? bits : DEFAULT_IPA_BITS;
}

long kvmio_arch_vm_type(const struct kvmio_system *sys)
{
	/* A kernel that cannot tell its limit takes no other type than 0. */
	int bits = kvmio_system_check_extension(sys, KVMIO_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 ? (long)KVM_VM_TYPE_ARM_IPA_SIZE((unsigned int)bits) : bits;
}

int kvmio_vm_create_with_ipa_bits(
	struct kvmio_vm *vm, const struct kvmio_system *sys, unsigned int bits)
{
	if (bits > KVM_VM_TYPE_ARM_IPA_SIZE_MASK)
		return -EINVAL;
	return kvmio_vm_create_with_type(vm, sys, bits);
}

int kvmio_system_guest_debug_hw_bps(const struct kvmio_system *sys)
{
	return kvmio_system_check_extension(sys, KVMIO_CAP_GUEST_DEBUG_HW_BPS);
}

int kvmio_system_guest_debug_hw_wps(const struct kvmio_system *sys)
{
	return kvmio_system_check_extension(sys, KVMIO_CAP_GUEST_DEBUG_HW_WPS);
}

int kvmio_vm_preferred_target(const struct kvmio_vm *vm, struct kvm_vcpu_init *ret)
{
	return kvm_ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, ret);
}

int kvmio_vcpu_init(const struct kvmio_vcpu *vcpu, const struct kvm_vcpu_init *init)
{
	return kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, init);
}

int kvmio_vcpu_finalize(const struct kvmio_vcpu *vcpu, int feature)
{
	return kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature);
}

int kvmio_arch_vcpu_setup(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm)
{
	return 0;
}
