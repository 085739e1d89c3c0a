/* SPDX-License-Identifier: MIT */
/* A virtual machine: its memory, its dirty pages, its devices' doorbells. Included by kvmio.h. */
#ifndef KVMIO_VM_H
#define KVMIO_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvmio/system.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kvmio_vm {
	int fd; /* owned */
	size_t run_size; /* of each vCPU's mapping, bytes */
	uint32_t dirty_ring_size; /* of each vCPU's dirty ring, bytes; 0: none */
};

#define KVMIO_VM_INIT    \
	{                \
		.fd = -1 \
	}

/*
 * KVM_CREATE_VM (4.2) of the type that suits this architecture: 0; on aarch64 the largest intermediate
 * physical address space that the host has. -EBUSY, -ENOMEM: try later; -EPERM: not allowed.
 */
int kvmio_vm_create(struct kvmio_vm *vm, const struct kvmio_system *sys);

/* The same of the given type. -EINVAL: no such type (x86: see KVM_CAP_VM_TYPES). */
int kvmio_vm_create_with_type(
	struct kvmio_vm *vm, const struct kvmio_system *sys, unsigned long type);

/*
 * Takes over the descriptor of a VM. RUN_SIZE: kvmio_system_vcpu_mmap_size. A dirty ring that was enabled
 * through another struct is to be told in vm->dirty_ring_size.
 */
void kvmio_vm_from_fd(struct kvmio_vm *vm, int fd, size_t run_size);

/* Closes it; a closed one is left alone. Memory given to the guest stays the caller's. */
void kvmio_vm_release(struct kvmio_vm *vm);

/* KVM_CHECK_EXTENSION (4.4) of this VM; capability CHECK_EXTENSION_VM. */
int kvmio_vm_check_extension(const struct kvmio_vm *vm, long cap);

/*
 * KVM_ENABLE_CAP (4.37) of a VM; capability ENABLE_CAP_VM. ARGS may be NULL for none. -EINVAL: not one to be
 * enabled, here or now; -EEXIST: too late.
 */
int kvmio_vm_enable_cap(
	const struct kvmio_vm *vm, uint32_t cap, uint32_t flags, const uint64_t args[4]);

/*
 * KVM_SET_USER_MEMORY_REGION (4.35); capability USER_MEMORY. The memory at userspace_addr is borrowed until
 * the slot is changed or the VM gone. A size of 0 deletes the slot. -EINVAL: not aligned, no such slot number;
 * -EEXIST: overlaps another slot.
 */
int kvmio_vm_set_memory(
	const struct kvmio_vm *vm, const struct kvm_userspace_memory_region *region);

/* KVM_SET_USER_MEMORY_REGION2 (4.140); capability USER_MEMORY2. Also takes a guest_memfd. */
int kvmio_vm_set_memory2(
	const struct kvmio_vm *vm, const struct kvm_userspace_memory_region2 *region);

/* KVM_CREATE_GUEST_MEMFD (4.142); capability GUEST_MEMFD. Returns a descriptor that the caller owns. */
int kvmio_vm_create_guest_memfd(const struct kvmio_vm *vm, uint64_t size, uint64_t flags);

/*
 * KVM_SET_MEMORY_ATTRIBUTES (4.141); x86_64, aarch64; capability MEMORY_ATTRIBUTES, whose value is the mask of
 * attributes there are. -EINVAL: not page-aligned, unknown attribute.
 */
int kvmio_vm_set_memory_attributes(
	const struct kvmio_vm *vm, uint64_t gpa, uint64_t size, uint64_t attributes);

/* 64-bit words of the dirty bitmap of a slot of SIZE bytes. */
size_t kvmio_dirty_words(uint64_t size);

/*
 * KVM_GET_DIRTY_LOG (4.8): the pages of a slot written since the last call, a bit each from the lowest
 * address, and clears the kernel's own record. SIZE is that of the slot in bytes, BITMAP has
 * kvmio_dirty_words(SIZE) words. -EINVAL: WORDS are fewer, or no such slot number; -ENOENT: the slot is empty
 * or not logged; -EFAULT: the slot is larger than SIZE (then the record is lost); -ENXIO: the VM has a dirty
 * ring in place of bitmaps.
 */
int kvmio_vm_get_dirty_log(
	const struct kvmio_vm *vm, uint32_t slot, uint64_t size, uint64_t *bitmap, size_t words);

/*
 * Capability DIRTY_LOG_RING or, where only that exists, DIRTY_LOG_RING_ACQ_REL, enabled (8.29): writes are told
 * page by page in a ring of SIZE bytes per vCPU (a power of two, a page or more, at most the capability's
 * value). Before the first vCPU. Changes VM. -EINVAL: no such capability or size; -EEXIST: too late; -E2BIG.
 */
int kvmio_vm_enable_dirty_ring(struct kvmio_vm *vm, uint32_t size);

/*
 * KVM_RESET_DIRTY_RINGS (8.29): write-protects again what was harvested of all rings; returns the number of
 * pages. Call it with no harvest under way. -EINVAL: no dirty ring.
 */
int kvmio_vm_reset_dirty_rings(const struct kvmio_vm *vm);

enum kvmio_io_space {
	KVMIO_MMIO,
	KVMIO_PIO, /* x86_64 */
};

/* Where a write of the guest rings an eventfd. */
struct kvmio_ioevent {
	enum kvmio_io_space space;
	uint64_t addr; /* GPA or port */
	uint32_t len; /* 1, 2, 4, 8 bytes; 0: any (capability IOEVENTFD_ANY_LENGTH), and no match */
	bool match; /* only when the guest writes VALUE */
	uint64_t value;
};

/*
 * KVM_IOEVENTFD (4.59); capability IOEVENTFD. EVENTFD is borrowed: the kernel holds the file, not the number.
 * -EINVAL: no such width, or a match of any width; -EEXIST: one like it is there; -ENOENT: none to remove.
 */
int kvmio_vm_add_ioevent(const struct kvmio_vm *vm, int eventfd, const struct kvmio_ioevent *at);
int kvmio_vm_remove_ioevent(const struct kvmio_vm *vm, int eventfd, const struct kvmio_ioevent *at);

/*
 * KVM_(UN)REGISTER_COALESCED_MMIO (4.116); capability COALESCED_MMIO, for KVMIO_PIO COALESCED_PIO. Writes to
 * the zone are gathered in a ring (kvmio/ring.h) and exit only when it is full. -ENOSPC: too many zones;
 * -EINVAL: not that space.
 */
int kvmio_vm_add_coalesced(
	const struct kvmio_vm *vm, enum kvmio_io_space space, uint64_t addr, uint32_t size);
int kvmio_vm_remove_coalesced(
	const struct kvmio_vm *vm, enum kvmio_io_space space, uint64_t addr, uint32_t size);

/* KVM_{HAS,SET,GET}_DEVICE_ATTR (4.80, 4.81) of a VM; capability VM_ATTRIBUTES. -ENXIO: no such attribute. */
int kvmio_vm_has_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr);
int kvmio_vm_set_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr);
int kvmio_vm_get_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr);

#ifdef __cplusplus
}
#endif

#endif
