/* SPDX-License-Identifier: MIT */
/* Every exit, read from a kvm_run that is made up here. */
#include "harness.h"

static union {
	struct kvm_run run;
	uint8_t bytes[3 * 4096];
} page;

static struct kvm_run *run_of(uint32_t reason)
{
	memset(&page, 0, sizeof(page));
	page.run.exit_reason = reason;
	return &page.run;
}

static struct kvmio_exit decode(struct kvm_run *run)
{
	struct kvmio_exit e;

	memset(&e, 0xa5, sizeof(e));
	kvmio_exit_decode(run, 0, &e);
	assert_int_equal(e.reason, run->exit_reason);
	return e;
}

static void port_io_points_at_its_data(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_IO);
	struct kvmio_exit e;

	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.size = 2;
	run->io.port = 0x3f8;
	run->io.count = 3;
	run->io.data_offset = 4096;
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_IO_OUT);
	assert_ptr_equal(e.io.data, page.bytes + 4096);
	assert_int_equal(e.io.port, 0x3f8);
	assert_int_equal(e.io.size, 2);
	assert_int_equal(e.io.count, 3);
	assert_int_equal(e.io.len, 6);
	run->io.direction = KVM_EXIT_IO_IN;
	assert_int_equal(decode(run).type, KVMIO_EXIT_IO_IN);
}

static void mmio_has_at_most_eight_bytes(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_MMIO);
	struct kvmio_exit e;

	run->mmio.phys_addr = 0x123456789000;
	run->mmio.len = 4;
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_MMIO_READ);
	assert_int_equal(e.mmio.gpa, 0x123456789000);
	assert_int_equal(e.mmio.len, 4);
	assert_ptr_equal(e.mmio.data, run->mmio.data);
	run->mmio.is_write = 1;
	run->mmio.len = 900;
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_MMIO_WRITE);
	assert_int_equal(e.mmio.len, 8);
}

static void what_the_hardware_said_is_told(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_UNKNOWN);
	struct kvmio_exit e;

	run->hw.hardware_exit_reason = 77;
	assert_int_equal(decode(run).unknown.hardware_reason, 77);
	run = run_of(KVM_EXIT_FAIL_ENTRY);
	run->fail_entry.hardware_entry_failure_reason = 0x80000021;
	run->fail_entry.cpu = 3;
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_FAIL_ENTRY);
	assert_int_equal(e.fail_entry.hardware_reason, 0x80000021);
	assert_int_equal(e.fail_entry.cpu, 3);
	run = run_of(KVM_EXIT_EXCEPTION);
	run->ex.exception = 14;
	run->ex.error_code = 2;
	e = decode(run);
	assert_int_equal(e.exception.vector, 14);
	assert_int_equal(e.exception.error_code, 2);
	run = run_of(KVM_EXIT_DEBUG);
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_DEBUG);
	assert_ptr_equal(e.debug, &run->debug.arch);
}

static void calls_of_the_guest_can_be_answered(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_HYPERCALL);
	struct kvmio_exit e;

	run->hypercall.nr = 12;
	run->hypercall.args[5] = 6;
	run->hypercall.longmode = 1;
	e = decode(run);
	assert_int_equal(e.hypercall.nr, 12);
	assert_int_equal(e.hypercall.args[5], 6);
	assert_int_equal(e.hypercall.mode, 1);
	*e.hypercall.ret = 99;
	assert_int_equal(run->hypercall.ret, 99);

	run = run_of(KVM_EXIT_X86_RDMSR);
	run->msr.index = 0x4b564d00;
	run->msr.reason = KVM_MSR_EXIT_REASON_FILTER;
	e = decode(run);
	assert_int_equal(e.type, KVMIO_EXIT_X86_RDMSR);
	assert_int_equal(e.msr.index, 0x4b564d00);
	assert_int_equal(e.msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	*e.msr.data = 7;
	*e.msr.error = 1;
	assert_int_equal(run->msr.data, 7);
	assert_int_equal(run->msr.error, 1);
	run->exit_reason = KVM_EXIT_X86_WRMSR;
	assert_int_equal(decode(run).type, KVMIO_EXIT_X86_WRMSR);

	run = run_of(KVM_EXIT_RISCV_SBI);
	run->riscv_sbi.extension_id = 0x10;
	run->riscv_sbi.function_id = 4;
	run->riscv_sbi.args[1] = 2;
	e = decode(run);
	assert_int_equal(e.riscv_sbi.extension_id, 0x10);
	assert_int_equal(e.riscv_sbi.function_id, 4);
	assert_int_equal(e.riscv_sbi.args[1], 2);
	e.riscv_sbi.ret[1] = 5;
	assert_int_equal(run->riscv_sbi.ret[1], 5);

	run = run_of(KVM_EXIT_RISCV_CSR);
	run->riscv_csr.csr_num = 0x15;
	run->riscv_csr.new_value = 1;
	run->riscv_csr.write_mask = 3;
	e = decode(run);
	assert_int_equal(e.riscv_csr.csr, 0x15);
	assert_int_equal(e.riscv_csr.new_value, 1);
	assert_int_equal(e.riscv_csr.write_mask, 3);
	*e.riscv_csr.ret_value = 8;
	assert_int_equal(run->riscv_csr.ret_value, 8);

	run = run_of(KVM_EXIT_HYPERV);
	assert_ptr_equal(decode(run).hyperv, &run->hyperv);
	run = run_of(KVM_EXIT_XEN);
	assert_ptr_equal(decode(run).xen, &run->xen);
}

static void counts_of_data_stay_within_their_arrays(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_INTERNAL_ERROR);
	struct kvmio_exit e;

	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = 3;
	run->internal.data[2] = 9;
	e = decode(run);
	assert_int_equal(e.internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	assert_int_equal(e.internal.ndata, 3);
	assert_int_equal(e.internal.data[2], 9);
	run->internal.ndata = UINT32_MAX;
	assert_int_equal(decode(run).internal.ndata, 16);

	run = run_of(KVM_EXIT_SYSTEM_EVENT);
	run->system_event.type = KVM_SYSTEM_EVENT_RESET;
	run->system_event.flags = 1;
	run->system_event.ndata = 17;
	e = decode(run);
	assert_int_equal(e.system_event.type, KVM_SYSTEM_EVENT_RESET);
	assert_int_equal(e.system_event.flags, 1);
	assert_int_equal(e.system_event.data[0], 1);
	assert_int_equal(e.system_event.ndata, 16);
}

static void small_exits_keep_their_fields(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_TPR_ACCESS);
	struct kvmio_exit e;

	run->tpr_access.rip = 0xfff0;
	run->tpr_access.is_write = 1;
	e = decode(run);
	assert_int_equal(e.tpr_access.rip, 0xfff0);
	assert_true(e.tpr_access.is_write);
	run = run_of(KVM_EXIT_IOAPIC_EOI);
	run->eoi.vector = 0x31;
	assert_int_equal(decode(run).eoi.vector, 0x31);
	run = run_of(KVM_EXIT_ARM_NISV);
	run->arm_nisv.esr_iss = 5;
	run->arm_nisv.fault_ipa = 0x9000000;
	e = decode(run);
	assert_int_equal(e.arm_nisv.esr_iss, 5);
	assert_int_equal(e.arm_nisv.fault_ipa, 0x9000000);
	run = run_of(KVM_EXIT_NOTIFY);
	run->notify.flags = KVM_NOTIFY_CONTEXT_INVALID;
	assert_int_equal(decode(run).notify.flags, KVM_NOTIFY_CONTEXT_INVALID);
}

static void a_memory_fault_says_where_and_with_which_error(void **state)
{
	struct kvm_run *run = run_of(KVM_EXIT_MEMORY_FAULT);
	struct kvmio_memory_fault fault = {
		.flags = KVM_MEMORY_EXIT_FLAG_PRIVATE,
		.gpa = 0x7000,
		.size = 4096,
	};
	struct kvmio_exit e;

	memcpy(run->padding, &fault, sizeof(fault));
	kvmio_exit_decode(run, -EHWPOISON, &e);
	assert_int_equal(e.type, KVMIO_EXIT_MEMORY_FAULT);
	assert_int_equal(e.memory_fault.error, -EHWPOISON);
	assert_memory_equal(e.memory_fault.at, &fault, sizeof(fault));
}

static void exits_without_fields_keep_their_number(void **state)
{
	static const uint32_t plain[] = { KVM_EXIT_HLT, KVM_EXIT_IRQ_WINDOW_OPEN, KVM_EXIT_SHUTDOWN,
		KVM_EXIT_INTR, KVM_EXIT_SET_TPR, KVM_EXIT_NMI, KVM_EXIT_WATCHDOG,
		KVM_EXIT_S390_SIEIC, KVM_EXIT_S390_RESET, KVM_EXIT_S390_UCONTROL,
		KVM_EXIT_S390_TSCH, KVM_EXIT_S390_STSI, KVM_EXIT_DCR, KVM_EXIT_OSI,
		KVM_EXIT_PAPR_HCALL, KVM_EXIT_EPR, KVM_EXIT_DIRTY_RING_FULL, KVM_EXIT_AP_RESET_HOLD,
		KVM_EXIT_X86_BUS_LOCK };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		assert_int_equal(decode(run_of(plain[i])).type, plain[i]);
		assert_non_null(kvmio_exit_name((enum kvmio_exit_type)plain[i]));
	}
}

static void an_exit_of_a_newer_kernel_is_unsupported(void **state)
{
	assert_int_equal(decode(run_of(42)).type, KVMIO_EXIT_UNSUPPORTED);
	assert_int_equal(decode(run_of(256)).type, KVMIO_EXIT_UNSUPPORTED);
	assert_int_equal(decode(run_of(UINT32_MAX)).type, KVMIO_EXIT_UNSUPPORTED);
}

static void exits_have_the_kernels_names(void **state)
{
	int known = 0;

	assert_string_equal(kvmio_exit_name(KVMIO_EXIT_HLT), "KVM_EXIT_HLT");
	assert_string_equal(kvmio_exit_name(KVMIO_EXIT_IO_OUT), "KVM_EXIT_IO_OUT");
	assert_string_equal(
		kvmio_exit_name(KVMIO_EXIT_DIRTY_RING_FULL), "KVM_EXIT_DIRTY_RING_FULL");
	assert_null(kvmio_exit_name((enum kvmio_exit_type)1000));
	for (unsigned int i = 0; i < 300; i++)
		known += kvmio_exit_name((enum kvmio_exit_type)i) != NULL;
	assert_int_equal(known, 45);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_io_points_at_its_data),
		cmocka_unit_test(mmio_has_at_most_eight_bytes),
		cmocka_unit_test(what_the_hardware_said_is_told),
		cmocka_unit_test(calls_of_the_guest_can_be_answered),
		cmocka_unit_test(counts_of_data_stay_within_their_arrays),
		cmocka_unit_test(small_exits_keep_their_fields),
		cmocka_unit_test(a_memory_fault_says_where_and_with_which_error),
		cmocka_unit_test(exits_without_fields_keep_their_number),
		cmocka_unit_test(an_exit_of_a_newer_kernel_is_unsupported),
		cmocka_unit_test(exits_have_the_kernels_names),
	};

	return cmocka_run_group_tests_name("kvmio/exit", tests, NULL, NULL);
}
