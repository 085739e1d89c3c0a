/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "kvmio/private.h"

int kvmio_vm_create_with_type(
	struct kvmio_vm *vm, const struct kvmio_system *sys, unsigned long type)
{
	int size = kvmio_system_vcpu_mmap_size(sys), fd;

	if (size < 0)
		return size;
	fd = kvm_ioctl_value(sys->fd, KVM_CREATE_VM, type);
	if (fd < 0)
		return fd;
	kvmio_vm_from_fd(vm, fd, (size_t)size);
	return 0;
}

int kvmio_vm_create(struct kvmio_vm *vm, const struct kvmio_system *sys)
{
	long type = kvmio_arch_vm_type(sys);

	if (type < 0)
		return (int)type;
	return kvmio_vm_create_with_type(vm, sys, (unsigned long)type);
}

void kvmio_vm_from_fd(struct kvmio_vm *vm, int fd, size_t run_size)
{
	*vm = (struct kvmio_vm){ .fd = fd, .run_size = run_size };
}

void kvmio_vm_release(struct kvmio_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	kvmio_vm_from_fd(vm, -1, 0);
}

int kvmio_vm_check_extension(const struct kvmio_vm *vm, long cap)
{
	return kvm_ioctl_value(vm->fd, KVM_CHECK_EXTENSION, (unsigned long)cap);
}

int kvmio_enable_cap(int fd, uint32_t cap, uint32_t flags, const uint64_t args[4])
{
	struct kvm_enable_cap enable = { .cap = cap, .flags = flags };

	if (args)
		memcpy(enable.args, args, sizeof(enable.args));
	return kvm_ioctl(fd, KVM_ENABLE_CAP, &enable);
}

int kvmio_vm_enable_cap(
	const struct kvmio_vm *vm, uint32_t cap, uint32_t flags, const uint64_t args[4])
{
	return kvmio_enable_cap(vm->fd, cap, flags, args);
}

int kvmio_vm_has_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vm->fd, KVM_HAS_DEVICE_ATTR, attr);
}

int kvmio_vm_set_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vm->fd, KVM_SET_DEVICE_ATTR, attr);
}

int kvmio_vm_get_attr(const struct kvmio_vm *vm, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vm->fd, KVM_GET_DEVICE_ATTR, attr);
}
