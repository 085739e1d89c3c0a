/* SPDX-License-Identifier: MIT */
#include "machine/probe_payload.h"

#ifdef __x86_64__

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/*
 * 64-bit code, position independent, in guest memory at CODE. In: EDI the XCR0 to set (0: no
 * XSAVE here), RSI the XSAVE area, R8 the loop's turns of two instructions. Each step is told by a byte
 * written to port 0xf1.
 */
__asm__(".pushsection .rodata, \"a\"\n"
	"vmrig_payload:\n"
	"	mov	$1, %al\n"
	"	out	%al, $0xf1\n"
	"	test	%edi, %edi\n"
	"	jz	1f\n"
	"	xor	%ecx, %ecx\n"
	"	xor	%edx, %edx\n"
	"	mov	%edi, %eax\n"
	"	xsetbv\n"
	"	mov	$2, %al\n"
	"	out	%al, $0xf1\n"
	"	mov	%edi, %eax\n"
	"	xsave	(%rsi)\n"
	"	mov	$3, %al\n"
	"	out	%al, $0xf1\n"
	"	mov	%edi, %eax\n"
	"	xrstor	(%rsi)\n"
	"1:	mov	$4, %al\n"
	"	out	%al, $0xf1\n"
	"	xor	%ebx, %ebx\n"
	"	int3\n"
	"	cmp	$0x600d, %ebx\n"
	"	jne	vmrig_payload_trap\n"
	"	mov	$5, %al\n"
	"	out	%al, $0xf1\n"
	"	mov	%r8, %rcx\n"
	"2:	dec	%rcx\n"
	"	jnz	2b\n"
	"	mov	$6, %al\n"
	"	out	%al, $0xf1\n"
	"	hlt\n"
	"vmrig_payload_int3:\n"
	"	mov	$0x600d, %ebx\n"
	"	iretq\n"
	"vmrig_payload_trap:\n"
	"	mov	$255, %al\n"
	"	out	%al, $0xf1\n"
	"	hlt\n"
	"vmrig_payload_end:\n"
	".popsection\n");
extern const char vmrig_payload[], vmrig_payload_int3[], vmrig_payload_trap[], vmrig_payload_end[];

#define PORT 0xf1

/* Guest memory: 2 MiB from 0, mapped to itself by one large page. */
#define MEMORY_SIZE 0x200000
#define GDT         0x1000
#define IDT         0x2000
#define PML4        0x3000
#define PDPT        0x4000
#define PD          0x5000
#define XSAVE_AREA  0x6000 /* x87, SSE and AVX need 832 bytes */
#define STACK_TOP   0x9000
#define CODE        0x10000

#define CR0_PE         (1u << 0)
#define CR0_MP         (1u << 1)
#define CR0_NE         (1u << 5)
#define CR0_PG         (1u << 31)
#define CR4_PAE        (1u << 5)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_OSXSAVE    (1u << 18)
#define EFER_LME       (1u << 8)
#define EFER_LMA       (1u << 10)

#define MSR_ARCH_CAPABILITIES 0x10a
#define MAX_CPUID             256

struct vm {
	int kvm, vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	uint32_t xcr0; /* 0: no XSAVE */
	bool arch_capabilities_in_cpuid;
	struct payload_result *result;
};

static int call(struct vm *v, int fd, unsigned long request, const char *name, void *arg)
{
	int r = ioctl(fd, request, arg);

	if (r < 0 && !v->result->call[0]) {
		v->result->call_errno = errno;
		snprintf(v->result->call, sizeof(v->result->call), "%s", name);
	}
	return r;
}
#define CALL(v, fd, request, arg) call(v, fd, request, #request, (void *)(uintptr_t)(arg))

static void put64(struct vm *v, uint32_t at, uint64_t value)
{
	memcpy(v->memory + at, &value, sizeof(value));
}

static void put_gate(struct vm *v, unsigned vector, uint64_t handler)
{
	/* 64-bit interrupt gate, present, selector 8 (AMD APM vol. 2, 4.8.4) */
	put64(v, IDT + 16 * vector,
		(handler & 0xffff) | 8u << 16 | 0x8e00ULL << 32 | (handler >> 16 & 0xffff) << 48);
	put64(v, IDT + 16 * vector + 8, handler >> 32);
}

static void fill_memory(struct vm *v)
{
	memcpy(v->memory + CODE, vmrig_payload, (size_t)(vmrig_payload_end - vmrig_payload));
	put64(v, PML4, PDPT | 3); /* present, writable */
	put64(v, PDPT, PD | 3);
	put64(v, PD, 0x83); /* and large */
	put64(v, GDT + 8, 0x00af9b000000ffffULL); /* 64-bit code */
	put64(v, GDT + 16, 0x00cf93000000ffffULL); /* data */
	for (unsigned i = 0; i < 32; i++)
		put_gate(v, i, CODE + (uint64_t)(vmrig_payload_trap - vmrig_payload));
	put_gate(v, 3, CODE + (uint64_t)(vmrig_payload_int3 - vmrig_payload));
}

static int make_vm(struct vm *v)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	int size;

	v->vm = CALL(v, v->kvm, KVM_CREATE_VM, 0);
	if (v->vm < 0 || CALL(v, v->vm, KVM_SET_TSS_ADDR, 0xfffbd000) < 0 ||
		CALL(v, v->vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return -1;
	v->memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v->memory == MAP_FAILED)
		return -1;
	fill_memory(v);
	region.userspace_addr = (uintptr_t)v->memory;
	if (CALL(v, v->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -1;
	v->vcpu = CALL(v, v->vm, KVM_CREATE_VCPU, 0);
	size = v->vcpu < 0 ? -1 : CALL(v, v->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0)
		return -1;
	v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->vcpu, 0);
	return v->run == MAP_FAILED ? -1 : 0;
}

/* The guest gets what KVM offers, as `-cpu host` would. */
static int set_cpuid(struct vm *v)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX_CPUID * sizeof(c->entries[0]));
	int r;

	if (!c)
		return -1;
	c->nent = MAX_CPUID;
	r = CALL(v, v->kvm, KVM_GET_SUPPORTED_CPUID, c);
	for (unsigned i = 0; r >= 0 && i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1 && e->ecx & 1u << 26)
			v->xcr0 |= 1; /* XSAVE; the components follow */
		if (e->function == 7 && e->index == 0 && e->edx & 1u << 29)
			v->arch_capabilities_in_cpuid = true;
	}
	for (unsigned i = 0; r >= 0 && v->xcr0 && i < c->nent; i++)
		if (c->entries[i].function == 0xd && c->entries[i].index == 0)
			v->xcr0 = c->entries[i].eax & 7; /* x87, SSE, AVX */
	if (r >= 0)
		r = CALL(v, v->vcpu, KVM_SET_CPUID2, c);
	free(c);
	return r < 0 ? -1 : 0;
}

static int set_registers(struct vm *v)
{
	struct kvm_segment code = {
		.limit = ~0u, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1
	};
	struct kvm_segment data = {
		.limit = ~0u, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1
	};
	struct kvm_sregs s;
	struct kvm_regs r = { .rip = CODE,
		.rflags = 2,
		.rsp = STACK_TOP,
		.rdi = v->xcr0,
		.rsi = XSAVE_AREA,
		.r8 = PAYLOAD_LOOP_INSTRUCTIONS / 2 };

	if (CALL(v, v->vcpu, KVM_GET_SREGS, &s) < 0)
		return -1;
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = (struct kvm_segment){ .limit = 0x67, .type = 11, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt.base = GDT;
	s.gdt.limit = 23;
	s.idt.base = IDT;
	s.idt.limit = 32 * 16 - 1;
	s.cr0 = CR0_PE | CR0_MP | CR0_NE | CR0_PG;
	s.cr3 = PML4;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (v->xcr0 ? CR4_OSXSAVE : 0);
	s.efer = EFER_LME | EFER_LMA;
	if (CALL(v, v->vcpu, KVM_SET_SREGS, &s) < 0)
		return -1;
	return CALL(v, v->vcpu, KVM_SET_REGS, &r);
}

/* QEMU copies this MSR's value to the vCPU for -cpu host, and aborts if that fails. */
static bool can_set_arch_capabilities(struct vm *v)
{
	_Alignas(struct kvm_msrs) char
		room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *m = (struct kvm_msrs *)room;

	if (!v->arch_capabilities_in_cpuid)
		return true; /* then QEMU does not set it */
	m->nmsrs = 1;
	m->entries[0].index = MSR_ARCH_CAPABILITIES;
	if (ioctl(v->kvm, KVM_GET_MSRS, m) != 1)
		return true;
	return ioctl(v->vcpu, KVM_SET_MSRS, m) == 1;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* One KVM_RUN. Whether there is to be another. */
static bool run_once(struct vm *v, volatile int *step, int64_t *loop_start)
{
	struct payload_result *p = v->result;
	int told;

	if (ioctl(v->vcpu, KVM_RUN, 0) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return true;
		p->call_errno = errno;
		snprintf(p->call, sizeof(p->call), "KVM_RUN");
		return false;
	}
	p->exit_reason = v->run->exit_reason;
	if (p->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		p->suberror = v->run->internal.suberror;
	if (p->exit_reason != KVM_EXIT_IO || v->run->io.port != PORT)
		return false;
	told = *((uint8_t *)v->run + v->run->io.data_offset);
	if (told == STEP_TRAP) {
		p->trapped = true;
		return false;
	}
	*step = p->step = told;
	if (told == STEP_INT3)
		*loop_start = now_ns();
	if (told == STEP_LOOP) {
		p->loop_ns = now_ns() - *loop_start;
		p->done = true;
	}
	return !p->done;
}

void probe_payload_run(int kvm, volatile int *step, struct payload_result *ret)
{
	struct vm v = { .kvm = kvm, .vm = -1, .vcpu = -1, .result = ret };
	int64_t loop_start = 0;

	memset(ret, 0, sizeof(*ret));
	if (make_vm(&v) < 0 || set_cpuid(&v) < 0 || set_registers(&v) < 0)
		return;
	ret->arch_capabilities = can_set_arch_capabilities(&v);
	while (run_once(&v, step, &loop_start))
		;
}

bool probe_payload_supported(void)
{
	return true;
}

#else

bool probe_payload_supported(void)
{
	return false;
}

void probe_payload_run(int kvm, volatile int *step, struct payload_result *ret)
{
	*ret = (struct payload_result){ 0 };
}

#endif
