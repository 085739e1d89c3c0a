/* SPDX-License-Identifier: MIT */
/*
 * riscv64. All vCPU state goes through kvmio_vcpu_{get,set}_one_reg, the interrupt controller is a device
 * (KVM_DEV_TYPE_RISCV_AIA), so there is nothing here that other architectures lack. Included by kvmio.h.
 */
#ifndef KVMIO_RISCV64_H
#define KVMIO_RISCV64_H

/* Linux 6.6 */
#ifndef KVM_DEV_TYPE_RISCV_AIA
#define KVM_DEV_TYPE_RISCV_AIA 11
#endif

#endif
