/* SPDX-License-Identifier: MIT */
/* The system and the VM; the vCPU's state is in vcpu_x86_64.c. */
#include <stdlib.h>
#include <string.h>

#include "kvmio/lists_x86_64.h"
#include "kvmio/private.h"

long kvmio_arch_vm_type(const struct kvmio_system *sys)
{
	return 0;
}

int kvmio_system_supported_cpuid(
	const struct kvmio_system *sys, struct kvm_cpuid_entry2 *entries, size_t n)
{
	return kvmio_get_cpuid(sys->fd, KVM_GET_SUPPORTED_CPUID, entries, n);
}

int kvmio_system_emulated_cpuid(
	const struct kvmio_system *sys, struct kvm_cpuid_entry2 *entries, size_t n)
{
	return kvmio_get_cpuid(sys->fd, KVM_GET_EMULATED_CPUID, entries, n);
}

static int msr_list(int fd, unsigned long request, uint32_t *indices, size_t *n)
{
	struct kvm_msr_list *list;
	int r;

	if (*n > UINT32_MAX)
		return -ENOMEM;
	list = calloc(*n + 1, sizeof(*indices));
	if (!list)
		return -ENOMEM;
	list->nmsrs = (uint32_t)*n;
	r = kvm_ioctl(fd, request, list);
	if (r >= 0 && list->nmsrs <= *n)
		memcpy(indices, list->indices, list->nmsrs * sizeof(*indices));
	if (r >= 0 || r == -E2BIG)
		*n = list->nmsrs;
	free(list);
	return r;
}

int kvmio_system_msr_index_list(const struct kvmio_system *sys, uint32_t *indices, size_t *n)
{
	return msr_list(sys->fd, KVM_GET_MSR_INDEX_LIST, indices, n);
}

int kvmio_system_msr_feature_index_list(
	const struct kvmio_system *sys, uint32_t *indices, size_t *n)
{
	return msr_list(sys->fd, KVM_GET_MSR_FEATURE_INDEX_LIST, indices, n);
}

int kvmio_system_get_msrs(const struct kvmio_system *sys, struct kvm_msr_entry *entries, size_t n)
{
	return kvmio_get_msrs(sys->fd, entries, n);
}

int kvmio_vm_set_tss_addr(const struct kvmio_vm *vm, unsigned long gpa)
{
	return kvm_ioctl_value(vm->fd, KVM_SET_TSS_ADDR, gpa);
}

int kvmio_vm_set_identity_map_addr(const struct kvmio_vm *vm, uint64_t gpa)
{
	return kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &gpa);
}

int kvmio_vm_get_irqchip(const struct kvmio_vm *vm, struct kvm_irqchip *chip)
{
	return kvm_ioctl(vm->fd, KVM_GET_IRQCHIP, chip);
}

int kvmio_vm_set_irqchip(const struct kvmio_vm *vm, const struct kvm_irqchip *chip)
{
	return kvm_ioctl(vm->fd, KVM_SET_IRQCHIP, chip);
}

int kvmio_vm_create_pit2(const struct kvmio_vm *vm, const struct kvm_pit_config *config)
{
	return kvm_ioctl(vm->fd, KVM_CREATE_PIT2, config);
}

int kvmio_vm_get_pit2(const struct kvmio_vm *vm, struct kvm_pit_state2 *ret)
{
	return kvm_ioctl(vm->fd, KVM_GET_PIT2, ret);
}

int kvmio_vm_set_pit2(const struct kvmio_vm *vm, const struct kvm_pit_state2 *pit)
{
	return kvm_ioctl(vm->fd, KVM_SET_PIT2, pit);
}

int kvmio_vm_get_clock(const struct kvmio_vm *vm, struct kvm_clock_data *ret)
{
	return kvm_ioctl(vm->fd, KVM_GET_CLOCK, ret);
}

int kvmio_vm_set_clock(const struct kvmio_vm *vm, const struct kvm_clock_data *clock)
{
	return kvm_ioctl(vm->fd, KVM_SET_CLOCK, clock);
}

int kvmio_vm_set_msr_filter_unchecked(
	const struct kvmio_vm *vm, const struct kvm_msr_filter *filter)
{
	return kvm_ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, filter);
}

/*
 * The kernel reads each bitmap in whole longs, which the caller's need not be; so it gets copies, padded with
 * zeros.
 */
int kvmio_vm_set_msr_filter(
	const struct kvmio_vm *vm, uint32_t flags, const struct kvmio_msr_range *ranges, size_t n)
{
	uint8_t bitmaps[KVMIO_MAX_RANGES][KVM_MSR_FILTER_MAX_BITMAP_SIZE];
	struct kvm_msr_filter filter = { .flags = flags };

	if (n > KVMIO_MAX_RANGES)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const struct kvmio_msr_range *range = &ranges[i];
		size_t len = range->count / 8 + !!(range->count % 8);

		if (range->count == 0 || len > sizeof(bitmaps[i]) || range->bitmap_len < len)
			return -EINVAL;
		memset(bitmaps[i], 0, sizeof(bitmaps[i]));
		memcpy(bitmaps[i], range->bitmap, len);
		filter.ranges[i] = (struct kvm_msr_filter_range){
			.flags = range->flags,
			.nmsrs = range->count,
			.base = range->base,
			.bitmap = bitmaps[i],
		};
	}
	return kvmio_vm_set_msr_filter_unchecked(vm, &filter);
}

int kvmio_vm_encrypt_op(const struct kvmio_vm *vm, void *op)
{
	return kvm_ioctl(vm->fd, KVM_MEMORY_ENCRYPT_OP, op);
}

int kvmio_vm_encrypt_op_sev(const struct kvmio_vm *vm, struct kvm_sev_cmd *op)
{
	return kvm_ioctl(vm->fd, KVM_MEMORY_ENCRYPT_OP, op);
}

int kvmio_vm_add_encrypted(const struct kvmio_vm *vm, const struct kvm_enc_region *region)
{
	return kvm_ioctl(vm->fd, KVM_MEMORY_ENCRYPT_REG_REGION, region);
}

int kvmio_vm_remove_encrypted(const struct kvmio_vm *vm, const struct kvm_enc_region *region)
{
	return kvm_ioctl(vm->fd, KVM_MEMORY_ENCRYPT_UNREG_REGION, region);
}
