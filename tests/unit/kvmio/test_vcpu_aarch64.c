/* SPDX-License-Identifier: MIT */
/* What only aarch64 has: targets, registers by id, the vGIC, the filter of calls. */
#include "harness_aarch64.h"

static void the_address_space_has_a_limit(void **state)
{
	struct rig *rig = rig_of(state);
	int bits = kvmio_system_ipa_bits(&rig->sys);

	assert_true(bits >= 32 && bits <= 52);
	if (kvmio_system_check_extension(&rig->sys, KVMIO_CAP_ARM_VM_IPA_SIZE) == 0)
		skip_because("no KVM_CAP_ARM_VM_IPA_SIZE");
	assert_int_equal(kvmio_vm_create_with_ipa_bits(&rig->vm, &rig->sys, (unsigned int)bits), 0);
	kvmio_vm_release(&rig->vm);
	assert_int_equal(kvmio_vm_create_with_ipa_bits(&rig->vm, &rig->sys, 32), 0);
	kvmio_vm_release(&rig->vm);
	assert_int_equal(kvmio_vm_create_with_ipa_bits(&rig->vm, &rig->sys, 31), -EINVAL);
	assert_int_equal(kvmio_vm_create_with_ipa_bits(&rig->vm, &rig->sys, 256), -EINVAL);
	assert_int_equal(rig->vm.fd, -1);
}

static void breakpoints_and_watchpoints_are_counted(void **state)
{
	struct rig *rig = rig_of(state);

	assert_true(kvmio_system_guest_debug_hw_bps(&rig->sys) >= 2);
	assert_true(kvmio_system_guest_debug_hw_wps(&rig->sys) >= 2);
}

static void the_host_has_a_preferred_target(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_vcpu_init init;

	rig_vcpu(rig);
	assert_int_equal(kvmio_vm_preferred_target(&rig->vm, &init), 0);
	assert_int_equal(kvmio_vcpu_init(&rig->vcpu, &init), 0);
	init.target = 4711;
	assert_int_equal(kvmio_vcpu_init(&rig->vcpu, &init), -EINVAL);
}

static void registers_are_listed_once_there_is_a_target(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t *regs;
	size_t n = 0, all;
	bool pc = false;

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_reg_list(&rig->vcpu, NULL, &n), -ENOEXEC);
	assert_int_equal(rig_init_feature(rig, -1), 0);
	assert_int_equal(kvmio_vcpu_get_reg_list(&rig->vcpu, NULL, &n), -E2BIG);
	assert_true(n > 100);
	all = n;
	regs = test_malloc(n * sizeof(*regs));
	assert_int_equal(kvmio_vcpu_get_reg_list(&rig->vcpu, regs, &n), 0);
	assert_int_equal(n, all);
	for (size_t i = 0; i < n; i++)
		pc = pc || regs[i] == PC;
	assert_true(pc);
	test_free(regs);
}

static void a_register_is_got_as_it_was_set(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t value = 0x1122334455667788, again = 0;
	__uint128_t wide = 0;
	const uint64_t vreg = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			      KVM_REG_ARM_CORE_REG(fp_regs.vregs[1]);

	rig_init(rig);
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, PC, &value, sizeof(value)), 8);
	assert_int_equal(kvmio_vcpu_get_one_reg(&rig->vcpu, PC, &again, sizeof(again)), 8);
	assert_int_equal(again, value);
	assert_int_equal(kvmio_vcpu_get_one_reg(&rig->vcpu, PC, &again, 7), -EINVAL);
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, PC, &value, 7), -EINVAL);
	assert_int_equal(kvmio_vcpu_get_one_reg(&rig->vcpu, vreg, &wide, sizeof(wide)), 16);
	assert_int_equal(
		kvmio_vcpu_get_one_reg(&rig->vcpu, KVM_REG_ARM64 | KVM_REG_SIZE_U64, &again, 8),
		-ENOENT);
}

static void the_run_state_is_stopped_or_runnable(void **state)
{
	struct rig *rig = rig_of(state);
	uint32_t mp = 99;

	rig_init(rig);
	need_cap(rig, KVMIO_CAP_MP_STATE);
	assert_int_equal(kvmio_vcpu_get_mp_state(&rig->vcpu, &mp), 0);
	assert_int_equal(mp, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(kvmio_vcpu_set_mp_state(&rig->vcpu, KVM_MP_STATE_STOPPED), 0);
	assert_int_equal(kvmio_vcpu_get_mp_state(&rig->vcpu, &mp), 0);
	assert_int_equal(mp, KVM_MP_STATE_STOPPED);
	assert_int_equal(kvmio_vcpu_set_mp_state(&rig->vcpu, 4711), -EINVAL);
}

static void pending_events_are_got_as_they_were_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_vcpu_events events, again;

	rig_init(rig);
	need_cap(rig, KVMIO_CAP_VCPU_EVENTS);
	assert_int_equal(kvmio_vcpu_get_events(&rig->vcpu, &events), 0);
	assert_int_equal(kvmio_vcpu_set_events(&rig->vcpu, &events), 0);
	assert_int_equal(kvmio_vcpu_get_events(&rig->vcpu, &again), 0);
	assert_memory_equal(&events, &again, sizeof(events));
}

static void a_vcpu_has_the_attributes_of_its_features(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_device_attr init = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = KVM_ARM_VCPU_PMU_V3_INIT,
	};

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_ARM_PMU_V3);
	assert_int_equal(kvmio_vcpu_has_attr(&rig->vcpu, &init), -ENXIO);
	assert_int_equal(rig_init_feature(rig, KVM_ARM_VCPU_PMU_V3), 0);
	assert_int_equal(kvmio_vcpu_has_attr(&rig->vcpu, &init), 0);
	assert_int_equal(kvmio_vcpu_set_attr(&rig->vcpu, &init), 0);
	assert_int_equal(kvmio_vcpu_set_attr(&rig->vcpu, &init), -EBUSY);
	assert_int_equal(kvmio_vcpu_get_attr(&rig->vcpu, &init), -ENXIO);
}

static void sve_is_finalized_once(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_ARM_SVE);
	assert_int_equal(rig_init_feature(rig, -1), 0);
	assert_true(kvmio_vcpu_finalize(&rig->vcpu, KVM_ARM_VCPU_SVE) < 0);
	/* All vCPUs of a VM have the same features: another VM. */
	kvmio_vcpu_release(&rig->vcpu);
	kvmio_vm_release(&rig->vm);
	rig_vcpu(rig);
	assert_int_equal(rig_init_feature(rig, KVM_ARM_VCPU_SVE), 0);
	assert_int_equal(kvmio_vcpu_finalize(&rig->vcpu, KVM_ARM_VCPU_SVE), 0);
	assert_int_equal(kvmio_vcpu_finalize(&rig->vcpu, KVM_ARM_VCPU_SVE), -EPERM);
}

static void pointer_authentication_is_asked_for_as_a_pair(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_ARM_PTRAUTH_ADDRESS);
	need_cap(rig, KVMIO_CAP_ARM_PTRAUTH_GENERIC);
	assert_int_equal(rig_init_feature(rig, KVM_ARM_VCPU_PTRAUTH_ADDRESS), -EINVAL);
}

static void the_vgic_counts_its_interrupts(void **state)
{
	struct rig *rig = rig_of(state);
	uint32_t n = 128, again = 0;
	struct kvm_device_attr set = {
		.group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
		.addr = (uintptr_t)&n,
	};
	struct kvm_device_attr get = set;
	int r;

	rig_init(rig);
	r = kvmio_device_create(&rig->dev, &rig->vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0);
	if (r == -ENODEV)
		r = kvmio_device_create(&rig->dev, &rig->vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0);
	assert_int_equal(r, 0);
	assert_int_equal(kvmio_device_has_attr(&rig->dev, &set), 0);
	assert_int_equal(kvmio_device_set_attr(&rig->dev, &set), 0);
	get.addr = (uintptr_t)&again;
	assert_int_equal(kvmio_device_get_attr(&rig->dev, &get), 0);
	assert_int_equal(again, 128);
	set.group = 4711;
	assert_int_equal(kvmio_device_has_attr(&rig->dev, &set), -ENXIO);
	/* SPI 0 (type 1 in bits 24 to 27), once the controller is ready. */
	set = (struct kvm_device_attr){
		.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
		.attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
	};
	assert_int_equal(kvmio_device_set_attr(&rig->dev, &set), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 1U << 24 | 32, true), 0);
	assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 1U << 24 | 32, false), 0);
	assert_true(kvmio_vm_set_irq_line(&rig->vm, 1U << 24 | 900, true) < 0);
}

static void calls_are_filtered_where_the_kernel_can(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_smccc_filter filter = {
		.base = 0x84000000,
		.nr_functions = 1,
		.action = KVM_SMCCC_FILTER_DENY,
	};
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
		.addr = (uintptr_t)&filter,
	};

	rig_vm(rig);
	if (kvmio_vm_has_attr(&rig->vm, &attr) != 0) {
		/* Kernels before 6.4 have no attributes of VMs, or not this one. */
		int r = kvmio_vm_set_attr(&rig->vm, &attr);

		assert_true(r == -ENXIO || r == -EINVAL || r == -ENOTTY);
		skip_because("no KVM_ARM_VM_SMCCC_FILTER");
	}
	assert_int_equal(kvmio_vm_set_attr(&rig->vm, &attr), 0);
	assert_int_equal(kvmio_vm_set_attr(&rig->vm, &attr), -EEXIST);
	filter.base = 0;
	filter.nr_functions = 0;
	assert_int_equal(kvmio_vm_set_attr(&rig->vm, &attr), -EINVAL);
	filter.nr_functions = 1;
	filter.action = 77;
	assert_int_equal(kvmio_vm_set_attr(&rig->vm, &attr), -EINVAL);
}

static void an_error_can_be_made_pending(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_vcpu_events events = { .exception.serror_pending = 1 };

	rig_init(rig);
	need_cap(rig, KVMIO_CAP_VCPU_EVENTS);
	assert_int_equal(kvmio_vcpu_set_events(&rig->vcpu, &events), 0);
	events.exception.serror_pending = 0;
	assert_int_equal(kvmio_vcpu_get_events(&rig->vcpu, &events), 0);
	assert_int_equal(events.exception.serror_pending, 1);
	events.exception.pad[0] = 1;
	assert_int_equal(kvmio_vcpu_set_events(&rig->vcpu, &events), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(the_address_space_has_a_limit),
		with_rig(breakpoints_and_watchpoints_are_counted),
		with_rig(the_host_has_a_preferred_target),
		with_rig(registers_are_listed_once_there_is_a_target),
		with_rig(a_register_is_got_as_it_was_set),
		with_rig(the_run_state_is_stopped_or_runnable),
		with_rig(pending_events_are_got_as_they_were_set),
		with_rig(a_vcpu_has_the_attributes_of_its_features),
		with_rig(sve_is_finalized_once),
		with_rig(pointer_authentication_is_asked_for_as_a_pair),
		with_rig(the_vgic_counts_its_interrupts),
		with_rig(calls_are_filtered_where_the_kernel_can),
		with_rig(an_error_can_be_made_pending),
	};

	return cmocka_run_group_tests_name("kvmio/vcpu_aarch64", tests, NULL, NULL);
}
