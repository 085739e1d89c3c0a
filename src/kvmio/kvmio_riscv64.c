/* SPDX-License-Identifier: MIT */
#include "kvmio/private.h"

long kvmio_arch_vm_type(const struct kvmio_system *sys)
{
	return 0;
}

int kvmio_arch_vcpu_setup(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm)
{
	return 0;
}
