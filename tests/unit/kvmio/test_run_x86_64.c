/* SPDX-License-Identifier: MIT */
/* Guests that run in real mode, and every exit they can be made to take. */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "payload_x86_64.h"

static void rig_guest(struct rig *rig, uint32_t memory_flags)
{
	rig_memory(rig, CODE, 0x4000, memory_flags);
	rig_vcpu(rig);
}

PAYLOAD(ports_and_memory, 16,
	"mov $0x3f8, %dx\n"
	"mov $0x38, %al\n"
	"out %al, (%dx)\n"
	"in (%dx), %al\n"
	"mov %al, 0x3000\n"
	"movb $0x5a, 0x8000\n"
	"mov 0x8000, %al\n"
	"mov %al, 0x2000\n"
	"hlt");

static void a_guest_uses_ports_and_memory_and_halts(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;
	struct kvm_regs regs;
	uint64_t dirty = 0;

	rig_guest(rig, KVM_MEM_LOG_DIRTY_PAGES);
	load(rig, ports_and_memory);
	assert_int_equal(run_to_out(rig, 0x3f8), 0x38);
	run_to(rig, KVMIO_EXIT_IO_IN, &e);
	assert_int_equal(e.io.port, 0x3f8);
	assert_int_equal(e.io.len, 1);
	*e.io.data = 0x66;
	run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
	assert_int_equal(e.mmio.gpa, 0x8000);
	assert_int_equal(e.mmio.len, 1);
	assert_int_equal(*e.mmio.data, 0x5a);
	run_to(rig, KVMIO_EXIT_MMIO_READ, &e);
	assert_int_equal(e.mmio.gpa, 0x8000);
	*e.mmio.data = 0x77;
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(*guest_at(rig, 0x3000), 0x66);
	assert_int_equal(*guest_at(rig, 0x2000), 0x77);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.rip, CODE + (uint64_t)(ports_and_memory_end - ports_and_memory));
	/* Pages 1 and 2 were written; a KVM may count more, but not forget those. */
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, rig->mem_size, &dirty, 1), 0);
	assert_int_equal(dirty & 6, 6);
	assert_int_equal(dirty >> 4, 0);
	/* And reading it clears it. */
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, rig->mem_size, &dirty, 1), 0);
	assert_int_equal(dirty, 0);
}

PAYLOAD(string_output, 16,
	"mov $0x80, %dx\n"
	"mov $0x2000, %si\n"
	"mov $5, %cx\n"
	"rep outsb\n"
	"hlt");

static void repeated_output_comes_in_order(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;
	char text[6] = "";
	size_t n = 0;

	rig_guest(rig, 0);
	load(rig, string_output);
	memcpy(guest_at(rig, 0x2000), "hello", 5);
	while (n < 5) {
		run_to(rig, KVMIO_EXIT_IO_OUT, &e);
		assert_int_equal(e.io.size, 1);
		assert_true(e.io.len >= 1 && e.io.len == e.io.count && n + e.io.len <= 5);
		memcpy(text + n, e.io.data, e.io.len);
		n += e.io.len;
	}
	assert_string_equal(text, "hello");
	run_to(rig, KVMIO_EXIT_HLT, &e);
}

PAYLOAD(count_and_halt, 16, "inc %eax\nhlt");

static void registers_are_synced_without_ioctls(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_sync_regs *sync;
	struct kvmio_exit e;
	int mask;

	rig_guest(rig, 0);
	mask = need_cap(rig, KVMIO_CAP_SYNC_REGS);
	assert_true(mask & KVM_SYNC_X86_REGS);
	load(rig, count_and_halt);
	kvmio_vcpu_set_sync_valid(&rig->vcpu, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	sync = kvmio_vcpu_sync_regs(&rig->vcpu);
	assert_int_equal(sync->regs.rax & 0xffff, 1);
	assert_int_equal(sync->sregs.cs.base, 0);
	/* Back in through kvm_run. */
	sync->regs.rax = 0x41;
	sync->regs.rip = CODE;
	kvmio_vcpu_set_sync_dirty(&rig->vcpu, KVM_SYNC_X86_REGS);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(sync->regs.rax & 0xffff, 0x42);
	/* Not valid: not told. Not dirty: not taken. */
	kvmio_vcpu_clear_sync_valid(&rig->vcpu, KVM_SYNC_X86_REGS);
	sync->regs.rax = 0xbad;
	sync->regs.rip = CODE;
	kvmio_vcpu_set_sync_dirty(&rig->vcpu, KVM_SYNC_X86_REGS);
	kvmio_vcpu_set_sync_dirty(&rig->vcpu, KVM_SYNC_X86_SREGS);
	kvmio_vcpu_clear_sync_dirty(&rig->vcpu, KVM_SYNC_X86_SREGS);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(sync->regs.rax, 0xbad);
	/* Not one of the upper half, which newer kernels overlook. */
	kvmio_vcpu_set_sync_valid(&rig->vcpu, 1ULL << 30);
	assert_int_equal(kvmio_vcpu_run(&rig->vcpu, &e), -EINVAL);
}

/* An MSR that no CPU has. */
PAYLOAD(read_msr, 16, "mov $0x474f4f00, %ecx\nrdmsr\nhlt");
PAYLOAD(write_msr, 16,
	"mov $0x474f4f00, %ecx\n"
	"mov $0x11111111, %eax\n"
	"mov $0x22222222, %edx\n"
	"wrmsr\n"
	"hlt");

static void rig_msr_exits(struct rig *rig, const char *test)
{
	const uint64_t args[4] = { KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER };

	rig_guest(rig, 0);
	rig_need_cap(rig, KVMIO_CAP_X86_USER_SPACE_MSR, test);
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, KVMIO_CAP_X86_USER_SPACE_MSR, 0, args), 0);
}

static void an_unknown_msr_is_read_from_the_monitor(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;
	struct kvm_regs regs;

	rig_msr_exits(rig, __func__);
	load(rig, read_msr);
	run_to(rig, KVMIO_EXIT_X86_RDMSR, &e);
	assert_int_equal(e.msr.index, 0x474f4f00);
	assert_int_equal(e.msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN);
	*e.msr.data = 0x8877665544332211;
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.rax, 0x44332211);
	assert_int_equal(regs.rdx, 0x88776655);
}

static void an_unknown_msr_is_written_to_the_monitor(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;

	rig_msr_exits(rig, __func__);
	load(rig, write_msr);
	run_to(rig, KVMIO_EXIT_X86_WRMSR, &e);
	assert_int_equal(e.msr.index, 0x474f4f00);
	assert_int_equal(*e.msr.data, 0x2222222211111111);
	*e.msr.error = 0;
	run_to(rig, KVMIO_EXIT_HLT, &e);
}

PAYLOAD(read_known_msr, 16, "mov $0x174, %ecx\nrdmsr\nhlt");

static void a_filtered_msr_exits(void **state)
{
	struct rig *rig = rig_of(state);
	const uint8_t none[1] = { 0 };
	const struct kvmio_msr_range range = { KVM_MSR_FILTER_READ, 0x174, 3, none, sizeof(none) };
	struct kvmio_exit e;

	rig_msr_exits(rig, __func__);
	need_cap(rig, KVMIO_CAP_X86_MSR_FILTER);
	assert_int_equal(
		kvmio_vm_set_msr_filter(&rig->vm, KVM_MSR_FILTER_DEFAULT_ALLOW, &range, 1), 0);
	load(rig, read_known_msr);
	run_to(rig, KVMIO_EXIT_X86_RDMSR, &e);
	assert_int_equal(e.msr.index, 0x174);
	assert_int_equal(e.msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	run_to(rig, KVMIO_EXIT_HLT, &e);
}

PAYLOAD(port_2c, 16,
	"mov $0x2c, %al\n"
	"out %al, $0x70\n"
	"mov $0x2d, %al\n"
	"out %al, $0x70\n"
	"hlt");

static void coalesced_ports_do_not_exit(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_coalesced_mmio write;
	struct kvmio_exit e;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_COALESCED_PIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_PIO, 0x70, 1), 0);
	assert_true(kvmio_vcpu_coalesced_size(&rig->vcpu) > 100);
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 0);
	load(rig, port_2c);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	for (uint8_t byte = 0x2c; byte <= 0x2d; byte++) {
		assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 1);
		assert_int_equal(write.phys_addr, 0x70);
		assert_int_equal(write.len, 1);
		assert_int_equal(write.pio, 1);
		assert_int_equal(write.data[0], byte);
	}
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 0);
	/* No longer coalesced. */
	assert_int_equal(kvmio_vm_remove_coalesced(&rig->vm, KVMIO_PIO, 0x70, 1), 0);
	load(rig, port_2c);
	assert_int_equal(run_to_out(rig, 0x70), 0x2c);
}

PAYLOAD(memory_124, 16, "movw $0x124, 0x8000\nhlt");

static void coalesced_memory_does_not_exit(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_coalesced_mmio write;
	struct kvmio_exit e;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_COALESCED_MMIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_MMIO, 0x8000, 2), 0);
	load(rig, memory_124);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 1);
	assert_int_equal(write.phys_addr, 0x8000);
	assert_int_equal(write.len, 2);
	assert_int_equal(write.data[0], 0x24);
	assert_int_equal(write.data[1], 0x01);
	assert_int_equal(kvmio_vcpu_read_coalesced(&rig->vcpu, &write), 0);
}

PAYLOAD(many_writes, 16, "1: movb %al, 0x8000\ninc %al\njmp 1b");

static void a_full_ring_exits_and_nothing_is_lost(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_coalesced_mmio write;
	struct kvmio_exit e;
	uint8_t next = 0;
	int size;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_COALESCED_MMIO);
	assert_int_equal(kvmio_vm_add_coalesced(&rig->vm, KVMIO_MMIO, 0x8000, 1), 0);
	size = kvmio_vcpu_coalesced_size(&rig->vcpu);
	load(rig, many_writes);
	for (int round = 0; round < 3; round++) {
		int n = 0;

		run_to(rig, KVMIO_EXIT_MMIO_WRITE, &e);
		while (kvmio_vcpu_read_coalesced(&rig->vcpu, &write) == 1) {
			assert_int_equal(write.data[0], next++);
			n++;
		}
		/* Kernels differ in how many they put before they call it full. */
		assert_true(n > 0 && n <= size);
		assert_int_equal(*e.mmio.data, next++);
	}
}

PAYLOAD(knock, 16,
	"mov $5, %al\nout %al, $0xf4\nmov $6, %al\nout %al, $0xf4\nmovw $7, 0x8000\nhlt");

static void a_doorbell_rings_without_an_exit(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_ioevent port = { KVMIO_PIO, 0xf4, 1, true, 5 };
	struct kvmio_ioevent any = { KVMIO_MMIO, 0x8000, 0, false, 0 };
	int five = rig_eventfd(rig, 0), mmio = rig_eventfd(rig, 1);
	struct kvmio_exit e;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_IOEVENTFD);
	need_cap(rig, KVMIO_CAP_IOEVENTFD_ANY_LENGTH);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, five, &port), 0);
	assert_int_equal(kvmio_vm_add_ioevent(&rig->vm, mmio, &any), 0);
	load(rig, knock);
	/* The value that does not match exits; the one that does rang. */
	assert_int_equal(run_to_out(rig, 0xf4), 6);
	assert_true(rung(five));
	assert_false(rung(mmio));
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_true(rung(mmio));
	assert_false(rung(five));
}

PAYLOAD(forever, 16, "jmp .");

static void immediate_exit_ends_a_run_at_once(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e = { .reason = 4711 };

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_IMMEDIATE_EXIT);
	load(rig, forever);
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
	struct sigaction old, act = { .sa_handler = nothing };
	struct kvmio_exit e;

	rig_guest(rig, 0);
	load(rig, forever);
	assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
	alarm(1);
	assert_int_equal(kvmio_vcpu_run(&rig->vcpu, &e), -EINTR);
	sigaction(SIGALRM, &old, NULL);
}

PAYLOAD(steps, 16, "nop\nnop\nhlt");

static void a_guest_is_stepped(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct kvmio_exit e;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_SET_GUEST_DEBUG);
	load(rig, steps);
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	for (uint64_t pc = CODE + 1; pc <= CODE + 2; pc++) {
		run_to(rig, KVMIO_EXIT_DEBUG, &e);
		assert_int_equal(e.debug->exception, 1);
		assert_int_equal(e.debug->pc, pc);
		assert_true(e.debug->dr6 & (1 << 14));
	}
	debug.control = 0;
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	debug.control = UINT32_MAX;
	(void)kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug);
}

PAYLOAD(output_of_code, 16, "mov $0x1000, %si\noutsb\nhlt");

/* On what KVM emulates, for its emulator minds breakpoints too: those of a CPU that QEMU emulates do not work. */
static void a_hardware_breakpoint_stops_the_guest(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { [0] = CODE + 3, [7] = 0x402 },
	};
	struct kvmio_exit e;

	rig_guest(rig, 0);
	need_cap(rig, KVMIO_CAP_SET_GUEST_DEBUG);
	load(rig, output_of_code);
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	run_to(rig, KVMIO_EXIT_DEBUG, &e);
	assert_int_equal(e.debug->exception, 1);
	assert_int_equal(e.debug->pc, CODE + 3);
	assert_true(e.debug->dr6 & 1);
	debug.control = 0;
	assert_int_equal(kvmio_vcpu_set_guest_debug(&rig->vcpu, &debug), 0);
	run_to(rig, KVMIO_EXIT_IO_OUT, &e);
	run_to(rig, KVMIO_EXIT_HLT, &e);
}

PAYLOAD(triple_fault, 16, "lidt 1f - triple_fault + 0x1000\nud2\n1: .word 0\n.long 0");

static void a_triple_fault_is_a_shutdown(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;

	rig_guest(rig, 0);
	load(rig, triple_fault);
	run_to(rig, KVMIO_EXIT_SHUTDOWN, &e);
}

PAYLOAD(store_far, 16, "movb %al, 0x4000\nhlt");

static void memory_that_is_gone_is_a_fault_of_the_monitors(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e = { .reason = 4711 };
	int r;

	rig_guest(rig, 0);
	load(rig, store_far);
	assert_int_equal(munmap(guest_at(rig, 0x4000), 0x1000), 0);
	r = kvmio_vcpu_run(&rig->vcpu, &e);
	if (r < 0) {
		assert_int_equal(r, -EFAULT);
		assert_int_equal(e.reason, 4711);
	} else if (e.type == KVMIO_EXIT_MEMORY_FAULT) {
		/* Newer kernels tell where it was. */
		assert_int_equal(e.memory_fault.at->gpa, 0x4000);
	} else {
		/* One that emulates the store takes the address for a device's. */
		assert_int_equal(e.type, KVMIO_EXIT_MMIO_WRITE);
		assert_int_equal(e.mmio.gpa, 0x4000);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(a_guest_uses_ports_and_memory_and_halts),
		with_rig(repeated_output_comes_in_order),
		with_rig(registers_are_synced_without_ioctls),
		with_rig(an_unknown_msr_is_read_from_the_monitor),
		with_rig(an_unknown_msr_is_written_to_the_monitor),
		with_rig(a_filtered_msr_exits),
		with_rig(coalesced_ports_do_not_exit),
		with_rig(coalesced_memory_does_not_exit),
		with_rig(a_full_ring_exits_and_nothing_is_lost),
		with_rig(a_doorbell_rings_without_an_exit),
		with_rig(immediate_exit_ends_a_run_at_once),
		with_rig(a_signal_ends_a_run),
		with_rig(a_guest_is_stepped),
		with_rig(a_hardware_breakpoint_stops_the_guest),
		with_rig(a_triple_fault_is_a_shutdown),
		with_rig(memory_that_is_gone_is_a_fault_of_the_monitors),
	};

	return cmocka_run_group_tests_name("kvmio/run_x86_64", tests, NULL, NULL);
}
