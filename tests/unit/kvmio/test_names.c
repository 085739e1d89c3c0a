/* SPDX-License-Identifier: MIT */
/* Numbers and names: what needs no /dev/kvm. */
#include "harness.h"

static void a_capability_is_found_by_its_name(void **state)
{
	assert_string_equal(kvmio_cap_name(KVMIO_CAP_IRQCHIP), "KVM_CAP_IRQCHIP");
	assert_string_equal(kvmio_cap_name(KVMIO_CAP_GUEST_MEMFD), "KVM_CAP_GUEST_MEMFD");
	assert_int_equal(kvmio_cap_find("KVM_CAP_XSAVE2"), KVM_CAP_XSAVE2);
	assert_int_equal(kvmio_cap_find("DIRTY_LOG_RING"), KVM_CAP_DIRTY_LOG_RING);
	assert_int_equal(kvmio_cap_find("KVM_CAP_"), -ENOENT);
	assert_int_equal(kvmio_cap_find(""), -ENOENT);
	assert_int_equal(kvmio_cap_find("IRQCHIPS"), -ENOENT);
	assert_null(kvmio_cap_name(696969));
	assert_null(kvmio_cap_name(-1));
}

static void names_and_numbers_of_capabilities_are_one_to_one(void **state)
{
	int known = 0;

	for (int cap = 0; cap < 1000; cap++) {
		const char *name = kvmio_cap_name(cap);

		if (!name)
			continue;
		assert_int_equal(kvmio_cap_find(name), cap);
		known++;
	}
	assert_true(known > 230);
}

static void numbers_of_capabilities_are_the_kernels(void **state)
{
	assert_int_equal(KVMIO_CAP_NR_MEMSLOTS, KVM_CAP_NR_MEMSLOTS);
	assert_int_equal(KVMIO_CAP_IMMEDIATE_EXIT, KVM_CAP_IMMEDIATE_EXIT);
	assert_int_equal(KVMIO_CAP_SYNC_REGS, KVM_CAP_SYNC_REGS);
	assert_int_equal(KVMIO_CAP_BINARY_STATS_FD, KVM_CAP_BINARY_STATS_FD);
	assert_int_equal(KVMIO_CAP_MEMORY_ATTRIBUTES, 233);
	assert_int_equal(KVMIO_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
}

/* The low 16 bits are KVMIO and the number; the headers of any kernel must agree on them. */
static void numbers_of_ioctls_are_the_kernels(void **state)
{
	static const struct {
		unsigned long request;
		unsigned int nr;
	} all[] = {
		{ KVM_GET_API_VERSION, 0x00 },
		{ KVM_CREATE_VM, 0x01 },
		{ KVM_CHECK_EXTENSION, 0x03 },
		{ KVM_GET_VCPU_MMAP_SIZE, 0x04 },
		{ KVM_CREATE_VCPU, 0x41 },
		{ KVM_GET_DIRTY_LOG, 0x42 },
		{ KVM_SET_USER_MEMORY_REGION, 0x46 },
		{ KVM_SET_USER_MEMORY_REGION2, 0x49 },
		{ KVM_CREATE_IRQCHIP, 0x60 },
		{ KVM_IRQ_LINE, 0x61 },
		{ KVM_REGISTER_COALESCED_MMIO, 0x67 },
		{ KVM_UNREGISTER_COALESCED_MMIO, 0x68 },
		{ KVM_SET_GSI_ROUTING, 0x6a },
		{ KVM_IRQFD, 0x76 },
		{ KVM_IOEVENTFD, 0x79 },
		{ KVM_RUN, 0x80 },
		{ KVM_GET_MP_STATE, 0x98 },
		{ KVM_SET_MP_STATE, 0x99 },
		{ KVM_SET_GUEST_DEBUG, 0x9b },
		{ KVM_ENABLE_CAP, 0xa3 },
		{ KVM_SIGNAL_MSI, 0xa5 },
		{ KVM_GET_ONE_REG, 0xab },
		{ KVM_SET_ONE_REG, 0xac },
		{ KVM_GET_REG_LIST, 0xb0 },
		{ KVM_RESET_DIRTY_RINGS, 0xc7 },
		{ KVM_GET_STATS_FD, 0xce },
		{ KVM_SET_MEMORY_ATTRIBUTES, 0xd2 },
		{ KVM_CREATE_GUEST_MEMFD, 0xd4 },
		{ KVM_CREATE_DEVICE, 0xe0 },
		{ KVM_SET_DEVICE_ATTR, 0xe1 },
		{ KVM_GET_DEVICE_ATTR, 0xe2 },
		{ KVM_HAS_DEVICE_ATTR, 0xe3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].request & 0xffff, KVMIO << 8 | all[i].nr);
	assert_int_equal(_IOC_SIZE(KVM_SET_USER_MEMORY_REGION2), 160);
	assert_int_equal(_IOC_SIZE(KVM_SET_MEMORY_ATTRIBUTES), 32);
	assert_int_equal(_IOC_SIZE(KVM_CREATE_GUEST_MEMFD), 64);
}

static void sizes_of_registers_are_in_their_ids(void **state)
{
	assert_int_equal(kvmio_reg_size(KVM_REG_SIZE_U8), 1);
	assert_int_equal(kvmio_reg_size(KVM_REG_SIZE_U16 | 5), 2);
	assert_int_equal(kvmio_reg_size(KVM_REG_ARM64 | KVM_REG_SIZE_U32), 4);
	assert_int_equal(kvmio_reg_size(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | 0xffff), 8);
	assert_int_equal(kvmio_reg_size(KVM_REG_SIZE_U128), 16);
	assert_int_equal(kvmio_reg_size(KVM_REG_SIZE_U2048), 256);
}

static void dirty_bitmaps_are_counted_in_whole_words(void **state)
{
	const uint64_t page = 4096;

	assert_int_equal(kvmio_dirty_words(0), 0);
	assert_int_equal(kvmio_dirty_words(1), 1);
	assert_int_equal(kvmio_dirty_words(page * 64), 1);
	assert_int_equal(kvmio_dirty_words(page * 64 + 1), 2);
	assert_int_equal(kvmio_dirty_words(UINT64_MAX), (UINT64_MAX / page + 1) / 64);
}

static void releasing_what_is_closed_does_nothing(void **state)
{
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	struct kvmio_vm vm = KVMIO_VM_INIT;
	struct kvmio_vcpu vcpu = KVMIO_VCPU_INIT;
	struct kvmio_device dev = KVMIO_DEVICE_INIT;
	struct kvmio_stats stats = KVMIO_STATS_INIT;

	for (int i = 0; i < 2; i++) {
		kvmio_stats_release(&stats);
		kvmio_device_release(&dev);
		kvmio_vcpu_release(&vcpu);
		kvmio_vm_release(&vm);
		kvmio_system_release(&sys);
	}
	assert_int_equal(sys.fd, -1);
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &(struct kvm_coalesced_mmio){ 0 }), -EIO);
	assert_int_equal(kvmio_vcpu_coalesced_size(&vcpu), -EIO);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&vcpu), -EINVAL);
	assert_int_equal(kvmio_vcpu_harvest_dirty(&vcpu, NULL, 0), -EINVAL);
	assert_int_equal(kvmio_stats_count(&stats), 0);
	assert_null(kvmio_stats_desc(&stats, 0));
	assert_int_equal(kvmio_stats_find(&stats, "exits"), -ENOENT);
	assert_int_equal(kvmio_stats_read(&stats, 0, NULL, 0), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capability_is_found_by_its_name),
		cmocka_unit_test(names_and_numbers_of_capabilities_are_one_to_one),
		cmocka_unit_test(numbers_of_capabilities_are_the_kernels),
		cmocka_unit_test(numbers_of_ioctls_are_the_kernels),
		cmocka_unit_test(sizes_of_registers_are_in_their_ids),
		cmocka_unit_test(dirty_bitmaps_are_counted_in_whole_words),
		cmocka_unit_test(releasing_what_is_closed_does_nothing),
	};

	return cmocka_run_group_tests_name("kvmio/names", tests, NULL, NULL);
}
