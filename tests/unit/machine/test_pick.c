/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void tcg_is_taken_when_asked_for(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	char why[240] = "";

	assert_int_equal(machine_pick_accel(ACCEL_TCG, &accel, why, NULL), 0);
	assert_int_equal(accel, ACCEL_TCG);
	assert_string_equal(why, "tcg: asked for");
}

static void auto_takes_what_works_and_says_why(void **state)
{
	enum machine_accel accel = ACCEL_AUTO;
	struct kvm_probe p;
	char why[240] = "";

	machine_probe_kvm(false, &p);
	assert_int_equal(machine_pick_accel(ACCEL_AUTO, &accel, why, NULL), 0);
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
	r = machine_pick_accel(ACCEL_KVM, &accel, why, &e);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_cache(tcg_is_taken_when_asked_for),
		with_cache(auto_takes_what_works_and_says_why),
		with_cache(kvm_fails_rather_than_fall_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
