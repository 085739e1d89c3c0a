/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmio/private.h"

_Static_assert(sizeof(struct kvm_userspace_memory_region2) == 160, "as the kernel has it");
_Static_assert(sizeof(struct kvm_memory_attributes) == 32, "as the kernel has it");
_Static_assert(sizeof(struct kvm_create_guest_memfd) == 64, "as the kernel has it");

int kvmio_vm_set_memory(const struct kvmio_vm *vm, const struct kvm_userspace_memory_region *region)
{
	return kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, region);
}

int kvmio_vm_set_memory2(
	const struct kvmio_vm *vm, const struct kvm_userspace_memory_region2 *region)
{
	return kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, region);
}

int kvmio_vm_create_guest_memfd(const struct kvmio_vm *vm, uint64_t size, uint64_t flags)
{
	struct kvm_create_guest_memfd memfd = { .size = size, .flags = flags };

	return kvm_ioctl(vm->fd, KVM_CREATE_GUEST_MEMFD, &memfd);
}

int kvmio_vm_set_memory_attributes(
	const struct kvmio_vm *vm, uint64_t gpa, uint64_t size, uint64_t attributes)
{
	struct kvm_memory_attributes attrs = {
		.address = gpa,
		.size = size,
		.attributes = attributes,
	};

	return kvm_ioctl(vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &attrs);
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

size_t kvmio_dirty_words(uint64_t size)
{
	uint64_t page = page_size(), pages = size / page + !!(size % page);

	return (size_t)(pages / 64 + !!(pages % 64));
}

/*
 * The kernel writes as many bits as the slot has pages, whatever its caller believes. So it writes into a
 * mapping that ends where the bitmap should: a larger slot faults there.
 */
int kvmio_vm_get_dirty_log(
	const struct kvmio_vm *vm, uint32_t slot, uint64_t size, uint64_t *bitmap, size_t words)
{
	struct kvm_dirty_log log = { .slot = slot };
	size_t page = page_size(), need = kvmio_dirty_words(size), bytes, mapped;
	char *map;
	int r;

	if (need > words || need > (SIZE_MAX - 2 * page) / sizeof(*bitmap))
		return -EINVAL;
	bytes = need * sizeof(*bitmap);
	mapped = (bytes + page - 1) / page * page;
	map = mmap(NULL, mapped + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (mapped && mprotect(map, mapped, PROT_READ | PROT_WRITE) < 0) {
		r = -errno;
	} else {
		log.dirty_bitmap = map + mapped - bytes;
		r = kvm_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
		if (r >= 0)
			memcpy(bitmap, log.dirty_bitmap, bytes);
	}
	munmap(map, mapped + page);
	return r;
}

int kvmio_vm_enable_dirty_ring(struct kvmio_vm *vm, uint32_t size)
{
	static const uint32_t caps[] = {
		KVMIO_CAP_DIRTY_LOG_RING,
		KVMIO_CAP_DIRTY_LOG_RING_ACQ_REL,
	};
	const uint64_t args[4] = { size };
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		r = kvmio_vm_check_extension(vm, (long)caps[i]);
		if (r < 0)
			return r;
		if (r == 0) {
			r = -EINVAL;
			continue;
		}
		r = kvmio_vm_enable_cap(vm, caps[i], 0, args);
		if (r < 0)
			return r;
		vm->dirty_ring_size = size;
		return 0;
	}
	return r;
}

int kvmio_vm_reset_dirty_rings(const struct kvmio_vm *vm)
{
	return kvm_ioctl_value(vm->fd, KVM_RESET_DIRTY_RINGS, 0);
}
