/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "kvmio/private.h"

int kvmio_vm_create_irqchip(const struct kvmio_vm *vm)
{
	return kvm_ioctl_value(vm->fd, KVM_CREATE_IRQCHIP, 0);
}

int kvmio_vm_set_irq_line(const struct kvmio_vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return kvm_ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

int kvmio_vm_signal_msi(const struct kvmio_vm *vm, const struct kvm_msi *msi)
{
	return kvm_ioctl(vm->fd, KVM_SIGNAL_MSI, msi);
}

int kvmio_vm_set_gsi_routing(
	const struct kvmio_vm *vm, const struct kvm_irq_routing_entry *routes, size_t n)
{
	struct kvm_irq_routing *routing;
	int r;

	if (n > KVMIO_MAX_ROUTES)
		return -EINVAL;
	routing = calloc(1, sizeof(*routing) + n * sizeof(*routes));
	if (!routing)
		return -ENOMEM;
	routing->nr = (uint32_t)n;
	if (n)
		memcpy(routing->entries, routes, n * sizeof(*routes));
	r = kvm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing);
	free(routing);
	return r;
}

int kvmio_vm_add_irqfd(const struct kvmio_vm *vm, int eventfd, uint32_t gsi, int resamplefd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)eventfd, .gsi = gsi };

	if (resamplefd >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = (uint32_t)resamplefd;
	}
	return kvm_ioctl(vm->fd, KVM_IRQFD, &irqfd);
}

int kvmio_vm_remove_irqfd(const struct kvmio_vm *vm, int eventfd, uint32_t gsi)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	return kvm_ioctl(vm->fd, KVM_IRQFD, &irqfd);
}
