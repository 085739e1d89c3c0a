/* SPDX-License-Identifier: MIT */
/* Interrupts: controllers, lines, messages, routes and the eventfds behind them. Included by kvmio.h. */
#ifndef KVMIO_IRQ_H
#define KVMIO_IRQ_H

#include "kvmio/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * KVM_CREATE_IRQCHIP (4.24); x86_64: PIC, IOAPIC and a LAPIC per vCPU, before the vCPUs; aarch64: a GICv2.
 * Capability IRQCHIP. riscv64 has a device instead. -EEXIST: there is one, or a vCPU.
 */
int kvmio_vm_create_irqchip(const struct kvmio_vm *vm);

/*
 * KVM_IRQ_LINE (4.25); capability IRQCHIP. GSI is read per architecture. -ENXIO, -EINVAL: no irqchip, no such
 * line.
 */
int kvmio_vm_set_irq_line(const struct kvmio_vm *vm, uint32_t gsi, bool level);

/*
 * KVM_SIGNAL_MSI (4.71); capability SIGNAL_MSI. Returns 1 if delivered, 0 if the guest blocked it. -EINVAL,
 * -ENXIO: no irqchip to take it.
 */
int kvmio_vm_signal_msi(const struct kvmio_vm *vm, const struct kvm_msi *msi);

/* The kernel's limit of routes. */
#define KVMIO_MAX_ROUTES 4096

/*
 * KVM_SET_GSI_ROUTING (4.52); capability IRQ_ROUTING. Replaces all routes by the N given. -EINVAL: more than
 * KVMIO_MAX_ROUTES, or a route that is not one; x86_64 without an irqchip too.
 */
int kvmio_vm_set_gsi_routing(
	const struct kvmio_vm *vm, const struct kvm_irq_routing_entry *routes, size_t n);

/*
 * KVM_IRQFD (4.75); capability IRQFD. EVENTFD, when written, raises GSI. With RESAMPLEFD >= 0 (capability
 * IRQFD_RESAMPLE) the line is level-triggered: it falls when the guest acknowledges, and RESAMPLEFD is rung
 * so that the device may raise it again. Both are borrowed. -EBUSY: EVENTFD is in use; -EINVAL: no irqchip, or
 * not eventfds.
 */
int kvmio_vm_add_irqfd(const struct kvmio_vm *vm, int eventfd, uint32_t gsi, int resamplefd);

/* Takes it away again; one that is not there is no error. */
int kvmio_vm_remove_irqfd(const struct kvmio_vm *vm, int eventfd, uint32_t gsi);

#ifdef __cplusplus
}
#endif

#endif
