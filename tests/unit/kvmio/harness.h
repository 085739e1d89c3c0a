/* SPDX-License-Identifier: MIT */
/*
 * What the tests of kvmio share: a rig of system, VM, vCPU and memory, taken down whatever happens; and gates. A
 * test that this KVM cannot do skips itself and prints "# skipped: NAME: REASON".
 */
#ifndef TEST_KVMIO_HARNESS_H
#define TEST_KVMIO_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvmio.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

struct rig {
	struct kvmio_system sys;
	struct kvmio_vm vm;
	struct kvmio_vcpu vcpu;
	struct kvmio_vcpu other; /* for tests of two */
	struct kvmio_device dev;
	struct kvmio_stats stats;
	uint8_t *mem; /* the guest's, from mem_gpa on */
	uint64_t mem_gpa;
	size_t mem_size;
	int fd[4]; /* closed at the end where >= 0 */
};

/* A setup and a teardown: *STATE is a struct rig with /dev/kvm open, if it opens. */
int rig_make(void **state);
int rig_free(void **state);

#define with_rig(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_free)

/* The rig; skips the test where there is no /dev/kvm. */
#define rig_of(state) rig_need_kvm(*(state), __func__)
struct rig *rig_need_kvm(struct rig *rig, const char *test);

/* Skips the test, saying why. */
#define skip_because(...) skip_test(__func__, __VA_ARGS__)
void skip_test(const char *test, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Skips the test where the system lacks the capability; gives its value. */
#define need_cap(rig, cap) rig_need_cap(rig, cap, __func__)
int rig_need_cap(struct rig *rig, int cap, const char *test);

/* A VM; a VM with memory of SIZE bytes at GPA, in slot 0; a vCPU of the VM (made if there is none). */
void rig_vm(struct rig *rig);
void rig_memory(struct rig *rig, uint64_t gpa, size_t size, uint32_t flags);
void rig_vcpu(struct rig *rig);

/* Eventfd number I of the rig. */
int rig_eventfd(struct rig *rig, size_t i);

/* Has eventfd FD been rung since it was last asked? */
bool rung(int fd);

/* Runs until the next exit, which must be of this type. */
void run_to(struct rig *rig, enum kvmio_exit_type type, struct kvmio_exit *ret);

#endif
