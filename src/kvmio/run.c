/* SPDX-License-Identifier: MIT */
/* KVM_RUN and the reading of its exits: the path that is taken a million times a second. */
#include <stddef.h>

#include "kvmio/private.h"

_Static_assert(offsetof(struct kvm_run, padding) == 32, "exit data follow the fixed fields");

#define NDATA_MAX 16U

static uint32_t clamp(uint32_t n)
{
	return n < NDATA_MAX ? n : NDATA_MAX;
}

static void decode_io(struct kvm_run *run, struct kvmio_exit *exit)
{
	exit->type = run->io.direction == KVM_EXIT_IO_OUT ? KVMIO_EXIT_IO_OUT : KVMIO_EXIT_IO_IN;
	exit->io.data = (uint8_t *)run + run->io.data_offset;
	exit->io.len = (size_t)run->io.count * run->io.size;
	exit->io.count = run->io.count;
	exit->io.port = run->io.port;
	exit->io.size = run->io.size;
}

static void decode_mmio(struct kvm_run *run, struct kvmio_exit *exit)
{
	const uint32_t max = sizeof(run->mmio.data);

	exit->type = run->mmio.is_write ? KVMIO_EXIT_MMIO_WRITE : KVMIO_EXIT_MMIO_READ;
	exit->mmio.data = run->mmio.data;
	exit->mmio.gpa = run->mmio.phys_addr;
	exit->mmio.len = run->mmio.len < max ? run->mmio.len : max;
}

/* Those without fields have nothing to add to their number. */
static void decode_rest(struct kvm_run *run, int error, struct kvmio_exit *exit)
{
	exit->type = (enum kvmio_exit_type)run->exit_reason;

	switch (run->exit_reason) {
	case KVM_EXIT_UNKNOWN:
		exit->unknown.hardware_reason = run->hw.hardware_exit_reason;
		break;
	case KVM_EXIT_EXCEPTION:
		exit->exception.vector = run->ex.exception;
		exit->exception.error_code = run->ex.error_code;
		break;
	case KVM_EXIT_HYPERCALL:
		exit->hypercall.nr = run->hypercall.nr;
		exit->hypercall.args = run->hypercall.args;
		exit->hypercall.ret = &run->hypercall.ret;
		exit->hypercall.mode = run->hypercall.longmode;
		break;
	case KVM_EXIT_DEBUG:
		exit->debug = &run->debug.arch;
		break;
	case KVM_EXIT_FAIL_ENTRY:
		exit->fail_entry.hardware_reason = run->fail_entry.hardware_entry_failure_reason;
		exit->fail_entry.cpu = run->fail_entry.cpu;
		break;
	case KVM_EXIT_TPR_ACCESS:
		exit->tpr_access.rip = run->tpr_access.rip;
		exit->tpr_access.is_write = run->tpr_access.is_write != 0;
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		exit->internal.data = run->internal.data;
		exit->internal.suberror = run->internal.suberror;
		exit->internal.ndata = clamp(run->internal.ndata);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		exit->system_event.data = run->system_event.data;
		exit->system_event.flags = run->system_event.flags;
		exit->system_event.type = run->system_event.type;
		exit->system_event.ndata = clamp(run->system_event.ndata);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		exit->eoi.vector = run->eoi.vector;
		break;
	case KVM_EXIT_HYPERV:
		exit->hyperv = &run->hyperv;
		break;
	case KVM_EXIT_XEN:
		exit->xen = &run->xen;
		break;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		exit->msr.error = &run->msr.error;
		exit->msr.data = &run->msr.data;
		exit->msr.reason = run->msr.reason;
		exit->msr.index = run->msr.index;
		break;
	case KVM_EXIT_ARM_NISV:
		exit->arm_nisv.esr_iss = run->arm_nisv.esr_iss;
		exit->arm_nisv.fault_ipa = run->arm_nisv.fault_ipa;
		break;
	case KVM_EXIT_RISCV_SBI:
		exit->riscv_sbi.args = run->riscv_sbi.args;
		exit->riscv_sbi.ret = run->riscv_sbi.ret;
		exit->riscv_sbi.extension_id = run->riscv_sbi.extension_id;
		exit->riscv_sbi.function_id = run->riscv_sbi.function_id;
		break;
	case KVM_EXIT_RISCV_CSR:
		exit->riscv_csr.ret_value = &run->riscv_csr.ret_value;
		exit->riscv_csr.csr = run->riscv_csr.csr_num;
		exit->riscv_csr.new_value = run->riscv_csr.new_value;
		exit->riscv_csr.write_mask = run->riscv_csr.write_mask;
		break;
	case KVM_EXIT_NOTIFY:
		exit->notify.flags = run->notify.flags;
		break;
	case KVM_EXIT_MEMORY_FAULT:
		exit->memory_fault.at = (const void *)run->padding;
		exit->memory_fault.error = error;
		break;
	default:
		if (run->exit_reason > KVM_EXIT_ARM_SEA)
			exit->type = KVMIO_EXIT_UNSUPPORTED;
	}
}

/*
 * The two that come most often are told by comparing: a jump through a table is mispredicted whenever the kernel
 * has cleared the predictor on its way.
 */
static inline void decode(struct kvm_run *run, int error, struct kvmio_exit *exit)
{
	exit->reason = run->exit_reason;
	if (run->exit_reason == KVM_EXIT_IO)
		decode_io(run, exit);
	else if (run->exit_reason == KVM_EXIT_MMIO)
		decode_mmio(run, exit);
	else
		decode_rest(run, error, exit);
}

void kvmio_exit_decode(struct kvm_run *run, int error, struct kvmio_exit *ret)
{
	decode(run, error, ret);
}

int kvmio_vcpu_run(struct kvmio_vcpu *vcpu, struct kvmio_exit *ret)
{
	int r = kvm_ioctl_value(vcpu->fd, KVM_RUN, 0);

	if (__builtin_expect(r < 0, 0)) {
		if ((r != -EFAULT && r != -EHWPOISON) ||
			vcpu->run->exit_reason != KVM_EXIT_MEMORY_FAULT)
			return r;
	}
	decode(vcpu->run, r, ret);
	return 0;
}

const char *kvmio_exit_name(enum kvmio_exit_type type)
{
	switch (type) {
#define CASE(name, number) \
	case number:       \
		return "KVM_EXIT_" #name;
		KVMIO_EXITS(CASE)
#undef CASE
	}
	return NULL;
}
