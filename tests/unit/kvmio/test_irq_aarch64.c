/* SPDX-License-Identifier: MIT */
/* Interrupt controllers, lines, messages and routes, as aarch64 has them: what was raised is seen in the vGIC. */
#include <time.h>
#include <unistd.h>

#include "harness_aarch64.h"

#define SPI(n) (KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (n))

#define GICD_ISPENDR 0x200
#define GICD_ICFGR   0xc00

static uint32_t gicd(struct rig *rig, uint32_t offset)
{
	uint32_t value = 0;
	const struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
		.attr = offset,
		.addr = (uintptr_t)&value,
	};

	assert_int_equal(kvmio_device_get_attr(&rig->dev, &attr), 0);
	return value;
}

/* Interrupts 32 to 63: one of edges stays pending until it is taken. */
static void configure(struct rig *rig, bool edges)
{
	uint32_t all = edges ? 0xaaaaaaaa : 0;

	for (uint32_t offset = GICD_ICFGR + 8; offset <= GICD_ICFGR + 12; offset += 4) {
		const struct kvm_device_attr attr = {
			.group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			.attr = offset,
			.addr = (uintptr_t)&all,
		};

		assert_int_equal(kvmio_device_set_attr(&rig->dev, &attr), 0);
	}
}

/* A bit for each of interrupt 32 to 63. */
static uint32_t pending(struct rig *rig)
{
	return gicd(rig, GICD_ISPENDR + 4);
}

/* An eventfd's interrupt comes by a worker of the kernel's: asks until it is there, for two seconds. */
static uint32_t soon(uint32_t (*what)(struct rig *), struct rig *rig)
{
	const struct timespec moment = { .tv_nsec = 5000000 };

	for (int i = 0; i < 400 && what(rig) == 0; i++)
		nanosleep(&moment, NULL);
	return what(rig);
}

static void ring(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void rig_gic_of_edges(struct rig *rig, const char *test)
{
	rig_make_gic(rig, test);
	rig_gic_ready(rig);
	configure(rig, true);
}

static void the_irqchip_is_a_gic_v2(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_device none = KVMIO_DEVICE_INIT;
	int r;

	rig_vm(rig);
	r = kvmio_device_create(&none, &rig->vm, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_CREATE_DEVICE_TEST);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), r);
	if (r == 0)
		assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), -EEXIST);
}

static void a_line_needs_an_irqchip(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(40), true), -ENXIO);
	rig_gic_of_edges(rig, __func__);
	assert_int_equal(pending(rig), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(40), true), 0);
	assert_int_equal(pending(rig), 1U << 8);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(40), false), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(31), true), -EINVAL);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(96), true), -EINVAL);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 9U << 24, true), -EINVAL);
}

static uint32_t levels(struct rig *rig)
{
	uint32_t value = 0;
	const struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
		.attr = VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT | 32,
		.addr = (uintptr_t)&value,
	};

	assert_int_equal(kvmio_device_get_attr(&rig->dev, &attr), 0);
	return value;
}

static void a_line_of_levels_falls_again(void **state)
{
	struct rig *rig = rig_of(state);

	rig_gic(rig);
	rig_gic_ready(rig);
	configure(rig, false);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(33), true), 0);
	assert_int_equal(levels(rig), 1U << 1);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, SPI(33), false), 0);
	assert_int_equal(levels(rig), 0);
}

static void an_irqfd_comes_and_goes(void **state)
{
	struct rig *rig = rig_of(state);
	int a = rig_eventfd(rig, 0), b = rig_eventfd(rig, 1);

	rig_gic(rig);
	need_cap(rig, KVMIO_CAP_IRQFD);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, -1), -EAGAIN);
	rig_gic_ready(rig);
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

	rig_gic(rig);
	rig_gic_ready(rig);
	configure(rig, false);
	need_cap(rig, KVMIO_CAP_IRQFD_RESAMPLE);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, rig->sys.fd), -EINVAL);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, a, 4, b), 0);
	/* It stays up, and B unrung, until the guest acknowledges. */
	ring(a);
	assert_int_equal(soon(levels, rig), 1U << 4);
	assert_false(rung(b));
	assert_int_equal(kvmio_vm_remove_irqfd(&rig->vm, a, 4), 0);
}

static void an_eventfd_raises_the_line_of_its_gsi(void **state)
{
	struct rig *rig = rig_of(state);
	int fd = rig_eventfd(rig, 0);

	rig_gic_of_edges(rig, __func__);
	need_cap(rig, KVMIO_CAP_IRQFD);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, fd, 5, -1), 0);
	assert_int_equal(pending(rig), 0);
	ring(fd);
	assert_int_equal(soon(pending, rig), 1U << 5);
}

static void routes_are_replaced_as_a_whole(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_irq_routing_entry routes[2] = {
		{
			.gsi = 5,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { 0, 10 },
		},
		{
			.gsi = 24,
			.type = KVM_IRQ_ROUTING_MSI,
			.flags = KVM_MSI_VALID_DEVID,
			.u.msi = { .address_lo = ITS + 0x10040, .devid = 1 },
		},
	};
	int fd = rig_eventfd(rig, 0);

	rig_gic_of_edges(rig, __func__);
	need_cap(rig, KVMIO_CAP_IRQ_ROUTING);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, fd, 5, -1), 0);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, 2), 0);
	ring(fd);
	assert_int_equal(soon(pending, rig), 1U << 10);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, NULL, 0), 0);
	routes[0].type = 77;
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, 2), -EINVAL);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, routes, KVMIO_MAX_ROUTES + 1), -EINVAL);
}

static void attr_of_its(struct rig *rig, int fd, struct kvm_device_attr attr, uint64_t value)
{
	const struct kvmio_device its = { .fd = fd };

	attr.addr = (uintptr_t)&value;
	assert_int_equal(kvmio_device_set_attr(&its, &attr), 0);
}

static void a_message_needs_an_its_to_take_it(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_device its = KVMIO_DEVICE_INIT;
	/* GITS_TRANSLATER, in the second of its pages. */
	struct kvm_msi msi = { .address_lo = ITS + 0x10040, .data = 1, .devid = 1 };

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_SIGNAL_MSI);
	assert_int_equal(kvmio_vm_signal_msi(&rig->vm, &msi), -EINVAL);
	rig_gic(rig);
	rig_gic_ready(rig);
	msi.flags = KVM_MSI_VALID_DEVID;
	assert_int_equal(kvmio_vm_signal_msi(&rig->vm, &msi), -ENODEV);

	assert_int_equal(kvmio_device_create(&its, &rig->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0), 0);
	rig->fd[0] = its.fd;
	attr_of_its(rig, its.fd,
		(struct kvm_device_attr){
			.group = KVM_DEV_ARM_VGIC_GRP_ADDR,
			.attr = KVM_VGIC_ITS_ADDR_TYPE,
		},
		ITS);
	attr_of_its(rig, its.fd,
		(struct kvm_device_attr){
			.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
			.attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
		},
		0);
	/* It is off, it is elsewhere, it is to be told which device sends. */
	assert_int_equal(kvmio_vm_signal_msi(&rig->vm, &msi), -EBUSY);
	msi.address_lo += 4;
	assert_true(kvmio_vm_signal_msi(&rig->vm, &msi) < 0);
	msi.address_lo -= 4;
	msi.flags = 0;
	assert_int_equal(kvmio_vm_signal_msi(&rig->vm, &msi), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(the_irqchip_is_a_gic_v2),
		with_rig(a_line_needs_an_irqchip),
		with_rig(a_line_of_levels_falls_again),
		with_rig(an_irqfd_comes_and_goes),
		with_rig(an_irqfd_with_resampling_needs_two_eventfds),
		with_rig(an_eventfd_raises_the_line_of_its_gsi),
		with_rig(routes_are_replaced_as_a_whole),
		with_rig(a_message_needs_an_its_to_take_it),
	};

	return cmocka_run_group_tests_name("kvmio/irq_aarch64", tests, NULL, NULL);
}
