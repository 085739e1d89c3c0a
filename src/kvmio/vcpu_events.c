/* SPDX-License-Identifier: MIT */
/* x86_64 and aarch64; riscv64 has no such struct. */
#include "kvmio/private.h"

int kvmio_vcpu_get_events(const struct kvmio_vcpu *vcpu, struct kvm_vcpu_events *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, ret);
}

int kvmio_vcpu_set_events(const struct kvmio_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, events);
}
