/* SPDX-License-Identifier: MIT */
/*
 * Both rings have the kernel as their producer on another CPU, so each index or flag that hands an entry over is
 * read with acquire and written with release.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "kvmio/private.h"

/* The page is part of the vCPU's mapping where the kernel has the ring (KVM_GET_VCPU_MMAP_SIZE). */
static struct kvm_coalesced_mmio_ring *coalesced_ring(const struct kvmio_vcpu *vcpu, uint32_t *max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), at = KVM_COALESCED_MMIO_PAGE_OFFSET * page;

	if (!vcpu->run || vcpu->run_size < at + page)
		return NULL;
	*max = (uint32_t)((page - sizeof(struct kvm_coalesced_mmio_ring)) /
			  sizeof(struct kvm_coalesced_mmio));
	return (void *)((char *)vcpu->run + at);
}

int kvmio_vcpu_coalesced_size(const struct kvmio_vcpu *vcpu)
{
	uint32_t max;

	/* One entry stays free, to tell full from empty. */
	return coalesced_ring(vcpu, &max) ? (int)max - 1 : -EIO;
}

int kvmio_vcpu_read_coalesced(struct kvmio_vcpu *vcpu, struct kvm_coalesced_mmio *ret)
{
	uint32_t max, first;
	struct kvm_coalesced_mmio_ring *ring = coalesced_ring(vcpu, &max);

	if (!ring)
		return -EIO;
	first = ring->first;
	if (first == __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE) || first >= max)
		return 0;
	*ret = ring->coalesced_mmio[first];
	__atomic_store_n(&ring->first, (first + 1) % max, __ATOMIC_RELEASE);
	return 1;
}

int kvmio_vcpu_map_dirty_ring(struct kvmio_vcpu *vcpu)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map;

	/* Without a ring the kernel would map it all the same, and a touch of it would be SIGBUS. */
	if (!vcpu->dirty_ring_size)
		return -EINVAL;
	if (vcpu->dirty_ring)
		return -EBUSY;
	map = mmap(NULL, vcpu->dirty_ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
		(off_t)(KVMIO_DIRTY_RING_PAGE * page));
	if (map == MAP_FAILED)
		return -errno;
	vcpu->dirty_ring = map;
	vcpu->dirty_slots = vcpu->dirty_ring_size / sizeof(*vcpu->dirty_ring);
	vcpu->dirty_next = 0;
	return 0;
}

int kvmio_vcpu_harvest_dirty(struct kvmio_vcpu *vcpu, struct kvmio_dirty_page *pages, size_t n)
{
	size_t taken = 0;

	if (!vcpu->dirty_ring)
		return -EINVAL;
	if (n > INT32_MAX)
		n = INT32_MAX;
	while (taken < n) {
		struct kvm_dirty_gfn *gfn = &vcpu->dirty_ring[vcpu->dirty_next];

		if (__atomic_load_n(&gfn->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		pages[taken].slot = gfn->slot;
		pages[taken].page = gfn->offset;
		taken++;
		__atomic_store_n(&gfn->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		vcpu->dirty_next = (vcpu->dirty_next + 1) % vcpu->dirty_slots;
	}
	return (int)taken;
}
