/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "kvmio/private.h"

#define ROW(name, number) { number, "KVM_CAP_" #name },
static const struct {
	int number;
	const char *name;
} caps[] = { KVMIO_CAPS(ROW) };
#undef ROW

#define N_CAPS (sizeof(caps) / sizeof(*caps))
#define PREFIX (sizeof("KVM_CAP_") - 1)

const char *kvmio_cap_name(int cap)
{
	for (size_t i = 0; i < N_CAPS; i++) {
		if (caps[i].number == cap)
			return caps[i].name;
	}
	return NULL;
}

int kvmio_cap_find(const char *name)
{
	for (size_t i = 0; i < N_CAPS; i++) {
		if (!strcmp(caps[i].name, name) || !strcmp(caps[i].name + PREFIX, name))
			return caps[i].number;
	}
	return -ENOENT;
}
