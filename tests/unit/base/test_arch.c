/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <elf.h>

#include "base/arch.h"
#include "base/elf.h"
#include "base/text.h"

static void names_of_dpkg_and_uname_are_one(void **state)
{
	assert_string_equal(arch_parse("arm64"), "aarch64");
	assert_string_equal(arch_parse("aarch64"), "aarch64");
	assert_string_equal(arch_parse("amd64"), "x86_64");
	assert_string_equal(arch_dpkg("aarch64"), "arm64");
	assert_string_equal(arch_of_elf(EM_AARCH64), "aarch64");
	assert_null(arch_parse("vax"));
	assert_null(arch_parse(""));
	assert_null(arch_dpkg("vax"));
	assert_null(arch_of_elf(EM_VAX));
	assert_string_equal(arch_parse(arch_host()), arch_host());
}

static void a_program_tells_its_machine_and_other_files_none(void **state)
{
	assert_string_equal(elf_arch("/proc/self/exe"), arch_host());
	assert_null(elf_arch("/proc/self/cmdline"));
	assert_null(elf_arch("/nowhere"));
	assert_null(elf_arch("/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_dpkg_and_uname_are_one),
		cmocka_unit_test(a_program_tells_its_machine_and_other_files_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
