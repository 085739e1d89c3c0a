/* SPDX-License-Identifier: MIT */
/* Devices that the kernel emulates: VFIO, the vGIC, the AIA. Included by kvmio.h. */
#ifndef KVMIO_DEVICE_H
#define KVMIO_DEVICE_H

#include "kvmio/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kvmio_device {
	int fd; /* owned */
};

#define KVMIO_DEVICE_INIT \
	{                 \
		.fd = -1  \
	}

/*
 * KVM_CREATE_DEVICE (4.79); capability DEVICE_CTRL (x86_64 has it without saying so before 6.3). TYPE is KVM_DEV_TYPE_*; FLAGS 0 or KVM_CREATE_DEVICE_TEST,
 * which only asks and leaves DEV alone. -ENODEV: no such type; -EEXIST: there is one already.
 */
int kvmio_device_create(
	struct kvmio_device *dev, const struct kvmio_vm *vm, uint32_t type, uint32_t flags);

/* Takes over a device's descriptor. */
void kvmio_device_from_fd(struct kvmio_device *dev, int fd);

/* Closes it; a closed one is left alone. The device stays with its VM. */
void kvmio_device_release(struct kvmio_device *dev);

/*
 * KVM_{HAS,SET,GET}_DEVICE_ATTR (4.80, 4.81); capability DEVICE_CTRL. attr->addr points to the value, whose
 * size the attribute's document gives. -ENXIO: no such attribute; -EPERM: not with this kind of device.
 */
int kvmio_device_has_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr);
int kvmio_device_set_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr);
int kvmio_device_get_attr(const struct kvmio_device *dev, const struct kvm_device_attr *attr);

#ifdef __cplusplus
}
#endif

#endif
