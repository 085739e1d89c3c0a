/* SPDX-License-Identifier: MIT */
/* Pending exceptions and interrupts: x86_64 and aarch64. Included by their headers. */
#ifndef KVMIO_VCPU_EVENTS_H
#define KVMIO_VCPU_EVENTS_H

#include "kvmio/vcpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * KVM_GET/SET_VCPU_EVENTS (4.31, 4.32); x86_64, aarch64; capability VCPU_EVENTS. -EINVAL: a flag or state that
 * is not one.
 */
int kvmio_vcpu_get_events(const struct kvmio_vcpu *vcpu, struct kvm_vcpu_events *ret);
int kvmio_vcpu_set_events(const struct kvmio_vcpu *vcpu, const struct kvm_vcpu_events *events);

#ifdef __cplusplus
}
#endif

#endif
