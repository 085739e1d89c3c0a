/* SPDX-License-Identifier: MIT */
#include "base/arch.h"
#include "harness.h"

static void tcg_is_taken_when_asked_for(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	char why[240] = "";

	assert_int_equal(machine_pick_accel(ACCEL_TCG, arch_host(), &accel, why, NULL), 0);
	assert_int_equal(accel, ACCEL_TCG);
	assert_string_equal(why, "tcg: asked for");
}

static void auto_takes_what_works_and_says_why(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	struct kvm_probe p;
	char why[240] = "";

	machine_probe_kvm(false, &p);
	assert_int_equal(machine_pick_accel(ACCEL_AUTO, arch_host(), &accel, why, NULL), 0);
	assert_int_equal(accel, p.state == KVM_WORKS ? ACCEL_KVM : ACCEL_TCG);
	assert_non_null(strstr(why, p.why));
	assert_true(str_starts(why, machine_accel_name(accel)));
}

static void kvm_fails_rather_than_fall_back(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	struct err e = ERR_INIT;
	struct kvm_probe p;
	char why[240] = "";
	int r;

	machine_probe_kvm(false, &p);
	r = machine_pick_accel(ACCEL_KVM, arch_host(), &accel, why, &e);
	if (p.state == KVM_WORKS) {
		assert_int_equal(r, 0);
		assert_int_equal(accel, ACCEL_KVM);
	} else {
		assert_int_equal(r, -ENODEV);
		assert_int_equal(accel, ACCEL_AUTO);
		assert_non_null(strstr(err_text(&e), p.why));
		assert_non_null(e.hint);
	}
	err_release(&e);
}

static void another_architecture_is_emulated_and_never_kvm(void **state)
{
	const char *other = streq(arch_host(), "aarch64") ? "x86_64" : "aarch64";
	enum machine_accel accel = ACCEL_AUTO;
	struct err e = ERR_INIT;
	char why[240] = "";

	assert_int_equal(machine_pick_accel(ACCEL_KVM, other, &accel, why, &e), -ENODEV);
	assert_non_null(strstr(err_text(&e), other));
	assert_int_equal(machine_pick_accel(ACCEL_AUTO, other, &accel, why, NULL), 0);
	assert_int_equal(accel, ACCEL_TCG);
	assert_non_null(strstr(why, other));
	err_release(&e);
}

static void nested_says_whose_kvm_it_is(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	char why[240] = "";

	assert_int_equal(machine_pick_accel(ACCEL_NESTED, "aarch64", &accel, why, NULL), 0);
	assert_int_equal(accel, ACCEL_NESTED);
	assert_non_null(strstr(why, "EL2"));
	assert_int_equal(machine_pick_accel(ACCEL_NESTED, "x86_64", &accel, why, NULL), 0);
	assert_non_null(strstr(why, "SVM"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_cache(tcg_is_taken_when_asked_for),
		with_cache(auto_takes_what_works_and_says_why),
		with_cache(kvm_fails_rather_than_fall_back),
		with_cache(another_architecture_is_emulated_and_never_kvm),
		with_cache(nested_says_whose_kvm_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
