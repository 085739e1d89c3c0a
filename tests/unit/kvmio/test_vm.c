/* SPDX-License-Identifier: MIT */
/* VMs: what they refuse, memory, doorbells, devices; of all architectures. */
#include <unistd.h>

#include "harness.h"

static void memory_that_is_not_page_aligned_is_refused(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_userspace_memory_region region = { .memory_size = 123 };

	rig_vm(rig);
	assert_int_equal(kvmio_vm_set_memory(&rig->vm, &region), -EINVAL);
	region = (struct kvm_userspace_memory_region){ .slot = 0x7fff, .memory_size = 4096 };
	assert_true(kvmio_vm_set_memory(&rig->vm, &region) < 0);
}

static void memory_of_the_second_kind_is_refused_the_same_or_unknown(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_userspace_memory_region2 region = { .memory_size = 123 };
	int r;

	rig_vm(rig);
	r = kvmio_vm_set_memory2(&rig->vm, &region);
	/* -ENOTTY where it is unknown, but for aarch64. */
	if (r != -ENOTTY)
		assert_int_equal(r, -EINVAL);
	if (kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_USER_MEMORY2) > 0)
		assert_int_equal(r, -EINVAL);
}

static void a_dirty_log_that_does_not_fit_is_refused(void **state)
{
	struct rig *rig = rig_of(state);
	const size_t size = 130 * 4096;
	uint64_t bitmap[4] = { 1, 2, 3, 4 };

	rig_memory(rig, 0, size, KVM_MEM_LOG_DIRTY_PAGES);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, size, bitmap, 2), -EINVAL);
	assert_int_equal(bitmap[0], 1);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, UINT64_MAX, bitmap, 4), -EINVAL);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, size, bitmap, 3), 0);
	assert_int_equal(bitmap[0] | bitmap[1] | bitmap[2], 0);
	assert_int_equal(bitmap[3], 4);
}

/* Bitmaps that no address space holds, and none that memory does: whoever is asked first refuses. */
static void a_dirty_log_beyond_memory_is_refused(void **state)
{
	struct kvmio_vm vm = { .fd = -2 };
	uint64_t bitmap = 1;
	int r;

	assert_int_equal(kvmio_vm_get_dirty_log(&vm, 0, 1ULL << 63, &bitmap, SIZE_MAX), -ENOMEM);
	r = kvmio_vm_get_dirty_log(&vm, 0, 1ULL << 61, &bitmap, SIZE_MAX);
	assert_true(r == -ENOMEM || r == -EBADF);
	assert_int_equal(bitmap, 1);
}

static void a_dirty_ring_has_a_size_of_its_own_kind(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	/* Not a power of two; or no ring at all, as on aarch64 before 6.2. */
	assert_int_equal(kvmio_vm_enable_dirty_ring(&rig->vm, 12345), -EINVAL);
	assert_int_equal(rig->vm.dirty_ring_size, 0);
	assert_true(kvmio_vm_reset_dirty_rings(&rig->vm) < 0);
}

static void a_slot_larger_than_told_does_not_overrun_the_bitmap(void **state)
{
	struct rig *rig = rig_of(state);
	const size_t size = 64 * 4096;
	uint64_t bitmap[2] = { 5, 6 };

	rig_memory(rig, 0, 20 * size, KVM_MEM_LOG_DIRTY_PAGES);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, size, bitmap, 2), -EFAULT);
	assert_int_equal(bitmap[0], 5);
	assert_int_equal(bitmap[1], 6);
}

static void a_slot_that_is_not_logged_has_no_dirty_log(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t bitmap;

	rig_memory(rig, 0, 4096, 0);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, 4096, &bitmap, 1), -ENOENT);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 5, 4096, &bitmap, 1), -ENOENT);
}

static void ioevents_of_every_width_come_and_go(void **state)
{
	static const uint32_t widths[] = { 1, 2, 4, 8 };
	struct rig *rig = rig_of(state);
	int fd = rig_eventfd(rig, 0);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_IOEVENTFD);
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct kvmio_ioevent at = { KVMIO_MMIO, 0xf4000 + 16 * i, widths[i], false, 0 };
		struct kvmio_ioevent match = at;

		assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), 0);
		assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), -EEXIST);
		assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &at), 0);
		assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &at), -ENOENT);
		match.match = true;
		match.value = 0x12;
		assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &match), 0);
		/* Removing takes the same address, width and value. */
		match.value = 0x13;
		assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &match), -ENOENT);
		match.value = 0x12;
		assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &match), 0);
	}
}

static void an_ioevent_of_any_width_has_no_value_to_match(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_ioevent at = { KVMIO_MMIO, 0xf4000, 0, false, 0 };
	int fd = rig_eventfd(rig, 0);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_IOEVENTFD_ANY_LENGTH);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), 0);
	assert_int_equal(kvmio_vm_remove_ioevent(&rig->vm, fd, &at), 0);
	at.match = true;
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), -EINVAL);
	at = (struct kvmio_ioevent){ KVMIO_MMIO, 0xf4000, 3, false, 0 };
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), -EINVAL);
	at.len = 4;
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, -1, &at), -EBADF);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, rig->sys.fd, &at), -EINVAL);
}

static void coalesced_zones_come_and_go(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_COALESCED_MMIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_MMIO, 0xd0000, 16), 0);
	assert_int_equal(kvmio_vm_remove_coalesced(&rig->vm, KVMIO_MMIO, 0xd0000, 16), 0);
}

static void a_vcpus_number_has_a_limit(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_vcpu vcpu = { .fd = -77 };

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_create(&vcpu, &rig->vm, 0), -EEXIST);
	assert_int_equal(kvmio_vcpu_create(&vcpu, &rig->vm, 65537), -EINVAL);
	assert_int_equal(vcpu.fd, -77);
	assert_int_equal(kvmio_vcpu_create(&rig->other, &rig->vm, 1), 0);
}

static void a_device_can_be_asked_for_without_making_it(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_device dev = { .fd = -77 };
	int r;

	rig_vm(rig);
	r = kvmio_device_create(&dev, &rig->vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST);
	assert_true(r == 0 || r == -ENODEV);
	assert_int_equal(dev.fd, -77);
	assert_int_equal(kvmio_device_create(&dev, &rig->vm, 0x7fffffff, 0), -ENODEV);
	assert_int_equal(dev.fd, -77);
}

static void a_device_has_attributes(void **state)
{
	struct rig *rig = rig_of(state);
	int32_t no_fd = -1;
	/* KVM_DEV_VFIO_GROUP (FILE), ADD and DEL */
	struct kvm_device_attr add = { .group = 1, .attr = 1, .addr = (uintptr_t)&no_fd };
	struct kvm_device_attr none = { .group = 99, .attr = 99 };

	rig_vm(rig);
	if (kvmio_device_create(&rig->dev, &rig->vm, KVM_DEV_TYPE_VFIO, 0) == -ENODEV)
		skip_because("no VFIO device in this kernel");
	assert_true(rig->dev.fd >= 0);
	assert_int_equal(kvmio_device_has_attr(&rig->dev, &add), 0);
	assert_int_equal(kvmio_device_set_attr(&rig->dev, &add), -EBADF);
	assert_int_equal(kvmio_device_has_attr(&rig->dev, &none), -ENXIO);
	assert_int_equal(kvmio_device_set_attr(&rig->dev, &none), -ENXIO);
	assert_true(kvmio_device_get_attr(&rig->dev, &none) < 0);
}

/* A VM that has this capability: any, of newer kernels, or one that protects its memory. Skips where there is none. */
static void rig_private_vm(struct rig *rig, int cap, const char *test)
{
	rig_vm(rig);
	if (kvmio_vm_check_extension(&rig->vm, cap) > 0)
		return;
	kvmio_vm_release(&rig->vm);
	if (kvmio_vm_create_with_type(&rig->vm, &rig->sys, 1) < 0)
		skip_test(test, "no VM with %s", kvmio_cap_name(cap));
	rig_need_cap(rig, cap, test);
}

static void private_memory_is_made_and_mapped(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_userspace_memory_region2 region = {
		.flags = KVM_MEM_GUEST_MEMFD,
		.memory_size = 0x10000,
	};

	rig_private_vm(rig, KVMIO_CAP_GUEST_MEMFD, __func__);
	assert_int_equal(kvmio_vm_create_guest_memfd(&rig->vm, 123, 0), -EINVAL);
	rig->fd[0] = kvmio_vm_create_guest_memfd(&rig->vm, 0x10000, 0);
	assert_true(rig->fd[0] >= 0);
	region.guest_memfd = (uint32_t)rig->fd[0];
	/* Beyond its end, not aligned, and as it should be. */
	region.guest_memfd_offset = 0x1000;
	assert_int_equal(kvmio_vm_set_memory2(&rig->vm, &region), -EINVAL);
	region.guest_memfd_offset = 0;
	assert_int_equal(kvmio_vm_set_memory2(&rig->vm, &region), 0);
	region.memory_size = 0;
	assert_int_equal(kvmio_vm_set_memory2(&rig->vm, &region), 0);
}

static void memory_takes_the_attributes_that_the_vm_has(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t private = KVM_MEMORY_ATTRIBUTE_PRIVATE;

	rig_private_vm(rig, KVMIO_CAP_MEMORY_ATTRIBUTES, __func__);
	assert_true(need_cap(rig, KVMIO_CAP_MEMORY_ATTRIBUTES) & (int)private);
	assert_int_equal(kvmio_vm_set_memory_attributes(&rig->vm, 0, 0x4000, private), 0);
	assert_int_equal(kvmio_vm_set_memory_attributes(&rig->vm, 0, 0x4000, 0), 0);
	assert_int_equal(kvmio_vm_set_memory_attributes(&rig->vm, 1, 0x4000, 0), -EINVAL);
	assert_int_equal(kvmio_vm_set_memory_attributes(&rig->vm, 0, 0x4000, 1ULL << 40), -EINVAL);
}

/*
 * -ENOTTY of kernels that never heard of it, -EINVAL of those that have it for other VMs; from 6.8 to 6.17 the file is
 * made all the same, and refused as memory.
 */
static void private_memory_is_refused_where_it_cannot_be(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t private = KVM_MEMORY_ATTRIBUTE_PRIVATE;
	struct kvm_userspace_memory_region2 region = {
		.flags = KVM_MEM_GUEST_MEMFD,
		.memory_size = 0x10000,
	};
	int r;

	rig_vm(rig);
	if (kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_GUEST_MEMFD) == 0) {
		r = kvmio_vm_create_guest_memfd(&rig->vm, 0x10000, 0);
		rig->fd[0] = r;
		if (r >= 0) {
			region.guest_memfd = (uint32_t)r;
			r = kvmio_vm_set_memory2(&rig->vm, &region);
		}
		assert_true(r == -ENOTTY || r == -EINVAL);
	}
	if (kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_MEMORY_ATTRIBUTES) == 0) {
		r = kvmio_vm_set_memory_attributes(&rig->vm, 0, 0x4000, private);
		assert_true(r == -ENOTTY || r == -EINVAL);
	}
}

static void a_capability_that_cannot_be_enabled_is_refused(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t args[4] = { 0 };

	rig_vm(rig);
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, 0, 0, NULL), -EINVAL);
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, 696969, 0, args), -EINVAL);
}

static void statistics_have_names_and_values(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t values[64];

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_BINARY_STATS_FD);
	assert_int_equal(kvmio_vm_stats(&rig->vm, &rig->stats), 0);
	assert_true(kvmio_stats_count(&rig->stats) > 0);
	assert_non_null(strstr(rig->stats.id, "kvm"));
	for (size_t i = 0; i < kvmio_stats_count(&rig->stats); i++) {
		const struct kvm_stats_desc *desc = kvmio_stats_desc(&rig->stats, i);

		assert_true(desc->name[0] != '\0' && desc->size > 0);
		assert_int_equal(kvmio_stats_find(&rig->stats, desc->name), i);
		assert_int_equal(
			kvmio_stats_read(&rig->stats, i, values, ARRAY_SIZE(values)), desc->size);
		assert_int_equal(kvmio_stats_read(&rig->stats, i, NULL, 0), desc->size);
	}
	assert_null(kvmio_stats_desc(&rig->stats, kvmio_stats_count(&rig->stats)));
	assert_int_equal(kvmio_stats_find(&rig->stats, "no such thing"), -ENOENT);
	kvmio_stats_release(&rig->stats);
	assert_int_equal(kvmio_vcpu_stats(&rig->vcpu, &rig->stats), 0);
	assert_non_null(strstr(rig->stats.id, "vcpu-0"));
	assert_int_equal(kvmio_stats_read(&rig->stats, SIZE_MAX, values, 1), -ENOENT);
	close(rig->stats.fd);
	rig->stats.fd = -1;
	assert_int_equal(kvmio_stats_read(&rig->stats, 0, values, 1), -EBADF);
}

static void a_wrong_descriptor_is_an_error_of_the_kernels(void **state)
{
	struct kvmio_vm vm = { .fd = -2, .run_size = 12288 };
	struct kvmio_ioevent at = { KVMIO_PIO, 0xf4, 1, true, 5 };
	struct kvm_userspace_memory_region region = { 0 };
	struct kvm_userspace_memory_region2 region2 = { 0 };
	struct kvm_device_attr attr = { 0 };
	struct kvm_msi msi = { 0 };
	struct kvmio_vcpu vcpu = KVMIO_VCPU_INIT;
	struct kvmio_device dev = { .fd = -2 };
	struct kvmio_stats stats = KVMIO_STATS_INIT;
	uint64_t bitmap;

	assert_int_equal(kvmio_vm_check_extension(&vm, 0), -EBADF);
	assert_int_equal(kvmio_vm_enable_cap(&vm, 0, 0, NULL), -EBADF);
	assert_int_equal(kvmio_vm_set_memory(&vm, &region), -EBADF);
	assert_int_equal(kvmio_vm_set_memory2(&vm, &region2), -EBADF);
	assert_int_equal(kvmio_vm_create_guest_memfd(&vm, 4096, 0), -EBADF);
	assert_int_equal(kvmio_vm_set_memory_attributes(&vm, 0, 4096, 0), -EBADF);
	assert_int_equal(kvmio_vm_get_dirty_log(&vm, 0, 4096, &bitmap, 1), -EBADF);
	assert_int_equal(kvmio_vm_enable_dirty_ring(&vm, 4096), -EBADF);
	assert_int_equal(kvmio_vm_reset_dirty_rings(&vm), -EBADF);
	assert_int_equal(kvmio_vm_add_ioevent(&vm, 0, &at), -EBADF);
	assert_int_equal(kvmio_vm_remove_ioevent(&vm, 0, &at), -EBADF);
	assert_int_equal(kvmio_vm_add_coalesced(&vm, KVMIO_MMIO, 0, 1), -EBADF);
	assert_int_equal(kvmio_vm_remove_coalesced(&vm, KVMIO_PIO, 0, 1), -EBADF);
	assert_int_equal(kvmio_vm_has_attr(&vm, &attr), -EBADF);
	assert_int_equal(kvmio_vm_set_attr(&vm, &attr), -EBADF);
	assert_int_equal(kvmio_vm_get_attr(&vm, &attr), -EBADF);
	assert_int_equal(kvmio_vm_create_irqchip(&vm), -EBADF);
	assert_int_equal(kvmio_vm_set_irq_line(&vm, 0, true), -EBADF);
	assert_int_equal(kvmio_vm_signal_msi(&vm, &msi), -EBADF);
	assert_int_equal(kvmio_vm_set_gsi_routing(&vm, NULL, 0), -EBADF);
	assert_int_equal(kvmio_vm_add_irqfd(&vm, 0, 0, -1), -EBADF);
	assert_int_equal(kvmio_vm_remove_irqfd(&vm, 0, 0), -EBADF);
	assert_int_equal(kvmio_vcpu_create(&vcpu, &vm, 0), -EBADF);
	assert_int_equal(kvmio_vcpu_from_fd(&vcpu, &vm, -2), -EBADF);
	assert_int_equal(kvmio_device_create(&dev, &vm, KVM_DEV_TYPE_VFIO, 0), -EBADF);
	assert_int_equal(kvmio_device_has_attr(&dev, &attr), -EBADF);
	assert_int_equal(kvmio_device_set_attr(&dev, &attr), -EBADF);
	assert_int_equal(kvmio_device_get_attr(&dev, &attr), -EBADF);
	assert_int_equal(kvmio_vm_stats(&vm, &stats), -EBADF);
	assert_int_equal(vcpu.fd, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(memory_that_is_not_page_aligned_is_refused),
		with_rig(memory_of_the_second_kind_is_refused_the_same_or_unknown),
		with_rig(a_dirty_log_that_does_not_fit_is_refused),
		cmocka_unit_test(a_dirty_log_beyond_memory_is_refused),
		with_rig(a_dirty_ring_has_a_size_of_its_own_kind),
		with_rig(a_slot_larger_than_told_does_not_overrun_the_bitmap),
		with_rig(a_slot_that_is_not_logged_has_no_dirty_log),
		with_rig(ioevents_of_every_width_come_and_go),
		with_rig(an_ioevent_of_any_width_has_no_value_to_match),
		with_rig(coalesced_zones_come_and_go),
		with_rig(a_vcpus_number_has_a_limit),
		with_rig(a_device_can_be_asked_for_without_making_it),
		with_rig(a_device_has_attributes),
		with_rig(private_memory_is_made_and_mapped),
		with_rig(memory_takes_the_attributes_that_the_vm_has),
		with_rig(private_memory_is_refused_where_it_cannot_be),
		with_rig(a_capability_that_cannot_be_enabled_is_refused),
		with_rig(statistics_have_names_and_values),
		with_rig(a_wrong_descriptor_is_an_error_of_the_kernels),
	};

	return cmocka_run_group_tests_name("kvmio/vm", tests, NULL, NULL);
}
