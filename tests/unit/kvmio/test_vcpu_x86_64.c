/* SPDX-License-Identifier: MIT */
/* The state of an x86_64 vCPU: what is set is what is got. */
#include <unistd.h>

#include "harness.h"

static struct kvm_cpuid_entry2 cpuid[KVMIO_MAX_CPUID];

/* A vCPU that sees all the host's KVM supports. */
static int rig_full_vcpu(struct rig *rig)
{
	int n = kvmio_system_supported_cpuid(&rig->sys, cpuid, ARRAY_SIZE(cpuid));

	assert_true(n > 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, cpuid, (size_t)n), 0);
	return n;
}

static void cpuid_is_got_back_as_it_was_set(void **state)
{
	struct rig *rig = rig_of(state);
	static struct kvm_cpuid_entry2 got[KVMIO_MAX_CPUID];
	int n = rig_full_vcpu(rig);

	assert_int_equal(kvmio_vcpu_get_cpuid2(&rig->vcpu, got, ARRAY_SIZE(got)), n);
	assert_int_equal(got[0].function, cpuid[0].function);
	assert_int_equal(got[0].ebx, cpuid[0].ebx);
	/* An edited leaf, too. */
	for (int i = 0; i < n; i++) {
		if (cpuid[i].function == 0)
			cpuid[i].ebx = 0x74736574;
	}
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, cpuid, (size_t)n), 0);
	assert_int_equal(kvmio_vcpu_get_cpuid2(&rig->vcpu, got, (size_t)n), n);
	assert_int_equal(got[0].ebx, 0x74736574);
}

static void cpuid_wants_room_within_limits(void **state)
{
	struct rig *rig = rig_of(state);

	rig_full_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_cpuid2(&rig->vcpu, cpuid, KVMIO_MAX_CPUID + 1), -ENOMEM);
	assert_int_equal(kvmio_vcpu_get_cpuid2(&rig->vcpu, cpuid, 1), -E2BIG);
	assert_int_equal(kvmio_vcpu_set_cpuid2(&rig->vcpu, cpuid, KVMIO_MAX_CPUID + 1), -E2BIG);
}

static void registers_are_got_as_they_were_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_regs regs, again;
	struct kvm_sregs sregs, sregs_again;

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(regs.rip, 0xfff0);
	regs.rax = 0x1122334455667788;
	regs.r15 = UINT64_MAX;
	assert_int_equal(kvmio_vcpu_set_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &again), 0);
	assert_memory_equal(&regs, &again, sizeof(regs));
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs), 0);
	assert_int_equal(sregs.cs.base, 0xffff0000);
	sregs.gs.base = 0x5000;
	sregs.cr2 = 0x777;
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), 0);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &sregs_again), 0);
	assert_int_equal(sregs_again.gs.base, 0x5000);
	assert_int_equal(sregs_again.cr2, 0x777);
	sregs.cr0 = UINT64_MAX;
	assert_int_equal(kvmio_vcpu_set_sregs(&rig->vcpu, &sregs), -EINVAL);
}

static void system_registers_of_the_second_kind_agree_with_the_first(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_sregs2 two;
	struct kvm_sregs one;

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_SREGS2);
	assert_int_equal(kvmio_vcpu_get_sregs2(&rig->vcpu, &two), 0);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &one), 0);
	assert_memory_equal(&two.cs, &one.cs, sizeof(one.cs));
	assert_int_equal(two.cr0, one.cr0);
	assert_int_equal(two.flags, 0);
	two.fs.base = 0x6000;
	assert_int_equal(kvmio_vcpu_set_sregs2(&rig->vcpu, &two), 0);
	assert_int_equal(kvmio_vcpu_get_sregs(&rig->vcpu, &one), 0);
	assert_int_equal(one.fs.base, 0x6000);
	two.flags = 1U << 31;
	assert_int_equal(kvmio_vcpu_set_sregs2(&rig->vcpu, &two), -EINVAL);
}

static void the_fpu_is_got_as_it_was_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = 0x1f80 }, again;

	for (size_t i = 0; i < 8; i++)
		memset(fpu.fpr[i], (int)i + 1, 10);
	for (size_t i = 0; i < 16; i++)
		memset(fpu.xmm[i], (int)i + 0x10, 16);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_set_fpu(&rig->vcpu, &fpu), 0);
	assert_int_equal(kvmio_vcpu_get_fpu(&rig->vcpu, &again), 0);
	assert_memory_equal(again.fpr, fpu.fpr, sizeof(fpu.fpr));
	assert_memory_equal(again.xmm, fpu.xmm, sizeof(fpu.xmm));
	assert_int_equal(again.fcw, 0x37f);
}

static void the_lapic_needs_an_irqchip_and_keeps_its_registers(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_lapic_state lapic, again;
	uint32_t lvt;

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_lapic(&rig->vcpu, &lapic), -EINVAL);
	kvmio_vcpu_release(&rig->vcpu);
	kvmio_vm_release(&rig->vm);
	rig_vm(rig);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_lapic(&rig->vcpu, &lapic), 0);
	memcpy(&lvt, lapic.regs + 0x350, sizeof(lvt)); /* LVT LINT0: NMI */
	lvt = (lvt & ~0x700U) | 0x400;
	memcpy(lapic.regs + 0x350, &lvt, sizeof(lvt));
	assert_int_equal(kvmio_vcpu_set_lapic(&rig->vcpu, &lapic), 0);
	assert_int_equal(kvmio_vcpu_get_lapic(&rig->vcpu, &again), 0);
	assert_memory_equal(again.regs + 0x350, &lvt, sizeof(lvt));
}

static void msrs_are_got_as_they_were_set(void **state)
{
	struct rig *rig = rig_of(state);
	/* SYSENTER_CS, _ESP, _EIP; STAR, LSTAR; KERNEL_GS_BASE */
	struct kvm_msr_entry set[] = {
		{ .index = 0x174, .data = 8 },
		{ .index = 0x175, .data = 0x1000 },
		{ .index = 0x176, .data = 0x2000 },
		{ .index = 0xc0000081, .data = 3ULL << 32 },
		{ .index = 0xc0000082, .data = 0x3000 },
		{ .index = 0xc0000102, .data = 0x4000 },
	};
	struct kvm_msr_entry got[ARRAY_SIZE(set)],
		bad[2] = { { .index = 0x174 }, { .index = 0xdeadbeef } };
	static struct kvm_msr_entry many[KVMIO_MAX_MSRS + 1];

	rig_full_vcpu(rig);
	assert_int_equal(kvmio_vcpu_set_msrs(&rig->vcpu, set, ARRAY_SIZE(set)), ARRAY_SIZE(set));
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		got[i] = (struct kvm_msr_entry){ .index = set[i].index };
	assert_int_equal(kvmio_vcpu_get_msrs(&rig->vcpu, got, ARRAY_SIZE(got)), ARRAY_SIZE(got));
	assert_memory_equal(got, set, sizeof(set));
	/* Up to the first that is not one. */
	assert_int_equal(kvmio_vcpu_get_msrs(&rig->vcpu, bad, 2), 1);
	assert_int_equal(kvmio_vcpu_set_msrs(&rig->vcpu, bad, 2), 1);
	assert_int_equal(kvmio_vcpu_get_msrs(&rig->vcpu, many, ARRAY_SIZE(many)), -E2BIG);
	assert_int_equal(kvmio_vcpu_set_msrs(&rig->vcpu, many, ARRAY_SIZE(many)), -E2BIG);
	assert_int_equal(kvmio_vcpu_get_msrs(&rig->vcpu, many, 0), 0);
}

static void the_run_state_changes(void **state)
{
	struct rig *rig = rig_of(state);
	uint32_t mp = 99;

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_MP_STATE);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_mp_state(&rig->vcpu, &mp), 0);
	assert_int_equal(mp, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(kvmio_vcpu_set_mp_state(&rig->vcpu, KVM_MP_STATE_HALTED), 0);
	assert_int_equal(kvmio_vcpu_get_mp_state(&rig->vcpu, &mp), 0);
	assert_int_equal(mp, KVM_MP_STATE_HALTED);
	assert_int_equal(kvmio_vcpu_set_mp_state(&rig->vcpu, 4711), -EINVAL);
}

static void xsave_is_got_as_it_was_set(void **state)
{
	struct rig *rig = rig_of(state);
	const uint64_t x87_and_sse = 3;
	struct kvm_xsave xsave, again;
	struct kvm_fpu fpu;
	char *area = (char *)xsave.region;

	rig_full_vcpu(rig);
	need_cap(rig, KVMIO_CAP_XSAVE);
	assert_int_equal(kvmio_vcpu_get_xsave(&rig->vcpu, &xsave), 0);
	memset(area + 160 + 3 * 16, 0x33, 16); /* XMM3 */
	memcpy(area + 512, &x87_and_sse, sizeof(x87_and_sse)); /* XSTATE_BV */
	assert_int_equal(kvmio_vcpu_set_xsave(&rig->vcpu, &xsave), 0);
	assert_int_equal(kvmio_vcpu_get_xsave(&rig->vcpu, &again), 0);
	assert_memory_equal(xsave.region, again.region, 416);
	assert_int_equal(kvmio_vcpu_get_fpu(&rig->vcpu, &fpu), 0);
	assert_memory_equal(area + 160 + 3 * 16, fpu.xmm[3], 16);
}

static void xsave_of_any_size_wants_a_buffer_of_that_size(void **state)
{
	struct rig *rig = rig_of(state);
	char *buf;

	rig_full_vcpu(rig);
	need_cap(rig, KVMIO_CAP_XSAVE2);
	assert_true(rig->vcpu.xsave_size >= sizeof(struct kvm_xsave));
	buf = test_malloc(rig->vcpu.xsave_size);
	assert_int_equal(kvmio_vcpu_get_xsave2(&rig->vcpu, buf, rig->vcpu.xsave_size - 1), -EINVAL);
	assert_int_equal(kvmio_vcpu_set_xsave2(&rig->vcpu, buf, rig->vcpu.xsave_size - 1), -EINVAL);
	assert_int_equal(kvmio_vcpu_get_xsave2(&rig->vcpu, buf, rig->vcpu.xsave_size), 0);
	assert_int_equal(kvmio_vcpu_set_xsave2(&rig->vcpu, buf, rig->vcpu.xsave_size), 0);
	/* As if the guest had a larger state than the old call's buffer. */
	rig->vcpu.xsave_size = sizeof(struct kvm_xsave) + 1;
	assert_int_equal(kvmio_vcpu_set_xsave(&rig->vcpu, (struct kvm_xsave *)buf), -EINVAL);
	test_free(buf);
}

static void xcrs_are_set_as_they_were_got(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_xcrs xcrs = { 0 }, again = { 0 };

	rig_full_vcpu(rig);
	need_cap(rig, KVMIO_CAP_XCRS);
	assert_int_equal(kvmio_vcpu_get_xcrs(&rig->vcpu, &xcrs), 0);
	assert_true(xcrs.nr_xcrs >= 1);
	xcrs.xcrs[0].value = 3;
	assert_int_equal(kvmio_vcpu_set_xcrs(&rig->vcpu, &xcrs), 0);
	assert_int_equal(kvmio_vcpu_get_xcrs(&rig->vcpu, &again), 0);
	assert_int_equal(again.xcrs[0].value, 3);
	xcrs.xcrs[0].value = 2; /* x87 must be there */
	assert_true(kvmio_vcpu_set_xcrs(&rig->vcpu, &xcrs) < 0);
}

static void debug_registers_are_got_as_they_were_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_debugregs regs, again;

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_DEBUGREGS);
	assert_int_equal(kvmio_vcpu_get_debugregs(&rig->vcpu, &regs), 0);
	regs.db[0] = 0x13;
	assert_int_equal(kvmio_vcpu_set_debugregs(&rig->vcpu, &regs), 0);
	assert_int_equal(kvmio_vcpu_get_debugregs(&rig->vcpu, &again), 0);
	assert_int_equal(again.db[0], 0x13);
	regs.flags = 1;
	assert_int_equal(kvmio_vcpu_set_debugregs(&rig->vcpu, &regs), -EINVAL);
}

static void pending_events_are_got_as_they_were_set(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_vcpu_events events, again;

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_VCPU_EVENTS);
	assert_int_equal(kvmio_vcpu_get_events(&rig->vcpu, &events), 0);
	events.exception.injected = 1;
	events.exception.nr = 6;
	assert_int_equal(kvmio_vcpu_set_events(&rig->vcpu, &events), 0);
	assert_int_equal(kvmio_vcpu_get_events(&rig->vcpu, &again), 0);
	assert_int_equal(again.exception.injected, 1);
	assert_int_equal(again.exception.nr, 6);
	events.flags = 1U << 30;
	assert_int_equal(kvmio_vcpu_set_events(&rig->vcpu, &events), -EINVAL);
}

static void a_vcpu_is_adopted_from_its_descriptor(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_regs regs, again;

	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_from_fd(&rig->other, &rig->vm, dup(rig->vcpu.fd)), 0);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->vcpu, &regs), 0);
	assert_int_equal(kvmio_vcpu_get_regs(&rig->other, &again), 0);
	assert_memory_equal(&regs, &again, sizeof(regs));
}

static void a_vcpus_capability_is_enabled(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_HYPERV_SYNIC);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_enable_cap(&rig->vcpu, KVMIO_CAP_HYPERV_SYNIC, 0, NULL), 0);
}

static void the_tsc_has_a_frequency(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_GET_TSC_KHZ);
	assert_true(kvmio_vcpu_get_tsc_khz(&rig->vcpu) > 0);
}

static void the_tscs_frequency_is_set_where_it_scales(void **state)
{
	struct rig *rig = rig_of(state);
	int khz;

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_TSC_CONTROL);
	need_cap(rig, KVMIO_CAP_GET_TSC_KHZ);
	khz = kvmio_vcpu_get_tsc_khz(&rig->vcpu);
	assert_true(khz > 500000);
	assert_int_equal(kvmio_vcpu_set_tsc_khz(&rig->vcpu, (uint32_t)khz - 500000), 0);
	assert_int_equal(kvmio_vcpu_get_tsc_khz(&rig->vcpu), khz - 500000);
	assert_int_equal(kvmio_vcpu_set_tsc_khz(&rig->vcpu, (uint32_t)khz + 500000), 0);
	assert_int_equal(kvmio_vcpu_get_tsc_khz(&rig->vcpu), khz + 500000);
}

static void the_tscs_offset_is_an_attribute(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET };
	uint64_t offset = 0, again = 0;

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_VCPU_ATTRIBUTES);
	assert_int_equal(kvmio_vcpu_has_attr(&rig->vcpu, &attr), 0);
	attr.attr = 4711;
	assert_int_equal(kvmio_vcpu_has_attr(&rig->vcpu, &attr), -ENXIO);
	assert_int_equal(kvmio_vcpu_get_tsc_offset(&rig->vcpu, &offset), 0);
	assert_int_equal(kvmio_vcpu_set_tsc_offset(&rig->vcpu, offset - 1000000), 0);
	assert_int_equal(kvmio_vcpu_get_tsc_offset(&rig->vcpu, &again), 0);
	if (again == offset)
		skip_because("this KVM takes a TSC offset and ignores it");
	assert_int_equal(again, offset - 1000000);
}

static void without_paging_an_address_is_itself(void **state)
{
	struct rig *rig = rig_of(state);
	struct kvm_translation t;

	rig_memory(rig, 0x1000, 0x4000, 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_translate(&rig->vcpu, 0x10000, &t), 0);
	assert_int_equal(t.valid, 1);
	assert_int_equal(t.physical_address, 0x10000);
}

static void an_nmi_is_queued(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vm(rig);
	need_cap(rig, KVMIO_CAP_USER_NMI);
	assert_int_equal(kvmio_vm_create_irqchip(&rig->vm), 0);
	rig_vcpu(rig);
	assert_int_equal(kvmio_vcpu_nmi(&rig->vcpu), 0);
}

static void an_smi_is_queued_where_there_is_smm(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_X86_SMM);
	assert_int_equal(kvmio_vcpu_smi(&rig->vcpu), 0);
}

static void kvmclock_ctrl_wants_a_guest_with_a_clock(void **state)
{
	struct rig *rig = rig_of(state);

	rig_vcpu(rig);
	need_cap(rig, KVMIO_CAP_KVMCLOCK_CTRL);
	assert_int_equal(kvmio_vcpu_kvmclock_ctrl(&rig->vcpu), -EINVAL);
}

static void nested_state_wants_its_size(void **state)
{
	struct rig *rig = rig_of(state);
	union {
		struct kvm_nested_state state;
		char bytes[128 + 2 * 4096];
	} buf = { 0 };
	int n;

	rig_full_vcpu(rig);
	assert_int_equal(kvmio_vcpu_get_nested_state(&rig->vcpu, &buf.state, 127), -EINVAL);
	assert_int_equal(kvmio_vcpu_set_nested_state(&rig->vcpu, &buf.state, 127), -EINVAL);
	need_cap(rig, KVMIO_CAP_NESTED_STATE);
	n = kvmio_vcpu_get_nested_state(&rig->vcpu, &buf.state, sizeof(buf));
	assert_true(n >= 128 && (size_t)n <= sizeof(buf));
	assert_int_equal(buf.state.size, n);
	assert_int_equal(kvmio_vcpu_set_nested_state(&rig->vcpu, &buf.state, sizeof(buf)), 0);
	buf.state.size = sizeof(buf) + 1;
	assert_int_equal(kvmio_vcpu_set_nested_state(&rig->vcpu, &buf.state, sizeof(buf)), -EINVAL);
}

static void a_wrong_descriptor_is_an_error_of_the_kernels(void **state)
{
	struct kvmio_vcpu v = { .fd = -2 };
	struct kvm_translation t;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_sregs2 sregs2;
		struct kvm_fpu fpu;
		struct kvm_lapic_state lapic;
		struct kvm_xsave xsave;
		struct kvm_xcrs xcrs;
		struct kvm_debugregs debugregs;
		struct kvm_vcpu_events events;
		struct kvm_nested_state nested;
		struct kvm_cpuid_entry2 cpuid;
		struct kvm_msr_entry msr;
		uint64_t u64;
	} u = { 0 };
	const int got[] = {
		kvmio_vcpu_get_regs(&v, &u.regs),
		kvmio_vcpu_set_regs(&v, &u.regs),
		kvmio_vcpu_get_sregs(&v, &u.sregs),
		kvmio_vcpu_set_sregs(&v, &u.sregs),
		kvmio_vcpu_get_sregs2(&v, &u.sregs2),
		kvmio_vcpu_set_sregs2(&v, &u.sregs2),
		kvmio_vcpu_get_fpu(&v, &u.fpu),
		kvmio_vcpu_set_fpu(&v, &u.fpu),
		kvmio_vcpu_get_lapic(&v, &u.lapic),
		kvmio_vcpu_set_lapic(&v, &u.lapic),
		kvmio_vcpu_get_xsave(&v, &u.xsave),
		kvmio_vcpu_set_xsave(&v, &u.xsave),
		kvmio_vcpu_get_xsave2(&v, &u.xsave, sizeof(u)),
		kvmio_vcpu_set_xsave2(&v, &u.xsave, sizeof(u)),
		kvmio_vcpu_get_xcrs(&v, &u.xcrs),
		kvmio_vcpu_set_xcrs(&v, &u.xcrs),
		kvmio_vcpu_get_debugregs(&v, &u.debugregs),
		kvmio_vcpu_set_debugregs(&v, &u.debugregs),
		kvmio_vcpu_get_events(&v, &u.events),
		kvmio_vcpu_set_events(&v, &u.events),
		kvmio_vcpu_get_nested_state(&v, &u.nested, sizeof(u)),
		kvmio_vcpu_set_nested_state(&v, &u.nested, sizeof(u)),
		kvmio_vcpu_get_cpuid2(&v, &u.cpuid, 1),
		kvmio_vcpu_set_cpuid2(&v, &u.cpuid, 1),
		kvmio_vcpu_get_msrs(&v, &u.msr, 1),
		kvmio_vcpu_set_msrs(&v, &u.msr, 1),
		kvmio_vcpu_get_tsc_khz(&v),
		kvmio_vcpu_set_tsc_khz(&v, 1),
		kvmio_vcpu_get_tsc_offset(&v, &u.u64),
		kvmio_vcpu_set_tsc_offset(&v, 0),
		kvmio_vcpu_translate(&v, 0, &t),
		kvmio_vcpu_kvmclock_ctrl(&v),
		kvmio_vcpu_nmi(&v),
		kvmio_vcpu_smi(&v),
	};

	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		assert_int_equal(got[i], -EBADF);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_rig(cpuid_is_got_back_as_it_was_set),
		with_rig(cpuid_wants_room_within_limits),
		with_rig(registers_are_got_as_they_were_set),
		with_rig(system_registers_of_the_second_kind_agree_with_the_first),
		with_rig(the_fpu_is_got_as_it_was_set),
		with_rig(the_lapic_needs_an_irqchip_and_keeps_its_registers),
		with_rig(msrs_are_got_as_they_were_set),
		with_rig(the_run_state_changes),
		with_rig(xsave_is_got_as_it_was_set),
		with_rig(xsave_of_any_size_wants_a_buffer_of_that_size),
		with_rig(xcrs_are_set_as_they_were_got),
		with_rig(debug_registers_are_got_as_they_were_set),
		with_rig(pending_events_are_got_as_they_were_set),
		with_rig(a_vcpu_is_adopted_from_its_descriptor),
		with_rig(a_vcpus_capability_is_enabled),
		with_rig(the_tsc_has_a_frequency),
		with_rig(the_tscs_frequency_is_set_where_it_scales),
		with_rig(the_tscs_offset_is_an_attribute),
		with_rig(without_paging_an_address_is_itself),
		with_rig(an_nmi_is_queued),
		with_rig(an_smi_is_queued_where_there_is_smm),
		with_rig(kvmclock_ctrl_wants_a_guest_with_a_clock),
		with_rig(nested_state_wants_its_size),
		with_rig(a_wrong_descriptor_is_an_error_of_the_kernels),
	};

	return cmocka_run_group_tests_name("kvmio/vcpu_x86_64", tests, NULL, NULL);
}
