/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "kvmio/lists_x86_64.h"

/* struct kvm_cpuid2 and struct kvm_msrs with room. */
struct cpuids {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entries[KVMIO_MAX_CPUID];
};

struct msrs {
	uint32_t nmsrs, pad;
	struct kvm_msr_entry entries[KVMIO_MAX_MSRS];
};

_Static_assert(offsetof(struct cpuids, entries) == sizeof(struct kvm_cpuid2), "layout");
_Static_assert(offsetof(struct msrs, entries) == sizeof(struct kvm_msrs), "layout");

int kvmio_get_cpuid(int fd, unsigned long request, struct kvm_cpuid_entry2 *entries, size_t n)
{
	struct cpuids cpuids;
	int r;

	if (n > KVMIO_MAX_CPUID)
		return -ENOMEM;
	cpuids.nent = (uint32_t)n;
	cpuids.padding = 0;
	/* The kernel reads what it overwrites (KVM_GET_EMULATED_CPUID). */
	memset(cpuids.entries, 0, n * sizeof(*entries));
	r = kvm_ioctl(fd, request, &cpuids);
	if (r < 0)
		return r;
	if (cpuids.nent < n)
		n = cpuids.nent;
	if (n)
		memcpy(entries, cpuids.entries, n * sizeof(*entries));
	return (int)n;
}

int kvmio_set_cpuid(int fd, const struct kvm_cpuid_entry2 *entries, size_t n)
{
	struct cpuids cpuids;

	if (n > KVMIO_MAX_CPUID)
		return -E2BIG;
	cpuids.nent = (uint32_t)n;
	cpuids.padding = 0;
	if (n)
		memcpy(cpuids.entries, entries, n * sizeof(*entries));
	return kvm_ioctl(fd, KVM_SET_CPUID2, &cpuids);
}

static int msrs_take(struct msrs *msrs, const struct kvm_msr_entry *entries, size_t n)
{
	if (n > KVMIO_MAX_MSRS)
		return -E2BIG;
	msrs->nmsrs = (uint32_t)n;
	msrs->pad = 0;
	if (n)
		memcpy(msrs->entries, entries, n * sizeof(*entries));
	return 0;
}

int kvmio_get_msrs(int fd, struct kvm_msr_entry *entries, size_t n)
{
	struct msrs msrs;
	int r = msrs_take(&msrs, entries, n);

	if (r < 0)
		return r;
	r = kvm_ioctl(fd, KVM_GET_MSRS, &msrs);
	if (r > 0)
		memcpy(entries, msrs.entries, (size_t)r * sizeof(*entries));
	return r;
}

int kvmio_set_msrs(int fd, const struct kvm_msr_entry *entries, size_t n)
{
	struct msrs msrs;
	int r = msrs_take(&msrs, entries, n);

	return r < 0 ? r : kvm_ioctl(fd, KVM_SET_MSRS, &msrs);
}
