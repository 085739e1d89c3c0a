/* SPDX-License-Identifier: MIT */
/* vCPUs of all architectures: their mapping, what is read from it, what they refuse. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

static void the_mapping_is_the_vcpus(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	assert_non_null(rig->vcpu.run);
	assert_int_equal(rig->vcpu.run_size, kvmio_system_vcpu_mmap_size(&rig->sys));
	kvmio_vcpu_set_immediate_exit(&rig->vcpu, true);
	assert_int_equal(rig->vcpu.run->immediate_exit, 1);
	kvmio_vcpu_set_immediate_exit(&rig->vcpu, false);
	assert_int_equal(rig->vcpu.run->immediate_exit, 0);
}

static void what_is_no_vcpu_is_not_adopted(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_vcpu vcpu = { .fd = -77 };

	rig_vm(rig);
	rig->fd[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(kvmio_vcpu_from_fd(&vcpu, &rig->vm, -1), -EBADF);
	assert_int_equal(kvmio_vcpu_from_fd(&vcpu, &rig->vm, rig->fd[0]), -ENODEV);
	assert_int_equal(vcpu.fd, -77);
}

static void a_capability_that_cannot_be_enabled_is_refused(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_enable_cap(&rig->vcpu, 696969, 0, NULL), -EINVAL);
}

static void synced_registers_are_asked_for_by_bits(void **state)
{
	struct kvm_run run = { .kvm_valid_regs = 1, .kvm_dirty_regs = 8 };
	struct kvmio_vcpu vcpu = { .run = &run };

	kvmio_vcpu_set_sync_valid(&vcpu, 6);
	assert_int_equal(run.kvm_valid_regs, 7);
	kvmio_vcpu_clear_sync_valid(&vcpu, 3);
	assert_int_equal(run.kvm_valid_regs, 4);
	kvmio_vcpu_set_sync_dirty(&vcpu, 1);
	assert_int_equal(run.kvm_dirty_regs, 9);
	kvmio_vcpu_clear_sync_dirty(&vcpu, 8);
	assert_int_equal(run.kvm_dirty_regs, 1);
	assert_ptr_equal(kvmio_vcpu_sync_regs(&vcpu), &run.s.regs);
}

/* A ring of coalesced writes that is made up here. */
static void coalesced_writes_are_read_around_the_ring(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE),
		     at = KVM_COALESCED_MMIO_PAGE_OFFSET * page;
	char *map = test_calloc(1, at + page);
	struct kvm_coalesced_mmio_ring *ring = (void *)(map + at);
	struct kvmio_vcpu vcpu = { .fd = -1, .run = (void *)map, .run_size = at + page };
	struct kvm_coalesced_mmio got;
	int last = kvmio_vcpu_coalesced_size(&vcpu);

	assert_true(last > 0);
	ring->coalesced_mmio[last].phys_addr = 0x1000;
	ring->coalesced_mmio[0].phys_addr = 0x2000;
	ring->first = (uint32_t)last;
	ring->last = 1;
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &got), 1);
	assert_int_equal(got.phys_addr, 0x1000);
	assert_int_equal(ring->first, 0);
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &got), 1);
	assert_int_equal(got.phys_addr, 0x2000);
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &got), 0);
	/* An index beyond the ring reads nothing. */
	ring->first = (uint32_t)last + 1;
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &got), 0);
	vcpu.run_size--;
	assert_int_equal(kvmio_vcpu_read_coalesced(&vcpu, &got), -EIO);
	assert_int_equal(kvmio_vcpu_coalesced_size(&vcpu), -EIO);
	test_free(map);
}

/* A vCPU whose dirty ring of one page is a file's. */
static void rig_ring_of_a_file(struct rig *rig)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	rig->vcpu.fd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(rig->vcpu.fd >= 0);
	assert_int_equal(ftruncate(rig->vcpu.fd, (off_t)((KVMIO_DIRTY_RING_PAGE + 1) * page)), 0);
	rig->vcpu.dirty_ring_size = (uint32_t)page;
}

static void a_dirty_ring_is_mapped_once(void **state)
{
	struct rig *rig = *state;
	struct kvmio_vcpu closed = { .fd = -1, .dirty_ring_size = 4096 };

	assert_int_equal(kvmio_vcpu_map_dirty_ring(&closed), -EBADF);
	assert_null(closed.dirty_ring);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), -EINVAL);
	rig_ring_of_a_file(rig);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), 0);
	assert_int_equal(
		rig->vcpu.dirty_slots, rig->vcpu.dirty_ring_size / sizeof(struct kvm_dirty_gfn));
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), -EBUSY);
}

static void dirty_pages_are_harvested_around_the_ring(void **state)
{
	struct rig *rig = *state;
	struct kvmio_dirty_page pages[3];
	struct kvm_dirty_gfn *ring;
	uint32_t last;

	rig_ring_of_a_file(rig);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), 0);
	ring = rig->vcpu.dirty_ring;
	last = rig->vcpu.dirty_slots - 1;
	assert_int_equal(kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, SIZE_MAX), 0);
	rig->vcpu.dirty_next = last;
	ring[last] = (struct kvm_dirty_gfn){ KVM_DIRTY_GFN_F_DIRTY, 3, 0x77 };
	ring[0] = (struct kvm_dirty_gfn){ KVM_DIRTY_GFN_F_DIRTY, 4, 0x88 };
	assert_int_equal(kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, 1), 1);
	assert_int_equal(pages[0].slot, 3);
	assert_int_equal(pages[0].page, 0x77);
	assert_int_equal(ring[last].flags, KVM_DIRTY_GFN_F_RESET);
	assert_int_equal(ring[0].flags, KVM_DIRTY_GFN_F_DIRTY);
	assert_int_equal(kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, 3), 1);
	assert_int_equal(pages[0].slot, 4);
	assert_int_equal(pages[0].page, 0x88);
	assert_int_equal(rig->vcpu.dirty_next, 1);
}

static void a_list_of_registers_beyond_memory_is_refused(void **state)
{
	struct kvmio_vcpu vcpu = { .fd = -1 };
	size_t n = SIZE_MAX;

	assert_int_equal(kvmio_vcpu_get_reg_list(&vcpu, NULL, &n), -ENOMEM);
	n = SIZE_MAX / 16;
	assert_int_equal(kvmio_vcpu_get_reg_list(&vcpu, NULL, &n), -ENOMEM);
	assert_int_equal(n, SIZE_MAX / 16);
}

static void a_wrong_descriptor_is_an_error_of_the_kernels(void **state)
{
	struct kvmio_vcpu v = { .fd = -2 };
	struct kvmio_exit e = { .reason = 4711 };
	struct kvm_device_attr attr = { 0 };
	struct kvm_guest_debug debug = { 0 };
	struct kvmio_stats stats = KVMIO_STATS_INIT;
	uint64_t u64 = 0;
	uint32_t mp = 99;
	size_t n = 0;
	const int got[] = {
		kvmio_vcpu_run(&v, &e),
		kvmio_vcpu_get_mp_state(&v, &mp),
		kvmio_vcpu_set_mp_state(&v, 0),
		kvmio_vcpu_set_guest_debug(&v, &debug),
		kvmio_vcpu_enable_cap(&v, 0, 0, NULL),
		kvmio_vcpu_has_attr(&v, &attr),
		kvmio_vcpu_get_attr(&v, &attr),
		kvmio_vcpu_set_attr(&v, &attr),
		kvmio_vcpu_get_one_reg(&v, KVM_REG_SIZE_U64, &u64, 8),
		kvmio_vcpu_set_one_reg(&v, KVM_REG_SIZE_U64, &u64, 8),
		kvmio_vcpu_get_reg_list(&v, &u64, &n),
		kvmio_vcpu_stats(&v, &stats),
	};

	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		assert_int_equal(got[i], -EBADF);
	assert_int_equal(e.reason, 4711);
	assert_int_equal(mp, 99);
	assert_int_equal(stats.fd, -1);
	assert_int_equal(kvmio_vcpu_get_one_reg(&v, KVM_REG_SIZE_U64, &u64, 7), -EINVAL);
	assert_int_equal(kvmio_vcpu_set_one_reg(&v, KVM_REG_SIZE_U64, &u64, 7), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(the_mapping_is_the_vcpus),
		with_rig(what_is_no_vcpu_is_not_adopted),
		with_rig(a_capability_that_cannot_be_enabled_is_refused),
		cmocka_unit_test(synced_registers_are_asked_for_by_bits),
		cmocka_unit_test(coalesced_writes_are_read_around_the_ring),
		with_rig(a_dirty_ring_is_mapped_once),
		with_rig(dirty_pages_are_harvested_around_the_ring),
		cmocka_unit_test(a_list_of_registers_beyond_memory_is_refused),
		cmocka_unit_test(a_wrong_descriptor_is_an_error_of_the_kernels),
	};

	return cmocka_run_group_tests_name("kvmio/vcpu", tests, NULL, NULL);
}
