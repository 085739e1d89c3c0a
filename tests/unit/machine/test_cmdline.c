/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "machine/private.h"

static bool has_word(const struct buf *b, const char *word)
{
	_cleanup_free_ char *line = xasprintf(" %s ", buf_str(b));
	_cleanup_free_ char *sought = xasprintf(" %s ", word);

	return strstr(line, sought);
}

static void a_panic_ends_the_machine_without_a_triple_fault(void **state)
{
	const struct machine_spec spec = { .accel = ACCEL_TCG, .type = MACHINE_MICROVM };
	_cleanup_buf_ struct buf b = BUF_INIT;

	machine_cmdline_tsc(&spec, 0, &b);
	assert_true(has_word(&b, "console=ttyS0"));
	assert_true(has_word(&b, "panic=-1"));
	assert_true(has_word(&b, "reboot=a"));
}

static void it_is_appended_to_what_is_there(void **state)
{
	const struct machine_spec spec = { .accel = ACCEL_TCG, .type = MACHINE_MICROVM };
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, "first");
	machine_cmdline_tsc(&spec, 0, &b);
	assert_true(str_starts(b.data, "first console="));
}

static void an_emulator_is_told_the_frequency_where_it_is_known(void **state)
{
	struct machine_spec spec = { .accel = ACCEL_TCG, .type = MACHINE_MICROVM };
	_cleanup_buf_ struct buf with = BUF_INIT, without = BUF_INIT, kvm = BUF_INIT,
				 nested = BUF_INIT;

	machine_cmdline_tsc(&spec, 2600000, &with);
	machine_cmdline_tsc(&spec, 0, &without);
	spec.accel = ACCEL_KVM;
	machine_cmdline_tsc(&spec, 2600000, &kvm);
	assert_true(has_word(&with, "tsc_early_khz=2600000"));
	assert_true(has_word(&with, "tsc=reliable"));
	assert_null(strstr(without.data, "tsc"));
	assert_null(strstr(kvm.data, "tsc"));
	spec = (struct machine_spec){ .accel = ACCEL_NESTED, .type = MACHINE_Q35 };
	machine_cmdline_tsc(&spec, 2600000, &nested);
	assert_true(has_word(&nested, "tsc_early_khz=2600000"));
}

static void a_timer_that_repeats_outlives_an_interrupt_that_an_emulated_svm_loses(void **state)
{
	struct machine_spec spec = { .accel = ACCEL_NESTED, .type = MACHINE_Q35 };
	_cleanup_buf_ struct buf nested = BUF_INIT, tcg = BUF_INIT, arm = BUF_INIT;

	machine_cmdline_tsc(&spec, 0, &nested);
	spec.accel = ACCEL_TCG;
	machine_cmdline_tsc(&spec, 0, &tcg);
	assert_true(has_word(&nested, "highres=off"));
	assert_true(has_word(&nested, "nohz=off"));
	assert_false(has_word(&tcg, "highres=off"));
	spec = (struct machine_spec){ .accel = ACCEL_NESTED, .type = MACHINE_VIRT };
	machine_cmdline_tsc(&spec, 0, &arm);
	assert_false(has_word(&arm, "highres=off"));
}

static void the_channel_is_named_and_its_uart_counted(void **state)
{
	struct machine_spec spec = { .accel = ACCEL_TCG, .type = MACHINE_Q35 };
	_cleanup_buf_ struct buf virtio = BUF_INIT, uart = BUF_INIT;

	machine_cmdline_tsc(&spec, 0, &virtio);
	spec.channel = CHANNEL_UART;
	machine_cmdline_tsc(&spec, 0, &uart);
	assert_true(has_word(&virtio, "vmrig.channel=virtio"));
	assert_true(has_word(&virtio, "8250.nr_uarts=1"));
	assert_true(has_word(&uart, "vmrig.channel=uart"));
	assert_true(has_word(&uart, "8250.nr_uarts=2"));
}

static void arms_machine_is_told_nothing_of_a_pc(void **state)
{
	static const char *const of_a_pc[] = { "ttyS", "8250", "nmi", "tsc",
		"reboot=", "no_timer_check" };
	const struct machine_spec spec = { .accel = ACCEL_TCG, .type = MACHINE_VIRT };
	_cleanup_buf_ struct buf b = BUF_INIT;

	machine_cmdline_tsc(&spec, 2600000, &b);
	assert_true(has_word(&b, "console=ttyAMA0"));
	assert_true(has_word(&b, "panic=-1"));
	assert_true(has_word(&b, "sysrq_always_enabled=1"));
	assert_true(has_word(&b, "vmrig.channel=virtio"));
	for (size_t i = 0; i < ARRAY_SIZE(of_a_pc); i++)
		assert_null(strstr(b.data, of_a_pc[i]));
}

static void the_measured_frequency_is_kept_for_this_boot(void **state)
{
	uint32_t khz = machine_host_tsc_khz();

	if (!khz) {
		print_message("# skipped: %s: this host's TSC is not to be trusted\n", __func__);
		skip();
	}
	assert_in_range(khz, 100000, 20000000);
	assert_int_equal(machine_host_tsc_khz(), khz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_panic_ends_the_machine_without_a_triple_fault),
		cmocka_unit_test(it_is_appended_to_what_is_there),
		cmocka_unit_test(an_emulator_is_told_the_frequency_where_it_is_known),
		cmocka_unit_test(
			a_timer_that_repeats_outlives_an_interrupt_that_an_emulated_svm_loses),
		cmocka_unit_test(the_channel_is_named_and_its_uart_counted),
		cmocka_unit_test(arms_machine_is_told_nothing_of_a_pc),
		with_cache(the_measured_frequency_is_kept_for_this_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
