/* SPDX-License-Identifier: MIT */
/* Registers one by one, each by its id. */
#include <stdlib.h>
#include <string.h>

#include "kvmio/private.h"

size_t kvmio_reg_size(uint64_t id)
{
	return (size_t)1 << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static int one_reg(const struct kvmio_vcpu *vcpu, unsigned long request, uint64_t id,
	uintptr_t data, size_t len)
{
	struct kvm_one_reg reg = { .id = id, .addr = data };
	size_t size = kvmio_reg_size(id);
	int r;

	if (len < size)
		return -EINVAL;
	r = kvm_ioctl(vcpu->fd, request, &reg);
	return r < 0 ? r : (int)size;
}

int kvmio_vcpu_get_one_reg(const struct kvmio_vcpu *vcpu, uint64_t id, void *data, size_t len)
{
	return one_reg(vcpu, KVM_GET_ONE_REG, id, (uintptr_t)data, len);
}

int kvmio_vcpu_set_one_reg(const struct kvmio_vcpu *vcpu, uint64_t id, const void *data, size_t len)
{
	return one_reg(vcpu, KVM_SET_ONE_REG, id, (uintptr_t)data, len);
}

int kvmio_vcpu_get_reg_list(const struct kvmio_vcpu *vcpu, uint64_t *regs, size_t *n)
{
	struct kvm_reg_list *list;
	int r;

	if (*n > SIZE_MAX / sizeof(*regs) - 1)
		return -ENOMEM;
	list = calloc(*n + 1, sizeof(*regs));
	if (!list)
		return -ENOMEM;
	list->n = *n;
	r = kvm_ioctl(vcpu->fd, KVM_GET_REG_LIST, list);
	if (r >= 0 && list->n <= *n)
		memcpy(regs, list->reg, list->n * sizeof(*regs));
	if (r >= 0 || r == -E2BIG)
		*n = list->n;
	free(list);
	return r;
}
