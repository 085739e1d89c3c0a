/* SPDX-License-Identifier: MIT */
#include "harness.h"

static bool wishes(const char *fragment, const char *arch, const char *option)
{
	struct kconfig_wishes w = { 0 };
	bool found = false;

	assert_int_equal(kconfig_wish_fragment(&w, fragment, arch, NULL, NULL), 0);
	for (size_t i = 0; i < w.n; i++)
		found |= streq(w.v[i].option, option) && !streq(w.v[i].value, "n");
	kconfig_wishes_release(&w);
	return found;
}

static void built_in_ones_are_those_promised_and_in_order(void **state)
{
	static const char *const promised[] = { "bpf", "container", "debug", "gcov", "guest",
		"kcov", "kvm" };
	const char *const *names = kconfig_fragment_names();
	size_t n = 0;

	for (; names[n]; n++)
		assert_string_equal(names[n], promised[n]);
	assert_int_equal(n, ARRAY_SIZE(promised));
}

static void each_can_be_read_for_each_architecture(void **state)
{
	static const char *const archs[] = { "x86_64", "aarch64", "riscv64" };
	const char *const *names = kconfig_fragment_names();

	for (size_t i = 0; names[i]; i++)
		for (size_t a = 0; a < ARRAY_SIZE(archs); a++) {
			struct kconfig_wishes w = { 0 };

			assert_int_equal(
				kconfig_wish_fragment(&w, names[i], archs[a], NULL, NULL), 0);
			assert_true(w.n > 0);
			kconfig_wishes_release(&w);
		}
}

static void parts_of_one_architecture_are_left_out_of_the_other(void **state)
{
	assert_true(wishes("guest", "x86_64", "PVH"));
	assert_false(wishes("guest", "aarch64", "PVH"));
	assert_true(wishes("guest", "aarch64", "SERIAL_AMBA_PL011"));
	assert_false(wishes("guest", "x86_64", "SERIAL_AMBA_PL011"));
	assert_true(wishes("kvm", "aarch64", "KVM"));
	assert_false(wishes("kvm", "aarch64", "KVM_AMD"));
}

/* What guest/prepare.c asks of a kernel. */
static void guest_has_all_that_booting_asks_for(void **state)
{
	static const char *const needed[] = { "VIRTIO_MMIO", "VIRTIO_PCI", "VIRTIO_CONSOLE",
		"NET_9P_VIRTIO", "9P_FS", "FUSE_FS", "OVERLAY_FS", "BLK_DEV_INITRD", "DEVTMPFS" };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		assert_true(wishes("guest", "x86_64", needed[i]));
		assert_true(wishes("guest", "aarch64", needed[i]));
	}
}

static void unknown_name_is_told_with_the_nearest(void **state)
{
	struct kconfig_wishes w = { 0 };
	struct err e = ERR_INIT;
	int r = kconfig_wish_fragment(&w, "conteiner", "x86_64", NULL, &e);

	assert_non_null(strstr(e.hint, "guest"));
	expect_words(&e, r, -ENOENT, "'conteiner'", "'container'");
}

static void text_has_the_reasons(void **state)
{
	_cleanup_buf_ struct buf one = BUF_INIT, all = BUF_INIT;

	assert_int_equal(kconfig_fragment_text("kvm", "aarch64", &one, NULL), 0);
	assert_non_null(strstr(buf_str(&one), "CONFIG_KVM=y\n"));
	assert_null(strstr(buf_str(&one), "KVM_AMD"));
	assert_int_equal(kconfig_fragment_text("kvm", NULL, &all, NULL), 0);
	assert_non_null(strstr(buf_str(&all), "For x86_64 alone"));
	assert_non_null(strstr(buf_str(&all), "CONFIG_KVM_AMD=y\n"));
	assert_int_equal(kconfig_fragment_text("kvn", NULL, &all, NULL), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_ones_are_those_promised_and_in_order),
		cmocka_unit_test(each_can_be_read_for_each_architecture),
		cmocka_unit_test(parts_of_one_architecture_are_left_out_of_the_other),
		cmocka_unit_test(guest_has_all_that_booting_asks_for),
		cmocka_unit_test(unknown_name_is_told_with_the_nearest),
		cmocka_unit_test(text_has_the_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
