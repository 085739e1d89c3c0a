/* SPDX-License-Identifier: MIT */
/*
 * kvmio: Linux KVM's API in C, for x86_64, aarch64 and riscv64. Nothing but libc below it.
 *
 * A thin layer with fixed manners: one function an ioctl, structs that the caller owns, no state of its own
 * but what is in them, no locks, no output.
 *
 *  - What a function returns: 0 or a count on success, the kernel's errno negated on failure. What the
 *    kernel cannot see for itself (a buffer that is shorter than what it would write, more entries than it
 *    takes) is refused here with the errno named at the function.
 *  - RET parameters and structs to be made are written on success only.
 *  - A struct that is all zero but for fd = -1 (KVMIO_VM_INIT and the like) is closed; a call on it says
 *    -EBADF, releasing it does nothing. Descriptors are O_CLOEXEC. Release a VM's vCPUs and devices in any
 *    order: the kernel keeps the VM until the last of them is gone.
 *  - Different vCPUs may be used by different threads at the same time; one vCPU by one thread. The calls on
 *    a VM may be made by any thread, but for those that change `struct kvmio_vm`, which say so.
 *
 * Each function names its ioctl, the section of Documentation/virt/kvm/api.rst, the capability to look for,
 * and the architectures if it is not all three. Errors named are those worth telling apart; -EBADF (not a
 * descriptor) and -ENOTTY (the kernel, or this architecture's, has no such ioctl; aarch64 says -EINVAL) hold
 * everywhere.
 */
#ifndef KVMIO_H
#define KVMIO_H

#include "kvmio/cap.h"
#include "kvmio/device.h"
#include "kvmio/exit.h"
#include "kvmio/irq.h"
#include "kvmio/ring.h"
#include "kvmio/stats.h"
#include "kvmio/system.h"
#include "kvmio/uapi.h"
#include "kvmio/vcpu.h"
#include "kvmio/vm.h"

#if defined(__x86_64__)
#include "kvmio/x86_64.h"
#elif defined(__aarch64__)
#include "kvmio/aarch64.h"
#elif defined(__riscv) && __riscv_xlen == 64
#include "kvmio/riscv64.h"
#else
#error "kvmio knows x86_64, aarch64 and riscv64"
#endif

#endif
