/* SPDX-License-Identifier: MIT */
/* What only aarch64 has: targets, registers by id, the vGIC; and a guest that runs. */
#include <asm/kvm.h>
#include <unistd.h>

#include "harness.h"

#define CODE 0x10000

#define CORE(name) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define PC CORE(regs.pc)

/* A vCPU of the preferred target, with PSCI and FEATURE (or -1), initialised. */
static int rig_init_feature(struct rig *rig, int feature)
{
	struct kvm_vcpu_init init;

	assert_int_equal(kvmio_vm_preferred_target(&rig->vm, &init), 0);
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (feature >= 0)
		init.features[0] |= 1U << feature;
	return kvmio_vcpu_init(&rig->vcpu, &init);
}

static void rig_init(struct rig *rig)
{
	rig_vcpu(rig);
	assert_int_equal(rig_init_feature(rig, -1), 0);
}

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
	kvmio_vcpu_release(&rig->vcpu);
	assert_int_equal(kvmio_vcpu_create(&rig->vcpu, &rig->vm, 1), 0);
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

/* Writes what it reads at X1 (no memory there) back to it and to X2; turns itself off by PSCI. */
static const uint32_t code[] = {
	0xb9400020, /* ldr w0, [x1] */
	0xb9000040, /* str w0, [x2] */
	0xb9000020, /* str w0, [x1] */
	0x52800100, /* mov w0, #8 */
	0x72b08000, /* movk w0, #0x8400, lsl #16: SYSTEM_OFF */
	0xd4000002, /* hvc #0 */
	0x14000000, /* b . */
};

static void a_guest_uses_memory_and_turns_itself_off(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t start = CODE, device = 0x900000, page = CODE + 0x1000;
	uint64_t dirty = 0;
	struct kvmio_exit e;

	rig_memory(rig, CODE, 0x10000, KVM_MEM_LOG_DIRTY_PAGES);
	memcpy(rig->mem, code, sizeof(code));
	__builtin___clear_cache((char *)rig->mem, (char *)rig->mem + sizeof(code));
	rig_init(rig);
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, PC, &start, 8), 8);
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, CORE(regs.regs[1]), &device, 8), 8);
	assert_int_equal(kvmio_vcpu_set_one_reg(&rig->vcpu, CORE(regs.regs[2]), &page, 8), 8);
	run_to(rig, KVMIO_EXIT_MMIO_READ, &e);
	assert_int_equal(e.mmio.gpa, device);
	assert_int_equal(e.mmio.len, 4);
	memcpy(e.mmio.data, "\x11\x22\x33\x44", 4);
	run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
	assert_memory_equal(e.mmio.data, "\x11\x22\x33\x44", 4);
	assert_memory_equal(rig->mem + 0x1000, "\x11\x22\x33\x44", 4);
	run_to(rig, KVMIO_EXIT_SYSTEM_EVENT, &e);
	assert_int_equal(e.system_event.type, KVM_SYSTEM_EVENT_SHUTDOWN);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, rig->mem_size, &dirty, 1), 0);
	assert_true(dirty & (1U << (0x1000 / sysconf(_SC_PAGESIZE))));
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
		with_rig(a_guest_uses_memory_and_turns_itself_off),
	};

	return cmocka_run_group_tests_name("kvmio/vcpu_aarch64", tests, NULL, NULL);
}
