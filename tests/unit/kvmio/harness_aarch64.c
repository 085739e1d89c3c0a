/* SPDX-License-Identifier: MIT */
#include "harness_aarch64.h"

int rig_init_feature(struct rig *rig, int feature)
{
	struct kvm_vcpu_init init;

	assert_int_equal(kvmio_vm_preferred_target(&rig->vm, &init), 0);
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (feature >= 0)
		init.features[0] |= 1U << feature;
	return kvmio_vcpu_init(&rig->vcpu, &init);
}

void rig_init(struct rig *rig)
{
	rig_vcpu(rig);
	assert_int_equal(rig_init_feature(rig, -1), 0);
}

void set_reg(struct rig *rig, uint64_t id, uint64_t value)
{
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, id, &value, sizeof(value)), 8);
}

uint64_t get_reg(struct rig *rig, uint64_t id)
{
	uint64_t value;

	assert_int_equal(kvmio_vcpu_get_one_reg(&rig->vcpu, id, &value, sizeof(value)), 8);
	return value;
}

void rig_load(struct rig *rig, const uint32_t *code, size_t size)
{
	volatile uint32_t *at;

	rig_memory(rig, CODE, 0x10000, KVM_MEM_LOG_DIRTY_PAGES);
	/*
	 * Word by word, for memcpy may use SVE: QEMU 7.2 forgets what it translated only where such a store begins, and
	 * would go on with the code of an earlier VM in the same page.
	 */
	at = (void *)rig->mem;
	for (size_t i = 0; i < size / sizeof(*code); i++)
		at[i] = code[i];
	__builtin___clear_cache((char *)rig->mem, (char *)rig->mem + size);
	rig_init(rig);
	set_reg(rig, PC, CODE);
}

static void place(struct rig *rig, uint64_t what, uint64_t gpa)
{
	const struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_ADDR,
		.attr = what,
		.addr = (uintptr_t)&gpa,
	};

	assert_int_equal(kvmio_device_set_attr(&rig->dev, &attr), 0);
}

void rig_make_gic(struct rig *rig, const char *test)
{
	uint32_t n = 96;
	const struct kvm_device_attr irqs = {
		.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
		.addr = (uintptr_t)&n,
	};
	int r;

	rig_init(rig);
	r = kvmio_device_create(&rig->dev, &rig->vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0);
	if (r == -ENODEV)
		skip_test(test, "no vGICv3");
	assert_int_equal(r, 0);
	assert_int_equal(kvmio_device_set_attr(&rig->dev, &irqs), 0);
	place(rig, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD);
	place(rig, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR);
}

void rig_gic_ready(struct rig *rig)
{
	const struct kvm_device_attr init = {
		.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
		.attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
	};

	assert_int_equal(kvmio_device_set_attr(&rig->dev, &init), 0);
}
