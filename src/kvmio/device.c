/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "kvmio/private.h"

int kvmio_device_create(
	struct kvmio_device *dev, const struct kvmio_vm *vm, uint32_t type, uint32_t flags)
{
	struct kvm_create_device create = { .type = type, .flags = flags };
	int r = kvm_ioctl(vm->fd, KVM_CREATE_DEVICE, &create);

	if (r < 0)
		return r;
	if (!(flags & KVM_CREATE_DEVICE_TEST))
		kvmio_device_from_fd(dev, (int)create.fd);
	return 0;
}

void kvmio_device_from_fd(struct kvmio_device *dev, int fd)
{
	*dev = (struct kvmio_device){ .fd = fd };
}

void kvmio_device_release(struct kvmio_device *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	kvmio_device_from_fd(dev, -1);
}

int kvmio_device_has_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(dev->fd, KVM_HAS_DEVICE_ATTR, attr);
}

int kvmio_device_set_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(dev->fd, KVM_SET_DEVICE_ATTR, attr);
}

int kvmio_device_get_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(dev->fd, KVM_GET_DEVICE_ATTR, attr);
}
