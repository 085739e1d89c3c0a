/* SPDX-License-Identifier: MIT */
/* Lists that the kernel takes with their length in front: by the system and by a vCPU. */
#ifndef KVMIO_LISTS_X86_64_H
#define KVMIO_LISTS_X86_64_H

#include "kvmio/private.h"

/* KVM_GET_{SUPPORTED,EMULATED}_CPUID and KVM_GET_CPUID2: the number of entries written. */
HIDDEN int kvmio_get_cpuid(
	int fd, unsigned long request, struct kvm_cpuid_entry2 *entries, size_t n);

/* KVM_GET_MSRS and KVM_SET_MSRS: the number of MSRs done. */
HIDDEN int kvmio_get_msrs(int fd, struct kvm_msr_entry *entries, size_t n);
HIDDEN int kvmio_set_msrs(int fd, const struct kvm_msr_entry *entries, size_t n);

/* KVM_SET_CPUID2 */
HIDDEN int kvmio_set_cpuid(int fd, const struct kvm_cpuid_entry2 *entries, size_t n);

#endif
