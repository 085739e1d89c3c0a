/* SPDX-License-Identifier: MIT */
#include "base/arch.h"

#include <elf.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/text.h"

static const struct {
	const char *name, *dpkg;
	uint16_t elf;
} machines[] = {
	{ "x86_64", "amd64", EM_X86_64 },
	{ "aarch64", "arm64", EM_AARCH64 },
	{ "riscv64", "riscv64", EM_RISCV },
};

const char *arch_host(void)
{
#if defined(__x86_64__)
	return "x86_64";
#elif defined(__aarch64__)
	return "aarch64";
#else
	return "riscv64";
#endif
}

const char *arch_parse(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (streq(s, machines[i].name) || streq(s, machines[i].dpkg))
			return machines[i].name;
	return NULL;
}

const char *arch_dpkg(const char *arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (streq(arch, machines[i].name))
			return machines[i].dpkg;
	return NULL;
}

const char *arch_of_elf(uint16_t machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machine == machines[i].elf)
			return machines[i].name;
	return NULL;
}
