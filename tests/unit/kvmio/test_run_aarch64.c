/* SPDX-License-Identifier: MIT */
/* Guests of aarch64 that run, without MMU and caches: addresses are physical. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness_aarch64.h"

/* No memory is here. */
#define DEVICE 0x900000

/* PSCI's SYSTEM_OFF. */
#define OFF                                                 \
	0x52800100, /* mov w0, #8 */                        \
		0x72b08000, /* movk w0, #0x8400, lsl #16 */ \
		0xd4000002, /* hvc #0 */                    \
		0x14000000 /* b . */

static void run_to_off(struct rig *rig)
{
	struct kvmio_exit e;

	run_to(rig, KVMIO_EXIT_SYSTEM_EVENT, &e);
	assert_int_equal(e.system_event.type, KVM_SYSTEM_EVENT_SHUTDOWN);
}

static void a_guest_uses_memory_and_turns_itself_off(void **state)
{
	static const uint32_t code[] = {
		0xb9400020, /* ldr w0, [x1] */
		0xb9000040, /* str w0, [x2] */
		0xb9000020, /* str w0, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	uint64_t dirty = 0;
	struct kvmio_exit e;

	rig_code(rig, code);
	set_reg(rig, X(1), DEVICE);
	set_reg(rig, X(2), CODE + 0x1000);
	run_to(rig, KVMIO_EXIT_MMIO_READ, &e);
	assert_int_equal(e.mmio.gpa, DEVICE);
	assert_int_equal(e.mmio.len, 4);
	memcpy(e.mmio.data, "\x11\x22\x33\x44", 4);
	run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
	assert_memory_equal(e.mmio.data, "\x11\x22\x33\x44", 4);
	assert_memory_equal(rig->mem + 0x1000, "\x11\x22\x33\x44", 4);
	run_to_off(rig);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, rig->mem_size, &dirty, 1), 0);
	assert_true(dirty & (1U << (0x1000 / sysconf(_SC_PAGESIZE))));
}

static void coalesced_memory_does_not_exit(void **state)
{
	static const uint32_t code[] = {
		0x79000022, /* strh w2, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	struct kvm_coalesced_mmio write;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_COALESCED_MMIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_MMIO, DEVICE, 2), 0);
	set_reg(rig, X(1), DEVICE);
	set_reg(rig, X(2), 0x124);
	run_to_off(rig);
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 1);
	assert_int_equal(write.phys_addr, DEVICE);
	assert_int_equal(write.len, 2);
	assert_int_equal(write.data[0], 0x24);
	assert_int_equal(write.data[1], 0x01);
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 0);
}

static void a_full_ring_exits_and_nothing_is_lost(void **state)
{
	static const uint32_t code[] = {
		0x39000022, /* strb w2, [x1] */
		0x11000442, /* add w2, w2, #1 */
		0x17fffffe, /* b .-8 */
	};
	struct rig *rig = rig_of(state);
	struct kvm_coalesced_mmio write;
	struct kvmio_exit e;
	uint8_t next = 0;
	int size;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_COALESCED_MMIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_MMIO, DEVICE, 1), 0);
	size = kvmio_vcpu_coalesced_size(&rig->vcpu);
	set_reg(rig, X(1), DEVICE);
	set_reg(rig, X(2), 0);
	for (int round = 0; round < 3; round++) {
		int n = 0;

		run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
		while (kvmio_vcpu_read_coalesced(&rig->vcpu, &write) == 1) {
			assert_int_equal(write.data[0], next++);
			n++;
		}
		assert_true(n > 0 && n <= size);
		assert_int_equal(*e.mmio.data, next++);
	}
}

static void a_doorbell_rings_without_an_exit(void **state)
{
	static const uint32_t code[] = {
		0xb9000022, /* str w2, [x1] */
		0xb9000023, /* str w3, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	struct kvmio_ioevent at = { KVMIO_MMIO, DEVICE, 4, true, 5 };
	int fd = rig_eventfd(rig, 0);
	struct kvmio_exit e;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_IOEVENTFD);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, fd, &at), 0);
	set_reg(rig, X(1), DEVICE);
	set_reg(rig, X(2), 6);
	set_reg(rig, X(3), 5);
	/* The value that does not match exits. */
	run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
	assert_int_equal(*e.mmio.data, 6);
	assert_false(rung(fd));
	run_to_off(rig);
	assert_true(rung(fd));
}

static const uint32_t forever[] = { 0x14000000 /* b . */ };

static void immediate_exit_ends_a_run_at_once(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e = { .reason = 4711 };

	rig_code(rig, forever);
	need_cap(rig, KVMIO_CAP_IMMEDIATE_EXIT);
	kvmio_vcpu_set_immediate_exit(&rig->vcpu, true);
	assert_int_equal(kvmio_vcpu_run(&rig->vcpu, &e), -EINTR);
	assert_int_equal(e.reason, 4711);
}

static void nothing(int sig)
{
}

static void a_signal_ends_a_run(void **state)
{
	struct rig *rig = rig_of(state);
	const struct itimerval soon = { .it_value.tv_usec = 50000 }, never = { 0 };
	struct sigaction action = { .sa_handler = nothing }, old;
	struct kvmio_exit e;

	rig_code(rig, forever);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(kvmio_vcpu_run(&rig->vcpu, &e), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
}

static void a_guest_is_stepped(void **state)
{
	static const uint32_t code[] = {
		0xd503201f, /* nop */
		0xd503201f, /* nop */
		OFF,
	};
	struct rig *rig = rig_of(state);
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct kvmio_exit e;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_SET_GUEST_DEBUG);
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	for (uint64_t pc = CODE + 4; pc <= CODE + 8; pc += 4) {
		run_to(rig, KVMIO_EXIT_DEBUG, &e);
		/* A software step from a lower exception level: class 0x32. */
		assert_int_equal(e.debug->hsr >> 26, 0x32);
		assert_int_equal(get_reg(rig, PC), pc);
	}
	debug.control = 0;
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	run_to_off(rig);
	debug.control = UINT32_MAX;
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), -EINVAL);
}

static void a_breakpoint_in_the_code_stops_the_guest(void **state)
{
	static const uint32_t code[] = {
		0xd503201f, /* nop */
		0xd4200000, /* brk #0 */
	};
	struct rig *rig = rig_of(state);
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP,
	};
	struct kvmio_exit e;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_SET_GUEST_DEBUG);
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	run_to(rig, KVMIO_EXIT_DEBUG, &e);
	assert_int_equal(e.debug->hsr >> 26, 0x3c);
	assert_int_equal(get_reg(rig, PC), CODE + 4);
}

/* An access that the hardware describes to nobody: of two registers. */
static void an_access_without_a_syndrome_goes_to_the_monitor(void **state)
{
	static const uint32_t code[] = {
		0xa9000c22, /* stp x2, x3, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;

	rig_code(rig, code);
	need_cap(rig, KVMIO_CAP_ARM_NISV_TO_USER);
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, KVMIO_CAP_ARM_NISV_TO_USER, 0, NULL), 0);
	set_reg(rig, X(1), DEVICE);
	run_to(rig, KVMIO_EXIT_ARM_NISV, &e);
	assert_int_equal(e.arm_nisv.fault_ipa, DEVICE);
	set_reg(rig, PC, CODE + 4);
	run_to_off(rig);
}

static void memory_that_is_gone_is_a_fault_of_the_monitors(void **state)
{
	static const uint32_t code[] = {
		0xb9000022, /* str w2, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	struct kvmio_exit e = { .reason = 4711 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int r;

	rig_code(rig, code);
	assert_int_equal(munmap(rig->mem + rig->mem_size - page, page), 0);
	set_reg(rig, X(1), CODE + rig->mem_size - page);
	r = kvmio_vcpu_run(&rig->vcpu, &e);
	/* Newer kernels tell where it was. */
	if (r == 0) {
		assert_int_equal(e.type, KVMIO_EXIT_MEMORY_FAULT);
		assert_int_equal(e.memory_fault.at->gpa, CODE + rig->mem_size - page);
	} else {
		assert_int_equal(r, -EFAULT);
		assert_int_equal(e.reason, 4711);
	}
}

static void dirty_pages_come_in_a_ring(void **state)
{
	static const uint32_t code[] = {
		0xb9000062, /* str w2, [x3] */
		0xb9000022, /* str w2, [x1] */
		0xb9000082, /* str w2, [x4] */
		0xb9000022, /* str w2, [x1] */
		OFF,
	};
	struct rig *rig = rig_of(state);
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct kvmio_dirty_page pages[16];
	uint64_t bitmap;
	struct kvmio_exit e;

	rig_vm(rig);
	/* KVM_CAP_DIRTY_LOG_RING is of x86_64 alone. */
	need_cap(rig, KVMIO_CAP_DIRTY_LOG_RING_ACQ_REL);
	assert_int_equal(kvmio_vm_enable_dirty_ring(&rig->vm, (uint32_t)(16 * page)), 0);
	rig_code(rig, code);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), 0);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, rig->mem_size, &bitmap, 1), -ENXIO);
	set_reg(rig, X(1), DEVICE);
	set_reg(rig, X(3), CODE + page);
	set_reg(rig, X(4), CODE + 3 * page);
	for (uint64_t written = 1; written <= 3; written += 2) {
		int n, found = 0;

		run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
		n = kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, ARRAY_SIZE(pages));
		/* The kernel may tell the code's page, too, and never one that is not written yet, or not again. */
		for (int i = 0; i < n; i++) {
			assert_int_equal(pages[i].slot, 0);
			assert_true(pages[i].page == written || pages[i].page == 0);
			found += pages[i].page == written;
		}
		assert_int_equal(found, 1);
		assert_int_equal(kvmio_vm_reset_dirty_rings(&rig->vm), n);
	}
	run_to_off(rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(a_guest_uses_memory_and_turns_itself_off),
		with_rig(coalesced_memory_does_not_exit),
		with_rig(a_full_ring_exits_and_nothing_is_lost),
		with_rig(a_doorbell_rings_without_an_exit),
		with_rig(immediate_exit_ends_a_run_at_once),
		with_rig(a_signal_ends_a_run),
		with_rig(a_guest_is_stepped),
		with_rig(a_breakpoint_in_the_code_stops_the_guest),
		with_rig(an_access_without_a_syndrome_goes_to_the_monitor),
		with_rig(memory_that_is_gone_is_a_fault_of_the_monitors),
		with_rig(dirty_pages_come_in_a_ring),
	};

	return cmocka_run_group_tests_name("kvmio/run_aarch64", tests, NULL, NULL);
}
