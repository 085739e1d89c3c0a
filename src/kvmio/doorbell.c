/* SPDX-License-Identifier: MIT */
/* Writes of the guest that do not stop it: eventfds to ring, writes to be gathered. */
#include "kvmio/private.h"

static int ioevent(
	const struct kvmio_vm *vm, int eventfd, const struct kvmio_ioevent *at, uint32_t flags)
{
	struct kvm_ioeventfd io = {
		.datamatch = at->match ? at->value : 0,
		.addr = at->addr,
		.len = at->len,
		.fd = eventfd,
		.flags = flags,
	};

	if (at->space == KVMIO_PIO)
		io.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (at->match)
		io.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	return kvm_ioctl(vm->fd, KVM_IOEVENTFD, &io);
}

int kvmio_vm_add_ioevent(const struct kvmio_vm *vm, int eventfd, const struct kvmio_ioevent *at)
{
	return ioevent(vm, eventfd, at, 0);
}

int kvmio_vm_remove_ioevent(const struct kvmio_vm *vm, int eventfd, const struct kvmio_ioevent *at)
{
	return ioevent(vm, eventfd, at, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static int coalesced(const struct kvmio_vm *vm, unsigned long request, enum kvmio_io_space space,
	uint64_t addr, uint32_t size)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = addr,
		.size = size,
		.pio = space == KVMIO_PIO,
	};

	return kvm_ioctl(vm->fd, request, &zone);
}

int kvmio_vm_add_coalesced(
	const struct kvmio_vm *vm, enum kvmio_io_space space, uint64_t addr, uint32_t size)
{
	return coalesced(vm, KVM_REGISTER_COALESCED_MMIO, space, addr, size);
}

int kvmio_vm_remove_coalesced(
	const struct kvmio_vm *vm, enum kvmio_io_space space, uint64_t addr, uint32_t size)
{
	return coalesced(vm, KVM_UNREGISTER_COALESCED_MMIO, space, addr, size);
}
