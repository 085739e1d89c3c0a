/* SPDX-License-Identifier: MIT */
#include <linux/kvm.h>

#include "harness.h"

#include "machine/private.h"

static const char pvm[] = ": software-paged KVM (PVM), the CPU has no svm or vmx";

static void each_way_to_fail_has_its_line(void **state)
{
	static const struct {
		struct payload_result r;
		bool timed_out;
		const char *why;
	} cases[] = {
		{ { .step = STEP_XSAVE,
			  .exit_reason = KVM_EXIT_INTERNAL_ERROR,
			  .suberror = KVM_INTERNAL_ERROR_EMULATION },
			false, "opens, but XRSTOR fails (emulation failure)" },
		{ { .step = STEP_XRSTOR, .exit_reason = KVM_EXIT_INTERNAL_ERROR, .suberror = 2 },
			false, "opens, but INT3 fails (internal error)" },
		{ { .step = STEP_XRSTOR, .exit_reason = KVM_EXIT_SHUTDOWN }, false,
			"opens, but INT3 ends in a triple fault" },
		{ { .step = STEP_STARTED, .trapped = true }, false,
			"opens, but XSETBV raises an exception" },
		{ { .step = STEP_NONE, .exit_reason = KVM_EXIT_FAIL_ENTRY }, false,
			"opens, but its first instruction ends the guest (exit reason 9)" },
		{ { .step = 77, .exit_reason = KVM_EXIT_HLT }, false,
			"opens, but an unknown step ends the guest (exit reason 5)" },
		{ { .call = "KVM_CREATE_VM", .call_errno = EBUSY }, false,
			"opens, but KVM_CREATE_VM fails (Device or resource busy)" },
		{ { .step = STEP_INT3 }, true,
			"opens, but did not come through a loop of plain instructions in 2 s" },
		{ { .done = true, .step = STEP_LOOP, .loop_ns = 500000000 }, false,
			"runs 2.0 million instructions a second, slower than TCG" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *expected =
			xasprintf("%s%s; use --accel tcg", cases[i].why, pvm);
		struct kvm_probe p;

		kvm_probe_judge(&cases[i].r, cases[i].timed_out, pvm, &p);
		assert_int_equal(p.state, KVM_BROKEN);
		assert_string_equal(p.why, expected);
	}
}

static void a_fast_payload_that_came_through_works(void **state)
{
	const struct payload_result r = {
		.done = true, .step = STEP_LOOP, .loop_ns = 500000, .arch_capabilities = true
	};
	struct kvm_probe p;

	kvm_probe_judge(&r, false, "", &p);
	assert_int_equal(p.state, KVM_WORKS);
	assert_string_equal(p.why, "works, 2000 million instructions a second");
	assert_string_equal(p.cpu, "host");
	assert_true(p.minstr_per_s > 1999 && p.minstr_per_s < 2001);
}

static void the_cpu_leaves_out_what_kvm_cannot_set(void **state)
{
	const struct payload_result r = { .done = true, .step = STEP_LOOP, .loop_ns = 500000 };
	struct kvm_probe p;

	kvm_probe_judge(&r, false, "", &p);
	assert_string_equal(p.cpu, "host,-arch-capabilities");
}

static void the_kvm_of_this_machine_is_judged_in_one_line(void **state)
{
	struct kvm_probe first, again;

	machine_probe_kvm(true, &first);
	assert_in_range(first.state, KVM_WORKS, KVM_BROKEN);
	assert_true(first.why[0] && !strchr(first.why, '\n'));
	assert_true(first.state != KVM_WORKS || first.cpu[0]);
	machine_probe_kvm(false, &again);
	assert_memory_equal(&first, &again, sizeof(first));
}

static void a_damaged_answer_is_asked_anew(void **state)
{
	_cleanup_free_ char *command =
		xasprintf("for f in '%s'/probe/*; do test -e \"$f\" && echo '{\"works\": true' > "
			  "\"$f\"; done; true",
			(char *)*state);
	struct kvm_probe first, again;

	machine_probe_kvm(true, &first);
	assert_int_equal(system(command), 0);
	machine_probe_kvm(false, &again);
	assert_int_equal(first.state, again.state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_fail_has_its_line),
		cmocka_unit_test(a_fast_payload_that_came_through_works),
		cmocka_unit_test(the_cpu_leaves_out_what_kvm_cannot_set),
		with_cache(the_kvm_of_this_machine_is_judged_in_one_line),
		with_cache(a_damaged_answer_is_asked_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
