/* SPDX-License-Identifier: MIT */
/* Rings that the kernel shares with its user: coalesced writes, dirty pages. Included by kvmio.h. */
#ifndef KVMIO_RING_H
#define KVMIO_RING_H

#include "kvmio/vcpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Takes the oldest write from the ring of coalesced MMIO and PIO (4.116); capability COALESCED_MMIO. The ring is
 * the VM's, seen through any vCPU: one reader at a time. Returns 1, or 0 when it is empty. -EIO: the vCPU's
 * mapping has no such ring.
 */
int kvmio_vcpu_read_coalesced(struct kvmio_vcpu *vcpu, struct kvm_coalesced_mmio *ret);

/* How many writes the ring holds at most, or -EIO; older kernels call it full before that. */
int kvmio_vcpu_coalesced_size(const struct kvmio_vcpu *vcpu);

struct kvmio_dirty_page {
	uint32_t slot; /* bits 0 to 15 the memslot, 16 to 31 the address space (SMM) */
	uint64_t page; /* counted from the slot's first */
};

/*
 * Maps this vCPU's dirty ring (8.29), once; kvmio_vm_enable_dirty_ring came before the vCPU. -EINVAL: it has
 * none; -EBUSY: it is mapped.
 */
int kvmio_vcpu_map_dirty_ring(struct kvmio_vcpu *vcpu);

/*
 * Takes up to N pages from the mapped ring, oldest first, and returns how many. The same page may come more
 * than once. Their room is free again after kvmio_vm_reset_dirty_rings, which must not run meanwhile. The
 * vCPU may run in another thread. -EINVAL: the ring is not mapped.
 */
int kvmio_vcpu_harvest_dirty(struct kvmio_vcpu *vcpu, struct kvmio_dirty_page *pages, size_t n);

#ifdef __cplusplus
}
#endif

#endif
