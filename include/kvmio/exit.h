/* SPDX-License-Identifier: MIT */
/* Why KVM_RUN returned (api.rst, section 5), typed. Included by kvmio.h. */
#ifndef KVMIO_EXIT_H
#define KVMIO_EXIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvmio/uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * X(name, number): the numbers up to 255 are the kernel's KVM_EXIT_*; those above split one that goes both
 * ways. S390_*, DCR, OSI, PAPR_HCALL, EPR, WATCHDOG and LOONGARCH_IOCSR are other architectures': they have
 * names here and no fields.
 */
/* clang-format off */
#define KVMIO_EXITS(X) \
	X(UNKNOWN, 0) \
	X(EXCEPTION, 1) \
	X(HYPERCALL, 3) \
	X(DEBUG, 4) \
	X(HLT, 5) \
	X(IRQ_WINDOW_OPEN, 7) \
	X(SHUTDOWN, 8) \
	X(FAIL_ENTRY, 9) \
	X(INTR, 10) \
	X(SET_TPR, 11) \
	X(TPR_ACCESS, 12) \
	X(S390_SIEIC, 13) \
	X(S390_RESET, 14) \
	X(DCR, 15) \
	X(NMI, 16) \
	X(INTERNAL_ERROR, 17) \
	X(OSI, 18) \
	X(PAPR_HCALL, 19) \
	X(S390_UCONTROL, 20) \
	X(WATCHDOG, 21) \
	X(S390_TSCH, 22) \
	X(EPR, 23) \
	X(SYSTEM_EVENT, 24) \
	X(S390_STSI, 25) \
	X(IOAPIC_EOI, 26) \
	X(HYPERV, 27) \
	X(ARM_NISV, 28) \
	X(X86_RDMSR, 29) \
	X(X86_WRMSR, 30) \
	X(DIRTY_RING_FULL, 31) \
	X(AP_RESET_HOLD, 32) \
	X(X86_BUS_LOCK, 33) \
	X(XEN, 34) \
	X(RISCV_SBI, 35) \
	X(RISCV_CSR, 36) \
	X(NOTIFY, 37) \
	X(LOONGARCH_IOCSR, 38) \
	X(MEMORY_FAULT, 39) \
	X(TDX, 40) \
	X(ARM_SEA, 41) \
	X(IO_OUT, 256) \
	X(IO_IN, 257) \
	X(MMIO_READ, 258) \
	X(MMIO_WRITE, 259) \
	X(UNSUPPORTED, 260)
/* clang-format on */

#define KVMIO_EXIT_ENUM(name, number) KVMIO_EXIT_##name = number,
enum kvmio_exit_type { KVMIO_EXITS(KVMIO_EXIT_ENUM) };
#undef KVMIO_EXIT_ENUM

/* What follows kvm_run.exit_reason on KVM_EXIT_MEMORY_FAULT. */
struct kvmio_memory_fault {
	uint64_t flags; /* KVM_MEMORY_EXIT_FLAG_PRIVATE */
	uint64_t gpa;
	uint64_t size;
};

/*
 * Pointers lead into the vCPU's mapping and are good until its next run. What the guest is to see (`data`
 * of a read, `ret`, `error`) is written through them and taken by that run.
 */
struct kvmio_exit {
	enum kvmio_exit_type type;
	uint32_t reason; /* the kernel's KVM_EXIT_*, also of a type that is UNSUPPORTED here */
	union {
		/* IO_OUT, IO_IN: COUNT items of SIZE bytes (REP INS, OUTS: more than one), LEN in all */
		struct {
			uint8_t *data;
			size_t len;
			uint32_t count;
			uint16_t port;
			uint8_t size;
		} io;
		/* MMIO_READ, MMIO_WRITE: LEN is at most 8 */
		struct {
			uint8_t *data;
			uint64_t gpa;
			uint32_t len;
		} mmio;
		/* UNKNOWN */
		struct {
			uint64_t hardware_reason;
		} unknown;
		struct {
			uint32_t vector;
			uint32_t error_code;
		} exception;
		/* HYPERCALL, with KVM_CAP_EXIT_HYPERCALL; MODE: bit 0 is long mode */
		struct {
			uint64_t nr;
			const __u64 *args; /* 6 */
			__u64 *ret;
			uint32_t mode;
		} hypercall;
		/* DEBUG */
		const struct kvm_debug_exit_arch *debug;
		/* FAIL_ENTRY: the hardware's reason, and the host's CPU */
		struct {
			uint64_t hardware_reason;
			uint32_t cpu;
		} fail_entry;
		struct {
			uint64_t rip;
			bool is_write;
		} tpr_access;
		/* INTERNAL_ERROR: KVM_INTERNAL_ERROR_*; NDATA is at most 16 */
		struct {
			const __u64 *data;
			uint32_t suberror;
			uint32_t ndata;
		} internal;
		/* SYSTEM_EVENT: KVM_SYSTEM_EVENT_*; NDATA is at most 16, 0 from kernels before 5.19 */
		struct {
			const __u64 *data;
			uint64_t flags; /* the same as data[0]; what old kernels give */
			uint32_t type;
			uint32_t ndata;
		} system_event;
		/* IOAPIC_EOI */
		struct {
			uint8_t vector;
		} eoi;
		struct kvm_hyperv_exit *hyperv;
		struct kvm_xen_exit *xen;
		/* X86_RDMSR, X86_WRMSR: KVM_MSR_EXIT_REASON_*; *ERROR other than 0 injects #GP */
		struct {
			__u8 *error;
			__u64 *data;
			uint32_t reason;
			uint32_t index;
		} msr;
		/* ARM_NISV: an access that the hardware did not decode */
		struct {
			uint64_t esr_iss;
			uint64_t fault_ipa;
		} arm_nisv;
		struct {
			const unsigned long *args; /* 6 */
			unsigned long *ret; /* 2 */
			unsigned long extension_id;
			unsigned long function_id;
		} riscv_sbi;
		struct {
			unsigned long *ret_value;
			unsigned long csr;
			unsigned long new_value;
			unsigned long write_mask;
		} riscv_csr;
		/* NOTIFY: KVM_NOTIFY_CONTEXT_INVALID */
		struct {
			uint32_t flags;
		} notify;
		/* MEMORY_FAULT: ERROR is KVM_RUN's own, -EFAULT or -EHWPOISON; 0 if it returned none */
		struct {
			const struct kvmio_memory_fault *at;
			int error;
		} memory_fault;
	};
};

/* The kernel's name ("KVM_EXIT_HLT"; of the split ones "KVM_EXIT_IO_OUT"), or NULL. */
const char *kvmio_exit_name(enum kvmio_exit_type type);

/* What RUN says; kvmio_vcpu_run does this. ERROR: what KVM_RUN returned, 0 or -EFAULT, -EHWPOISON. */
void kvmio_exit_decode(struct kvm_run *run, int error, struct kvmio_exit *ret);

#ifdef __cplusplus
}
#endif

#endif
