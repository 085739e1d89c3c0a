/* SPDX-License-Identifier: MIT */
/* The system and VMs of x86_64. */
#include <fcntl.h>
#include <unistd.h>

#include "harness.h"

static void numbers_of_ioctls_are_the_kernels(void **state)
{
	static const struct {
		unsigned long request;
		unsigned int nr;
	} all[] = {
		{ KVM_GET_MSR_INDEX_LIST, 0x02 },
		{ KVM_GET_SUPPORTED_CPUID, 0x05 },
		{ KVM_GET_EMULATED_CPUID, 0x09 },
		{ KVM_GET_MSR_FEATURE_INDEX_LIST, 0x0a },
		{ KVM_SET_TSS_ADDR, 0x47 },
		{ KVM_SET_IDENTITY_MAP_ADDR, 0x48 },
		{ KVM_GET_IRQCHIP, 0x62 },
		{ KVM_SET_IRQCHIP, 0x63 },
		{ KVM_CREATE_PIT2, 0x77 },
		{ KVM_SET_CLOCK, 0x7b },
		{ KVM_GET_CLOCK, 0x7c },
		{ KVM_GET_REGS, 0x81 },
		{ KVM_SET_REGS, 0x82 },
		{ KVM_GET_SREGS, 0x83 },
		{ KVM_SET_SREGS, 0x84 },
		{ KVM_TRANSLATE, 0x85 },
		{ KVM_GET_MSRS, 0x88 },
		{ KVM_SET_MSRS, 0x89 },
		{ KVM_GET_FPU, 0x8c },
		{ KVM_SET_FPU, 0x8d },
		{ KVM_GET_LAPIC, 0x8e },
		{ KVM_SET_LAPIC, 0x8f },
		{ KVM_SET_CPUID2, 0x90 },
		{ KVM_GET_CPUID2, 0x91 },
		{ KVM_NMI, 0x9a },
		{ KVM_GET_PIT2, 0x9f },
		{ KVM_SET_PIT2, 0xa0 },
		{ KVM_GET_VCPU_EVENTS, 0x9f },
		{ KVM_SET_VCPU_EVENTS, 0xa0 },
		{ KVM_GET_DEBUGREGS, 0xa1 },
		{ KVM_SET_DEBUGREGS, 0xa2 },
		{ KVM_SET_TSC_KHZ, 0xa2 },
		{ KVM_GET_TSC_KHZ, 0xa3 },
		{ KVM_GET_XSAVE, 0xa4 },
		{ KVM_SET_XSAVE, 0xa5 },
		{ KVM_GET_XCRS, 0xa6 },
		{ KVM_SET_XCRS, 0xa7 },
		{ KVM_KVMCLOCK_CTRL, 0xad },
		{ KVM_SMI, 0xb7 },
		{ KVM_MEMORY_ENCRYPT_OP, 0xba },
		{ KVM_MEMORY_ENCRYPT_REG_REGION, 0xbb },
		{ KVM_MEMORY_ENCRYPT_UNREG_REGION, 0xbc },
		{ KVM_GET_NESTED_STATE, 0xbe },
		{ KVM_SET_NESTED_STATE, 0xbf },
		{ KVM_X86_SET_MSR_FILTER, 0xc6 },
		{ KVM_GET_SREGS2, 0xcc },
		{ KVM_SET_SREGS2, 0xcd },
		{ KVM_GET_XSAVE2, 0xcf },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(all[i].request & 0xffff, KVMIO << 8 | all[i].nr);
		/* Some numbers are used twice: direction and size tell them apart. */
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(all[i].request, all[j].request);
	}
	assert_int_equal(sizeof(struct kvm_xsave), 4096);
	assert_int_equal(sizeof(struct kvm_nested_state), 128);
}

static void supported_cpuid_is_read_whole_or_not_at_all(void **state)
{
	struct rig *rig = rig_of(state);
	static struct kvm_cpuid_entry2 entries[KVMIO_MAX_CPUID], again[KVMIO_MAX_CPUID];
	int n = kvmio_system_supported_cpuid(&rig->sys, entries, ARRAY_SIZE(entries));

	assert_true(n > 4);
	assert_int_equal(entries[0].function, 0);
	assert_true(entries[0].eax >= 1);
	/* Just enough room is enough; the answer is the same but for what the CPU it ran on puts there. */
	assert_int_equal(kvmio_system_supported_cpuid(&rig->sys, again, (size_t)n), n);
	assert_memory_equal(&entries[0], &again[0], sizeof(entries[0]));
	assert_int_equal(kvmio_system_supported_cpuid(&rig->sys, entries, 1), -E2BIG);
	assert_int_equal(
		kvmio_system_supported_cpuid(&rig->sys, entries, KVMIO_MAX_CPUID + 1), -ENOMEM);
}

static void emulated_cpuid_is_read_too(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_cpuid_entry2 entries[32];

	need_cap(rig, KVMIO_CAP_EXT_EMUL_CPUID);
	assert_true(kvmio_system_emulated_cpuid(&rig->sys, entries, ARRAY_SIZE(entries)) > 0);
	assert_int_equal(
		kvmio_system_emulated_cpuid(&rig->sys, entries, KVMIO_MAX_CPUID + 1), -ENOMEM);
}

static void a_list_of_msrs_says_how_long_it_is(void **state)
{
	struct rig *rig = rig_of(state);
	uint32_t indices[2048];
	size_t n = 1, all;

	assert_int_equal(kvmio_system_msr_index_list(&rig->sys, indices, &n), -E2BIG);
	assert_true(n > 1 && n <= ARRAY_SIZE(indices));
	all = n;
	assert_int_equal(kvmio_system_msr_index_list(&rig->sys, indices, &n), 0);
	assert_int_equal(n, all);
	n = SIZE_MAX / 2;
	assert_int_equal(kvmio_system_msr_index_list(&rig->sys, indices, &n), -ENOMEM);
}

static void feature_msrs_are_listed_and_read(void **state)
{
	struct rig *rig = rig_of(state);
	uint32_t indices[512];
	struct kvm_msr_entry entries[2] = { { .index = 0x10a }, { .index = 0x345 } };
	size_t n = ARRAY_SIZE(indices);
	bool first = false;
	int r;

	need_cap(rig, KVMIO_CAP_GET_MSR_FEATURES);
	assert_int_equal(kvmio_system_msr_feature_index_list(&rig->sys, indices, &n), 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		first = first || indices[i] == 0x10a;
	r = kvmio_system_get_msrs(&rig->sys, entries, 2);
	assert_true(first ? r >= 1 : r >= 0);
	entries[0].index = indices[0];
	assert_int_equal(kvmio_system_get_msrs(&rig->sys, entries, 1), 1);
	assert_int_equal(kvmio_system_get_msrs(&rig->sys, entries, KVMIO_MAX_MSRS + 1), -E2BIG);
}

static void a_wrong_descriptor_is_an_error_of_the_kernels(void **state)
{
	struct kvmio_system sys = { .fd = -2 };
	struct kvmio_vm vm = { .fd = -2 };
	struct kvm_cpuid_entry2 cpuid;
	struct kvm_msr_entry msr = { 0 };
	uint32_t index;
	size_t n = 1;

	assert_int_equal(kvmio_system_supported_cpuid(&sys, &cpuid, 1), -EBADF);
	assert_int_equal(kvmio_system_emulated_cpuid(&sys, &cpuid, 1), -EBADF);
	assert_int_equal(kvmio_system_msr_index_list(&sys, &index, &n), -EBADF);
	assert_int_equal(kvmio_system_msr_feature_index_list(&sys, &index, &n), -EBADF);
	assert_int_equal(kvmio_system_get_msrs(&sys, &msr, 1), -EBADF);
	assert_int_equal(kvmio_vm_set_tss_addr(&vm, 0), -EBADF);
	assert_int_equal(kvmio_vm_set_identity_map_addr(&vm, 0), -EBADF);
	assert_int_equal(kvmio_vm_get_irqchip(&vm, &(struct kvm_irqchip){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_set_irqchip(&vm, &(struct kvm_irqchip){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_create_pit2(&vm, &(struct kvm_pit_config){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_get_pit2(&vm, &(struct kvm_pit_state2){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_set_pit2(&vm, &(struct kvm_pit_state2){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_get_clock(&vm, &(struct kvm_clock_data){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_set_clock(&vm, &(struct kvm_clock_data){ 0 }), -EBADF);
	assert_int_equal(kvmio_vm_set_msr_filter(&vm, 0, NULL, 0), -EBADF);
	assert_int_equal(kvmio_vm_encrypt_op(&vm, NULL), -EBADF);
	assert_int_equal(kvmio_vm_encrypt_op_sev(&vm, NULL), -EBADF);
	assert_int_equal(kvmio_vm_add_encrypted(&vm, NULL), -EBADF);
	assert_int_equal(kvmio_vm_remove_encrypted(&vm, NULL), -EBADF);
}

static void the_task_state_segment_has_a_place(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_SET_TSS_ADDR);
	assert_int_equal(kvmio_vm_set_tss_addr(&rig->vm, 0xfffbd000), 0);
	assert_int_equal(kvmio_vm_set_tss_addr(&rig->vm, 0xffffffff), -EINVAL);
}

static void the_identity_map_has_a_place_until_there_are_vcpus(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_SET_IDENTITY_MAP_ADDR);
	assert_int_equal(kvmio_vm_set_identity_map_addr(&rig->vm, 0xfffbc000), 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vm_set_identity_map_addr(&rig->vm, 0xfffbc000), -EINVAL);
}

static void the_irqchip_keeps_what_is_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER }, again = chip;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_IRQCHIP);
	assert_int_equal(kvmio_vm_get_irqchip(&rig->vm, &chip), -ENXIO);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), -EEXIST);
	assert_int_equal(kvmio_vm_get_irqchip(&rig->vm, &chip), 0);
	chip.chip.pic.irq_base = 10;
	assert_int_equal(kvmio_vm_set_irqchip(&rig->vm, &chip), 0);
	assert_int_equal(kvmio_vm_get_irqchip(&rig->vm, &again), 0);
	assert_int_equal(again.chip.pic.irq_base, 10);
	chip.chip_id = 7;
	assert_int_equal(kvmio_vm_get_irqchip(&rig->vm, &chip), -EINVAL);
}

static void the_pit_keeps_what_is_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 pit, again;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_PIT2);
	assert_int_equal(kvmio_vm_get_pit2(&rig->vm, &pit), -ENXIO);
	assert_int_equal(kvmio_vm_set_pit2(&rig->vm, &(struct kvm_pit_state2){ 0 }), -ENXIO);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	assert_int_equal(kvmio_vm_create_pit2(&rig->vm, &config), 0);
	assert_int_equal(kvmio_vm_create_pit2(&rig->vm, &config), -EEXIST);
	assert_int_equal(kvmio_vm_get_pit2(&rig->vm, &pit), 0);
	pit.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	assert_int_equal(kvmio_vm_set_pit2(&rig->vm, &pit), 0);
	assert_int_equal(kvmio_vm_get_pit2(&rig->vm, &again), 0);
	assert_int_equal(again.flags, pit.flags);
}

static void the_clock_goes_on_from_where_it_is_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_clock_data clock, later;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_ADJUST_CLOCK);
	assert_int_equal(kvmio_vm_get_clock(&rig->vm, &clock), 0);
	clock.clock += 3600ULL * 1000000000;
	clock.flags = 0;
	assert_int_equal(kvmio_vm_set_clock(&rig->vm, &clock), 0);
	assert_int_equal(kvmio_vm_get_clock(&rig->vm, &later), 0);
	assert_true(later.clock >= clock.clock);
	assert_true(later.clock < clock.clock + 600ULL * 1000000000);
	clock.flags = 0x80000000;
	assert_int_equal(kvmio_vm_set_clock(&rig->vm, &clock), -EINVAL);
}

static void a_port_can_be_a_doorbell(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_ioevent at = { KVMIO_PIO, 0xf4, 1, true, 5 }, mmio = at;
	int fd = rig_eventfd(rig, 0);

	rig_vm(rig);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), 0);
	/* A port and an address are not the same. */
	mmio.space = KVMIO_MMIO;
	assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &mmio), -ENOENT);
	assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &at), 0);
}

static void ports_are_coalesced_where_the_kernel_can(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_COALESCED_PIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_PIO, 0x70, 1), 0);
	assert_int_equal(kvmio_vm_remove_coalesced(&rig->vm, KVMIO_PIO, 0x70, 1), 0);
}

static void msr_filters_are_checked_first(void **state)
{
	struct rig *rig = rig_of(state);
	const uint8_t bits[2] = { 0xff, 0x01 };
	struct kvmio_msr_range ranges[KVMIO_MAX_RANGES + 1];
	const uint32_t both = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_X86_MSR_FILTER);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct kvmio_msr_range){ both, (uint32_t)i * 0x100, 9, bits, 2 };
	assert_int_equal(
		kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, KVMIO_MAX_RANGES + 1), -EINVAL);
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, KVMIO_MAX_RANGES), 0);
	ranges[0].bitmap_len = 1;
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, 1), -EINVAL);
	ranges[0].count = 8;
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, 1), 0);
	ranges[0].count = 0;
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, 1), -EINVAL);
	ranges[0].count = KVM_MSR_FILTER_MAX_BITMAP_SIZE * 8 + 1;
	ranges[0].bitmap_len = SIZE_MAX;
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, 1), -EINVAL);
	ranges[0] = (struct kvmio_msr_range){ 1U << 30, 0, 8, bits, 1 };
	assert_int_equal(kvmio_vm_set_msr_filter(&rig->vm, 0, ranges, 1), -EINVAL);
	/* No ranges: everything is allowed again; denying everything is not a filter. */
	assert_int_equal(
		kvmio_vm_set_msr_filter(&rig->vm, KVM_MSR_FILTER_DEFAULT_ALLOW, NULL, 0), 0);
	assert_int_equal(
		kvmio_vm_set_msr_filter(&rig->vm, KVM_MSR_FILTER_DEFAULT_DENY, NULL, 0), -EINVAL);
}

static void an_unchecked_msr_filter_goes_to_the_kernel_as_it_is(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t bits = 0xff;
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges = { {
			.flags = KVM_MSR_FILTER_READ,
			.nmsrs = 8,
			.bitmap = (uint8_t *)&bits,
		} },
	};

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_X86_MSR_FILTER);
	assert_int_equal(kvmio_vm_set_msr_filter_unchecked(&rig->vm, &filter), 0);
	filter.flags = 1U << 20;
	assert_int_equal(kvmio_vm_set_msr_filter_unchecked(&rig->vm, &filter), -EINVAL);
}

static void encrypted_guests_begin(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_sev_cmd op = { .id = KVM_SEV_INIT };
	int fd = open("/dev/sev", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		skip_because("no /dev/sev");
	op.sev_fd = (uint32_t)fd;
	rig->fd[0] = fd;
	rig_vm(rig);
	assert_int_equal(kvmio_vm_encrypt_op_sev(&rig->vm, &op), 0);
}

static void without_sev_there_is_no_encryption(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_sev_cmd op = { .id = KVM_SEV_INIT, .sev_fd = UINT32_MAX };
	struct kvm_enc_region region = { .addr = 0, .size = 4096 };

	if (access("/dev/sev", F_OK) == 0)
		skip_because("there is a /dev/sev");
	rig_vm(rig);
	assert_true(kvmio_vm_encrypt_op_sev(&rig->vm, &op) < 0);
	assert_true(kvmio_vm_encrypt_op(&rig->vm, &op) < 0);
	assert_true(kvmio_vm_add_encrypted(&rig->vm, &region) < 0);
	assert_true(kvmio_vm_remove_encrypted(&rig->vm, &region) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_ioctls_are_the_kernels),
		with_rig(supported_cpuid_is_read_whole_or_not_at_all),
		with_rig(emulated_cpuid_is_read_too),
		with_rig(a_list_of_msrs_says_how_long_it_is),
		with_rig(feature_msrs_are_listed_and_read),
		with_rig(a_wrong_descriptor_is_an_error_of_the_kernels),
		with_rig(the_task_state_segment_has_a_place),
		with_rig(the_identity_map_has_a_place_until_there_are_vcpus),
		with_rig(the_irqchip_keeps_what_is_set),
		with_rig(the_pit_keeps_what_is_set),
		with_rig(the_clock_goes_on_from_where_it_is_set),
		with_rig(a_port_can_be_a_doorbell),
		with_rig(ports_are_coalesced_where_the_kernel_can),
		with_rig(msr_filters_are_checked_first),
		with_rig(an_unchecked_msr_filter_goes_to_the_kernel_as_it_is),
		with_rig(encrypted_guests_begin),
		with_rig(without_sev_there_is_no_encryption),
	};

	return cmocka_run_group_tests_name("kvmio/vm_x86_64", tests, NULL, NULL);
}
