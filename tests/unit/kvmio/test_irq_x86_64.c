/* SPDX-License-Identifier: MIT */
/* Interrupt controllers, lines, messages and routes, as x86_64 has them. */
#include <unistd.h>

#include "harness.h"

static void rig_irqchip(struct rig *rig)
{
	rig_vm(rig);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
}

static void a_line_needs_an_irqchip(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, true), -ENXIO);
	rig_irqchip(rig);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, true), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, false), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, true), 0);
}

static void an_irqfd_comes_and_goes(void **state)
{
	struct rig *rig = rig_of(state);
	int a = rig_eventfd(rig, 0), b = rig_eventfd(rig, 1);

	rig_irqchip(rig);
	need_cap(rig, KVMIO_CAP_IRQFD);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, -1), 0);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, b, 8, -1), 0);
	/* One eventfd, one line. */
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, b, 9, -1), -EBUSY);
	assert_int_equal(kvmio_vm_remove_irqfd(&rig->vm, b, 8), 0);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, b, 9, -1), 0);
	/* Taking away what is not there is no error. */
	assert_int_equal(kvmio_vm_remove_irqfd(&rig->vm, b, 11), 0);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, -1, 4, -1), -EBADF);
}

static void an_irqfd_with_resampling_needs_two_eventfds(void **state)
{
	struct rig *rig = rig_of(state);
	int a = rig_eventfd(rig, 0), b = rig_eventfd(rig, 1);

	rig_irqchip(rig);
	need_cap(rig, KVMIO_CAP_IRQFD_RESAMPLE);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, rig->sys.fd), -EINVAL);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, b), 0);
	assert_int_equal(kvmio_vm_remove_irqfd(&rig->vm, a, 4), 0);
}

static void a_message_needs_someone_to_take_it(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x30 };

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_SIGNAL_MSI);
	assert_true(kvmio_vm_signal_msi(&rig->vm, &msi) < 0);
	rig_irqchip(rig);
	/* No vCPU, or one whose LAPIC is not enabled, takes nothing. */
	assert_true(kvmio_vm_signal_msi(&rig->vm, &msi) <= 0);
}

static void routes_are_replaced_as_a_whole(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_irq_routing_entry routes[2] = {
		{
			.gsi = 10,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, 10 },
		},
		{
			.gsi = 24,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = 0x30 },
		},
	};

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_IRQ_ROUTING);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, 2), -EINVAL);
	rig_irqchip(rig);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, 2), 0);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, NULL, 0), 0);
	routes[0].type = 77;
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, 2), -EINVAL);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, KVMIO_MAX_ROUTES + 1), -EINVAL);
}

static void half_an_irqchip_is_enabled_as_a_capability(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t args[4] = { 24 };
	struct kvm_lapic_state lapic;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_SPLIT_IRQCHIP);
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, KVMIO_CAP_SPLIT_IRQCHIP, 0, args), 0);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), -EEXIST);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_lapic(&rig->vcpu, &lapic), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(a_line_needs_an_irqchip),
		with_rig(an_irqfd_comes_and_goes),
		with_rig(an_irqfd_with_resampling_needs_two_eventfds),
		with_rig(a_message_needs_someone_to_take_it),
		with_rig(routes_are_replaced_as_a_whole),
		with_rig(half_an_irqchip_is_enabled_as_a_capability),
	};

	return cmocka_run_group_tests_name("kvmio/irq_x86_64", tests, NULL, NULL);
}
