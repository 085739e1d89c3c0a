/* SPDX-License-Identifier: MIT */
/*
 * Two vCPUs of which the test has each do one thing at a time: read an MSR, write one, take interrupts. So what an
 * x2APIC does (Intel's SDM volume 3, "Extended XAPIC (x2APIC)") is told in C, on one thread, in one order.
 */
#include "payload_x86_64.h"

#define MEMORY 0x200000
#define IDT    0x20000
#define GDT    0x21000
#define ORDERS 0x30000 /* the orders to a vCPU: a page for each */
#define STACKS 0x40000

#define CPUID_X2APIC    (1U << 21)
#define MSR_APIC_BASE   0x1b
#define BASE_X2APIC     (1U << 10)
#define BASE_ENABLED    (1U << 11)
#define X2APIC_ID       0x802
#define X2APIC_VERSION  0x803
#define X2APIC_EOI      0x80b
#define X2APIC_SPURIOUS 0x80f
#define X2APIC_ISR      0x810
#define X2APIC_IRR      0x820
#define X2APIC_ICR      0x830
#define X2APIC_SELF     0x83f

#define ICR_INIT  0x4500
#define ICR_START 0x4600

/* The vectors that the guest has a handler for, and what it says when it has carried out an order. */
#define IPI      0x40
#define SELF_IPI 0x51
#define DONE     0
#define FAULT    0x0d

enum order { ORDER_READ, ORDER_WRITE, ORDER_OPEN };

struct orders {
	uint32_t order, msr;
	uint64_t value;
	uint64_t interrupts; /* taken so far */
	uint64_t vector; /* of the last one */
};

/* RDI: the orders. Interrupts are open in ORDER_OPEN alone, for a while; their handlers leave the EOI to orders. */
PAYLOAD(obey, 64,
	"xor %eax, %eax\n"
	"1: out %al, $0x80\n"
	"mov 4(%rdi), %ecx\n"
	"cmpl $1, (%rdi)\n"
	"ja 3f\n"
	"je 2f\n"
	"rdmsr\n"
	"mov %eax, 8(%rdi)\n"
	"mov %edx, 12(%rdi)\n"
	"xor %eax, %eax\n"
	"jmp 1b\n"
	"2: mov 8(%rdi), %eax\n"
	"mov 12(%rdi), %edx\n"
	"wrmsr\n"
	"xor %eax, %eax\n"
	"jmp 1b\n"
	"3: mov $2000, %ecx\n"
	"sti\n"
	"5: pause\n"
	"loop 5b\n"
	"cli\n"
	"xor %eax, %eax\n"
	"jmp 1b\n"
	".balign 64\n" /* at 0x40: #GP, with an error code; the instruction is given up */
	"add $8, %rsp\n"
	"movq $4f - obey + 0x1000, (%rsp)\n"
	"iretq\n"
	"4: mov $0x0d, %al\n"
	"jmp 1b\n"
	".balign 64\n" /* at 0x80 */
	"movq $0x40, 24(%rdi)\n"
	"incq 16(%rdi)\n"
	"iretq\n"
	".balign 64\n" /* at 0xc0 */
	"movq $0x51, 24(%rdi)\n"
	"incq 16(%rdi)\n"
	"iretq");

static void gate(struct rig *rig, unsigned vector, uint64_t offset)
{
	const uint64_t handler = CODE + offset;
	const uint64_t low =
		(handler & 0xffff) | 8 << 16 | 0x8e00ULL << 32 | (handler >> 16 & 0xffff) << 48;

	memcpy(guest_at(rig, IDT + vector * 16), &low, sizeof(low));
}

static void lay_tables(struct rig *rig)
{
	static const uint64_t gdt[] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

	memcpy(guest_at(rig, GDT), gdt, sizeof(gdt));
	gate(rig, FAULT, 0x40);
	gate(rig, IPI, 0x80);
	gate(rig, SELF_IPI, 0xc0);
}

/* The harness knows one vCPU: this makes it the other one. */
static void change_over(struct rig *rig)
{
	struct kvmio_vcpu vcpu = rig->vcpu;

	rig->vcpu = rig->other;
	rig->other = vcpu;
}

static struct orders *orders_of(struct rig *rig, unsigned id)
{
	return (struct orders *)(void *)guest_at(rig, ORDERS + id * 0x1000);
}

static void set_cpuid(struct rig *rig, bool x2apic)
{
	struct kvm_cpuid_entry2 cpuid[KVMIO_MAX_CPUID];
	int n = kvmio_system_supported_cpuid(&rig->sys, cpuid, ARRAY_SIZE(cpuid));

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (cpuid[i].function == 1 && !x2apic)
			cpuid[i].ecx &= ~CPUID_X2APIC;
	}
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, cpuid, (size_t)n), 0);
}

/* The vCPU of the rig, in long mode, waiting for its first order. */
static void start(struct rig *rig, unsigned id, bool x2apic)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	load(rig, obey);
	enter_long_mode(rig);
	set_cpuid(rig, x2apic);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	sregs.idt = (struct kvm_dtable){ .base = IDT, .limit = 0xfff };
	sregs.gdt = (struct kvm_dtable){ .base = GDT, .limit = 23 };
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), 0);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	regs.rdi = ORDERS + id * 0x1000;
	regs.rsp = STACKS + id * 0x1000 + 0x1000;
	assert_int_equal(kvmio_vcpu_set_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(kvmio_vcpu_set_mp_state(&rig->vcpu, KVM_MP_STATE_RUNNABLE), 0);
	assert_int_equal(run_to_out(rig, 0x80), DONE);
}

static uint8_t order(struct rig *rig, unsigned id, enum order what, uint32_t msr, uint64_t *value)
{
	struct orders *o = orders_of(rig, id);
	uint8_t outcome;

	o->order = what;
	o->msr = msr;
	o->value = *value;
	if (id)
		change_over(rig);
	outcome = run_to_out(rig, 0x80);
	if (id)
		change_over(rig);
	*value = o->value;
	return outcome;
}

static uint8_t write_msr(struct rig *rig, unsigned id, uint32_t msr, uint64_t value)
{
	return order(rig, id, ORDER_WRITE, msr, &value);
}

static uint64_t read_msr(struct rig *rig, unsigned id, uint32_t msr)
{
	uint64_t value = 0;

	assert_int_equal(order(rig, id, ORDER_READ, msr, &value), DONE);
	return value;
}

static uint8_t try_read_msr(struct rig *rig, unsigned id, uint32_t msr)
{
	uint64_t value = 0;

	return order(rig, id, ORDER_READ, msr, &value);
}

/* Lets interrupts come for a moment; how many came. */
static uint64_t open_interrupts(struct rig *rig, unsigned id)
{
	const uint64_t before = orders_of(rig, id)->interrupts;
	uint64_t value = 0;

	assert_int_equal(order(rig, id, ORDER_OPEN, 0, &value), DONE);
	return orders_of(rig, id)->interrupts - before;
}

static bool pending(struct rig *rig, unsigned id, uint32_t registers, unsigned vector)
{
	return read_msr(rig, id, registers + vector / 32) >> vector % 32 & 1;
}

/* Two vCPUs with an APIC in the kernel. */
static void rig_pair(struct rig *rig, bool x2apic, const char *test)
{
	struct kvm_cpuid_entry2 cpuid[KVMIO_MAX_CPUID];
	bool offered = false;
	int n;

	rig_memory(rig, 0, MEMORY, 0);
	rig_need_cap(rig, KVMIO_CAP_IRQCHIP, test);
	rig_need_cap(rig, KVMIO_CAP_MP_STATE, test);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	n = kvmio_system_supported_cpuid(&rig->sys, cpuid, ARRAY_SIZE(cpuid));
	for (int i = 0; i < n; i++)
		offered |= cpuid[i].function == 1 && (cpuid[i].ecx & CPUID_X2APIC);
	if (!offered)
		skip_test(test, "this KVM has no x2APIC for its guests");
	lay_tables(rig);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_create(&rig->other, &rig->vm, 1), 0);
	start(rig, 0, x2apic);
	change_over(rig);
	start(rig, 1, x2apic);
	change_over(rig);
}

static void enable_x2apic(struct rig *rig, unsigned id)
{
	const uint64_t base = read_msr(rig, id, MSR_APIC_BASE);

	assert_true(base & BASE_ENABLED);
	assert_int_equal(write_msr(rig, id, MSR_APIC_BASE, base | BASE_X2APIC), DONE);
	assert_int_equal(write_msr(rig, id, X2APIC_SPURIOUS, 0x1ff), DONE);
}

#define rig_x2apics(rig) rig_x2apic_pair(rig, __func__)
static void rig_x2apic_pair(struct rig *rig, const char *test)
{
	rig_pair(rig, true, test);
	enable_x2apic(rig, 0);
	enable_x2apic(rig, 1);
}

static void each_vcpu_reads_its_id_and_version(void **state)
{
	struct rig *rig = rig_of(state);

	rig_x2apics(rig);
	for (unsigned id = 0; id < 2; id++) {
		assert_int_equal(read_msr(rig, id, X2APIC_ID), id);
		assert_in_range(read_msr(rig, id, X2APIC_VERSION) & 0xff, 0x10, 0x15);
	}
}

static void an_ipi_reaches_the_other_vcpu_and_the_next_one_waits_for_its_eoi(void **state)
{
	struct rig *rig = rig_of(state);

	pvm_cannot(__func__, "keeps no interrupt in service");
	rig_x2apics(rig);
	assert_int_equal(open_interrupts(rig, 1), 0);
	assert_int_equal(write_msr(rig, 0, X2APIC_ICR, 1ULL << 32 | IPI), DONE);
	assert_true(pending(rig, 1, X2APIC_IRR, IPI));
	assert_int_equal(open_interrupts(rig, 1), 1);
	assert_int_equal(orders_of(rig, 1)->vector, IPI);
	assert_false(pending(rig, 1, X2APIC_IRR, IPI));
	assert_true(pending(rig, 1, X2APIC_ISR, IPI));
	/* In service: a second one is noted, and held back. */
	assert_int_equal(write_msr(rig, 0, X2APIC_ICR, 1ULL << 32 | IPI), DONE);
	assert_int_equal(open_interrupts(rig, 1), 0);
	assert_true(pending(rig, 1, X2APIC_IRR, IPI));
	assert_int_equal(write_msr(rig, 1, X2APIC_EOI, 0), DONE);
	assert_false(pending(rig, 1, X2APIC_ISR, IPI));
	assert_int_equal(open_interrupts(rig, 1), 1);
	assert_int_equal(write_msr(rig, 1, X2APIC_EOI, 0), DONE);
	assert_int_equal(open_interrupts(rig, 1), 0);
	assert_int_equal(open_interrupts(rig, 0), 0);
}

static void a_vcpu_interrupts_itself(void **state)
{
	struct rig *rig = rig_of(state);

	rig_x2apics(rig);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write_msr(rig, 0, X2APIC_SELF, SELF_IPI), DONE);
		assert_int_equal(open_interrupts(rig, 0), 1);
		assert_int_equal(orders_of(rig, 0)->vector, SELF_IPI);
		assert_int_equal(write_msr(rig, 0, X2APIC_EOI, 0), DONE);
	}
	assert_int_equal(open_interrupts(rig, 1), 0);
}

PAYLOAD(woken, 16, "mov $0x77, %al\nout %al, $0x80\n1: hlt\njmp 1b");

static void init_and_start_up_ipis_start_a_vcpu(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvmio_exit e;

	rig_x2apics(rig);
	memcpy(guest_at(rig, 0x9000), woken, (size_t)(woken_end - woken));
	assert_int_equal(write_msr(rig, 0, X2APIC_ICR, 1ULL << 32 | ICR_INIT), DONE);
	assert_int_equal(write_msr(rig, 0, X2APIC_ICR, 1ULL << 32 | ICR_START | 9), DONE);
	change_over(rig);
	/* A vCPU that waits for its start says -EAGAIN when that has come. */
	for (int i = 0; i < 3 && kvmio_vcpu_run(&rig->vcpu, &e) == -EAGAIN; i++)
		;
	assert_int_equal(e.type, KVMIO_EXIT_IO_OUT);
	assert_int_equal(*e.io.data, 0x77);
}

static void wrong_accesses_are_faults(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t base;

	rig_x2apics(rig);
	base = read_msr(rig, 0, MSR_APIC_BASE);
	assert_int_equal(write_msr(rig, 0, X2APIC_ID, 5), FAULT); /* may only be read */
	assert_int_equal(write_msr(rig, 0, X2APIC_VERSION, 0), FAULT);
	assert_int_equal(try_read_msr(rig, 0, X2APIC_EOI), FAULT); /* may only be written */
	assert_int_equal(try_read_msr(rig, 0, 0x801), FAULT); /* not there */
	assert_int_equal(write_msr(rig, 0, 0x801, 0), FAULT);
	assert_int_equal(
		write_msr(rig, 0, X2APIC_SPURIOUS, 1ULL << 32 | 0x1ff), FAULT); /* reserved bits */
	assert_int_equal(write_msr(rig, 0, MSR_APIC_BASE, base | 1), FAULT);
	assert_int_equal(write_msr(rig, 0, MSR_APIC_BASE, base & ~(uint64_t)BASE_X2APIC),
		FAULT); /* no way back */
	assert_int_equal(read_msr(rig, 0, MSR_APIC_BASE), base);
	assert_int_equal(read_msr(rig, 0, X2APIC_ID), 0);
}

/* What befalls a kernel that takes it for granted. */
static void without_x2apic_its_msrs_are_faults(void **state)
{
	struct rig *rig = rig_of(state);
	uint64_t base;

	rig_pair(rig, false, __func__);
	base = read_msr(rig, 0, MSR_APIC_BASE);
	assert_int_equal(write_msr(rig, 0, MSR_APIC_BASE, base | BASE_X2APIC), FAULT);
	assert_int_equal(write_msr(rig, 0, X2APIC_EOI, 0), FAULT);
	assert_int_equal(write_msr(rig, 0, X2APIC_ICR, 1ULL << 32 | IPI), FAULT);
	assert_int_equal(try_read_msr(rig, 0, X2APIC_ID), FAULT);
	assert_int_equal(open_interrupts(rig, 1), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(each_vcpu_reads_its_id_and_version),
		with_rig(an_ipi_reaches_the_other_vcpu_and_the_next_one_waits_for_its_eoi),
		with_rig(a_vcpu_interrupts_itself),
		with_rig(init_and_start_up_ipis_start_a_vcpu),
		with_rig(wrong_accesses_are_faults),
		with_rig(without_x2apic_its_msrs_are_faults),
	};

	return cmocka_run_group_tests_name("kvmio/x2apic_x86_64", tests, NULL, NULL);
}
