/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "payload_x86_64.h"

#define CR0_PE   (1U << 0)
#define CR0_ET   (1U << 4)
#define CR0_PG   (1U << 31)
#define CR4_PAE  (1U << 5)
#define EFER_LME (1U << 8)
#define EFER_LMA (1U << 10)

#define PAGE_PRESENT_RW 3U
#define PAGE_LARGE      (1U << 7)

void pvm_cannot(const char *test, const char *what)
{
	if (access("/sys/module/kvm_pvm", F_OK) == 0)
		skip_test(test, "kvm_pvm %s", what);
}

uint8_t *guest_at(struct rig *rig, uint64_t gpa)
{
	assert_true(gpa >= rig->mem_gpa && gpa - rig->mem_gpa < rig->mem_size);
	return rig->mem + (gpa - rig->mem_gpa);
}

void load_payload(struct rig *rig, const uint8_t *code, size_t len)
{
	struct kvm_regs regs = { .rip = CODE, .rsp = 0x3000, .rflags = 2 };
	struct kvm_sregs sregs;

	memcpy(guest_at(rig, CODE), code, len);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), 0);
	assert_int_equal(kvmio_vcpu_set_regs(&rig->vcpu, &regs), 0);
}

static void flat_segments(struct kvm_sregs *sregs, bool long_mode)
{
	struct kvm_segment code = {
		.limit = UINT32_MAX,
		.selector = 8,
		.type = 11,
		.present = 1,
		.db = !long_mode,
		.s = 1,
		.l = long_mode,
		.g = 1,
	};
	struct kvm_segment data = code;

	data.selector = 16;
	data.type = 3;
	data.db = 1;
	data.l = 0;
	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
}

void enter_protected_mode(struct rig *rig)
{
	struct kvm_sregs sregs;

	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	flat_segments(&sregs, false);
	sregs.cr0 = CR0_PE | CR0_ET;
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), 0);
}

void give_cpuid(struct rig *rig)
{
	static struct kvm_cpuid_entry2 all[KVMIO_MAX_CPUID];
	int n = kvmio_system_supported_cpuid(&rig->sys, all, ARRAY_SIZE(all));

	assert_true(n > 0);
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, all, (size_t)n), 0);
}

static void put64(struct rig *rig, uint64_t gpa, uint64_t value)
{
	memcpy(guest_at(rig, gpa), &value, sizeof(value));
}

void enter_long_mode(struct rig *rig)
{
	struct kvm_sregs sregs;

	/* Newer kernels want a CPU that has what is set. */
	give_cpuid(rig);
	put64(rig, 0x10000, 0x11000 | PAGE_PRESENT_RW);
	put64(rig, 0x11000, 0x12000 | PAGE_PRESENT_RW);
	put64(rig, 0x12000, 0 | PAGE_LARGE | PAGE_PRESENT_RW);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	flat_segments(&sregs, true);
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = 0x10000;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), 0);
}

uint8_t run_to_out(struct rig *rig, uint16_t port)
{
	struct kvmio_exit e;

	run_to(rig, KVMIO_EXIT_IO_OUT, &e);
	assert_int_equal(e.io.port, port);
	assert_int_equal(e.io.len, 1);
	return *e.io.data;
}
