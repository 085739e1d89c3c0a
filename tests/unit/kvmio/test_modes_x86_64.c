/* SPDX-License-Identifier: MIT */
/* Guests in protected and long mode, interrupts, the dirty ring, hypercalls. */
#include <unistd.h>

#include "payload_x86_64.h"

#define MEMORY 0x200000

static void rig_guest(struct rig *rig)
{
	rig_memory(rig, 0, MEMORY, 0);
	rig_vcpu(rig);
}

static uint64_t guest64(struct rig *rig, uint64_t gpa)
{
	uint64_t value;

	memcpy(&value, guest_at(rig, gpa), sizeof(value));
	return value;
}

PAYLOAD(protected_mode, 32,
	"mov $0x8000, %esp\n"
	"mov $0x12345678, %eax\n"
	"push %eax\n"
	"pop %ebx\n"
	"mov %ebx, 0x100000\n" /* beyond what real mode can reach */
	"bswap %ebx\n"
	"mov %bl, %al\n"
	"out %al, $0x80\n"
	"hlt");

static void protected_mode_has_32_bits(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;
	struct kvm_regs regs;

	rig_guest(rig);
	load(rig, protected_mode);
	enter_protected_mode(rig);
	assert_int_equal(run_to_out(rig, 0x80), 0x12);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(guest64(rig, 0x100000), 0x12345678);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.rbx, 0x78563412);
	assert_int_equal(regs.rsp, 0x8000);
}

PAYLOAD(long_mode, 64,
	"movabs $0x123456789abcdef0, %rax\n"
	"mov %rax, %r15\n"
	"mov $0x8000, %esp\n"
	"push %r15\n"
	"pop %r14\n"
	"mov %r14, 0x100000\n"
	"shr $56, %r14\n"
	"mov %r14d, %eax\n"
	"out %al, $0x80\n"
	"hlt");

static void long_mode_has_64_bits(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	rig_guest(rig);
	load(rig, long_mode);
	enter_long_mode(rig);
	assert_int_equal(run_to_out(rig, 0x80), 0x12);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(guest64(rig, 0x100000), 0x123456789abcdef0);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.r15, 0x123456789abcdef0);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	assert_int_equal(sregs.efer & 0x500, 0x500);
}

static void page_tables_are_walked_for_an_address(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_translation t;

	rig_guest(rig);
	load(rig, long_mode);
	enter_long_mode(rig);
	assert_int_equal(kvmio_vcpu_translate(&rig->vcpu, 0x123456, &t), 0);
	assert_int_equal(t.valid, 1);
	assert_int_equal(t.physical_address, 0x123456);
	assert_int_equal(kvmio_vcpu_translate(&rig->vcpu, 0x7fffffff0000, &t), 0);
	assert_int_equal(t.valid, 0);
}

/* From reset's real mode to long mode by the guest's own hand; the tables are there (enter_long_mode's). */
PAYLOAD(all_modes, 16,
	"cli\n"
	"mov $1, %al\n"
	"out %al, $0x80\n"
	"lgdtl 7f - all_modes + 0x1000\n"
	"mov %cr0, %eax\n"
	"or $1, %al\n"
	"mov %eax, %cr0\n"
	"ljmpl $8, $(2f - all_modes + 0x1000)\n"
	".code32\n"
	"2: mov $16, %ax\n"
	"mov %ax, %ds\n"
	"mov %ax, %ss\n"
	"mov $2, %al\n"
	"out %al, $0x80\n"
	"mov %cr4, %eax\n"
	"or $0x20, %eax\n"
	"mov %eax, %cr4\n"
	"mov $0x10000, %eax\n"
	"mov %eax, %cr3\n"
	"mov $0xc0000080, %ecx\n"
	"rdmsr\n"
	"or $0x100, %eax\n"
	"wrmsr\n"
	"mov %cr0, %eax\n"
	"or $0x80000000, %eax\n"
	"mov %eax, %cr0\n"
	"ljmp $24, $(3f - all_modes + 0x1000)\n"
	".code64\n"
	"3: movabs $0x1122334455667788, %rax\n"
	"mov %rax, 0x100000\n"
	"mov $3, %al\n"
	"out %al, $0x80\n"
	"hlt\n"
	".balign 8\n"
	"6: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff\n"
	"7: .word 31\n"
	".long 6b - all_modes + 0x1000");

static void a_guest_goes_from_real_to_long_mode_by_itself(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_sregs reset;
	struct kvmio_exit e;

	rig_guest(rig);
	/* Long mode must be in the guest's CPUID for EFER.LME to be its to set. */
	give_cpuid(rig);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &reset), 0);
	load(rig, all_modes);
	enter_long_mode(rig);
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &reset), 0);
	load(rig, all_modes);
	for (uint8_t mode = 1; mode <= 3; mode++)
		assert_int_equal(run_to_out(rig, 0x80), mode);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(guest64(rig, 0x100000), 0x1122334455667788);
}

/* Sets up the PIC for vectors from 0x20 on, waits; each interrupt of line 4 is told on port 0x80. */
PAYLOAD(wait_for_line_4, 16,
	"movw $(5f - wait_for_line_4 + 0x1000), 0x90\n" /* vector 0x24 */
	"movw $0, 0x92\n"
	"mov $0x11, %al\nout %al, $0x20\n"
	"mov $0x20, %al\nout %al, $0x21\n"
	"mov $4, %al\nout %al, $0x21\n"
	"mov $1, %al\nout %al, $0x21\n"
	"mov $0xef, %al\nout %al, $0x21\n"
	"mov $0x11, %al\nout %al, $0x80\n"
	"sti\n"
	"1: hlt\n"
	"jmp 1b\n"
	"5: mov $0x44, %al\n"
	"out %al, $0x80\n"
	"mov $0x20, %al\n"
	"out %al, $0x20\n"
	"mov $0x55, %al\n"
	"out %al, $0x80\n"
	"iret");

static void rig_waiting_guest(struct rig *rig)
{
	rig_memory(rig, 0, MEMORY, 0);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	rig_vcpu(rig);
	load(rig, wait_for_line_4);
	assert_int_equal(run_to_out(rig, 0x80), 0x11);
}

static void a_line_interrupts_the_guest(void **state)
{
	struct rig *rig = rig_of(state);

	rig_waiting_guest(rig);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, true), 0);
		assert_int_equal(kvmio_vm_set_irq_line(&rig->vm, 4, false), 0);
		assert_int_equal(run_to_out(rig, 0x80), 0x44);
		assert_int_equal(run_to_out(rig, 0x80), 0x55);
	}
}

static void ring(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void an_eventfd_interrupts_the_guest(void **state)
{
	struct rig *rig = rig_of(state);
	int fd = rig_eventfd(rig, 0);

	rig_waiting_guest(rig);
	need_cap(rig, KVMIO_CAP_IRQFD);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, fd, 4, -1), 0);
	for (int i = 0; i < 3; i++) {
		ring(fd);
		assert_int_equal(run_to_out(rig, 0x80), 0x44);
		assert_int_equal(run_to_out(rig, 0x80), 0x55);
	}
}

static void an_acknowledged_interrupt_is_resampled(void **state)
{
	struct rig *rig = rig_of(state);
	int fd = rig_eventfd(rig, 0), resample = rig_eventfd(rig, 1);

	rig_waiting_guest(rig);
	need_cap(rig, KVMIO_CAP_IRQFD_RESAMPLE);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, fd, 4, resample), 0);
	for (int i = 0; i < 3; i++) {
		ring(fd);
		assert_int_equal(run_to_out(rig, 0x80), 0x44);
		assert_false(rung(resample));
		assert_int_equal(run_to_out(rig, 0x80), 0x55); /* after its EOI */
		assert_true(rung(resample));
	}
}

static void a_rerouted_line_is_another(void **state)
{
	struct rig *rig = rig_of(state);
	const struct kvm_irq_routing_entry route = {
		.gsi = 40,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { KVM_IRQCHIP_PIC_MASTER, 4 },
	};
	int fd = rig_eventfd(rig, 0);

	rig_waiting_guest(rig);
	need_cap(rig, KVMIO_CAP_IRQ_ROUTING);
	assert_int_equal(kvmio_vm_set_gsi_routing(&rig->vm, &route, 1), 0);
	assert_int_equal(kvmio_vm_add_irqfd(&rig->vm, fd, 40, -1), 0);
	ring(fd);
	assert_int_equal(run_to_out(rig, 0x80), 0x44);
}

/* Writes a page after another, from 1 MiB on, and tells each. */
PAYLOAD(dirty_pages, 32,
	"mov $0x100000, %edi\n"
	"1: mov %edi, (%edi)\n"
	"add $0x1000, %edi\n"
	"mov %edi, %eax\n"
	"shr $12, %eax\n"
	"out %al, $0x80\n"
	"cmp $0x110000, %edi\n"
	"jb 1b\n"
	"hlt");

static void rig_dirty_ring(struct rig *rig, uint32_t size, const char *test)
{
	rig_vm(rig);
	if (kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_DIRTY_LOG_RING) == 0)
		rig_need_cap(rig, KVMIO_CAP_DIRTY_LOG_RING_ACQ_REL, test);
	assert_int_equal(kvmio_vm_enable_dirty_ring(&rig->vm, 123), -EINVAL);
	assert_int_equal(rig->vm.dirty_ring_size, 0);
	assert_int_equal(kvmio_vm_enable_dirty_ring(&rig->vm, size), 0);
	rig_memory(rig, 0, MEMORY, KVM_MEM_LOG_DIRTY_PAGES);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), 0);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), -EBUSY);
	load(rig, dirty_pages);
	enter_protected_mode(rig);
}

static bool harvested(const struct kvmio_dirty_page *pages, int n, uint64_t page)
{
	for (int i = 0; i < n; i++) {
		if (pages[i].slot == 0 && pages[i].page == page)
			return true;
	}
	return false;
}

static void dirty_pages_come_in_a_ring(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_dirty_page pages[512];
	uint64_t bitmap[8];
	int n;

	rig_dirty_ring(rig, 16 * 4096, __func__);
	assert_int_equal(kvmio_vm_get_dirty_log(&rig->vm, 0, MEMORY, bitmap, 8), -ENXIO);
	for (int i = 0; i < 8; i++)
		run_to_out(rig, 0x80);
	n = kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, ARRAY_SIZE(pages));
	assert_true(n >= 8);
	for (uint64_t page = 0x100; page < 0x108; page++)
		assert_true(harvested(pages, n, page));
	assert_false(harvested(pages, n, 0x108));
	assert_int_equal(kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, 1), 0);
	assert_int_equal(kvmio_vm_reset_dirty_rings(&rig->vm), n);
	run_to_out(rig, 0x80);
	n = kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, 1);
	assert_int_equal(n, 1);
	assert_int_equal(pages[0].page, 0x108);
	/* A page that was reset is told again. */
	assert_int_equal(kvmio_vm_reset_dirty_rings(&rig->vm), 1);
	load(rig, dirty_pages);
	enter_protected_mode(rig);
	run_to_out(rig, 0x80);
	n = kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, ARRAY_SIZE(pages));
	assert_true(harvested(pages, n, 0x100));
}

/* Writes each of the 2048 pages from 2 MiB on. */
PAYLOAD(flood, 32,
	"mov $0x200000, %edi\n"
	"1: mov %edi, (%edi)\n"
	"add $0x1000, %edi\n"
	"cmp $0xa00000, %edi\n"
	"jb 1b\n"
	"hlt");

static void a_full_dirty_ring_exits_and_loses_nothing(void **state)
{
	struct rig *rig = rig_of(state);
	static struct kvmio_dirty_page pages[4096];
	static uint8_t seen[0xa00];
	struct kvmio_exit e = { .type = KVMIO_EXIT_UNKNOWN };
	int full = 0;

	pvm_cannot(__func__, "looks for a full ring too late");
	rig_vm(rig);
	if (kvmio_vm_check_extension(&rig->vm, KVMIO_CAP_DIRTY_LOG_RING) == 0)
		need_cap(rig, KVMIO_CAP_DIRTY_LOG_RING_ACQ_REL);
	assert_int_equal(kvmio_vm_enable_dirty_ring(&rig->vm, 4 * 4096), 0); /* 1024 entries */
	rig_memory(rig, 0, 0xa00000, KVM_MEM_LOG_DIRTY_PAGES);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_map_dirty_ring(&rig->vcpu), 0);
	load(rig, flood);
	enter_protected_mode(rig);
	memset(seen, 0, sizeof(seen));
	while (e.type != KVMIO_EXIT_HLT) {
		int n;

		assert_int_equal(kvmio_vcpu_run(&rig->vcpu, &e), 0);
		assert_true(e.type == KVMIO_EXIT_HLT || e.type == KVMIO_EXIT_DIRTY_RING_FULL);
		full += e.type == KVMIO_EXIT_DIRTY_RING_FULL;
		n = kvmio_vcpu_harvest_dirty(&rig->vcpu, pages, ARRAY_SIZE(pages));
		for (int i = 0; i < n; i++) {
			assert_true(pages[i].page < ARRAY_SIZE(seen));
			seen[pages[i].page] = 1;
		}
		assert_int_equal(kvmio_vm_reset_dirty_rings(&rig->vm), n);
	}
	assert_true(full >= 1);
	for (size_t page = 0x200; page < 0xa00; page++)
		assert_int_equal(seen[page], 1);
}

/* KVM_HC_MAP_GPA_RANGE of one page at 0x2000; Intel's and AMD's way to say so. */
PAYLOAD(vmcall_12, 16,
	"mov $12, %eax\nmov $0x2000, %ebx\nmov $1, %ecx\nxor %edx, %edx\nvmcall\nhlt");
PAYLOAD(vmmcall_12, 16,
	"mov $12, %eax\nmov $0x2000, %ebx\nmov $1, %ecx\nxor %edx, %edx\nvmmcall\nhlt");

static void a_hypercall_is_answered_by_the_monitor(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t args[4] = { 1 << 12 };
	struct kvm_cpuid_entry2 cpuid[KVMIO_MAX_CPUID];
	struct kvm_regs regs;
	struct kvmio_exit e;
	int n;

	pvm_cannot(__func__, "does not emulate VMCALL and VMMCALL");
	rig_guest(rig);
	if (!(need_cap(rig, KVMIO_CAP_EXIT_HYPERCALL) & (1 << 12)))
		skip_because("no exit for KVM_HC_MAP_GPA_RANGE");
	assert_int_equal(kvmio_vm_enable_cap(&rig->vm, KVMIO_CAP_EXIT_HYPERCALL, 0, args), 0);
	n = kvmio_system_supported_cpuid(&rig->sys, cpuid, ARRAY_SIZE(cpuid));
	assert_true(n > 0);
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, cpuid, (size_t)n), 0);
	if (cpuid[0].ecx == 0x6c65746e) /* "GenuineIntel" */
		load(rig, vmcall_12);
	else
		load(rig, vmmcall_12);
	run_to(rig, KVMIO_EXIT_HYPERCALL, &e);
	assert_int_equal(e.hypercall.nr, 12);
	assert_int_equal(e.hypercall.args[0], 0x2000);
	assert_int_equal(e.hypercall.args[1], 1);
	assert_int_equal(e.hypercall.mode & 1, 0);
	*e.hypercall.ret = 0x5a;
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.rax, 0x5a);
}

static void exits_are_counted_in_the_statistics(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t before = 0, after = 0;
	struct kvmio_exit e;
	int i;

	rig_guest(rig);
	need_cap(rig, KVMIO_CAP_BINARY_STATS_FD);
	assert_int_equal(kvmio_vcpu_stats(&rig->vcpu, &rig->stats), 0);
	i = kvmio_stats_find(&rig->stats, "exits");
	assert_true(i >= 0);
	assert_int_equal(kvmio_stats_read(&rig->stats, (size_t)i, &before, 1), 1);
	load(rig, protected_mode);
	enter_protected_mode(rig);
	run_to_out(rig, 0x80);
	run_to(rig, KVMIO_EXIT_HLT, &e);
	assert_int_equal(kvmio_stats_read(&rig->stats, (size_t)i, &after, 1), 1);
	if (after == 0)
		skip_because("this KVM does not count exits");
	assert_true(after > before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(protected_mode_has_32_bits),
		with_rig(long_mode_has_64_bits),
		with_rig(page_tables_are_walked_for_an_address),
		with_rig(a_guest_goes_from_real_to_long_mode_by_itself),
		with_rig(a_line_interrupts_the_guest),
		with_rig(an_eventfd_interrupts_the_guest),
		with_rig(an_acknowledged_interrupt_is_resampled),
		with_rig(a_rerouted_line_is_another),
		with_rig(dirty_pages_come_in_a_ring),
		with_rig(a_full_dirty_ring_exits_and_loses_nothing),
		with_rig(a_hypercall_is_answered_by_the_monitor),
		with_rig(exits_are_counted_in_the_statistics),
	};

	return cmocka_run_group_tests_name("kvmio/modes_x86_64", tests, NULL, NULL);
}
