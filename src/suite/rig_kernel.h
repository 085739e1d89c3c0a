/* SPDX-License-Identifier: MIT */
/* Private to src/suite: one kernel of a run, and what is asked of its configuration. */
#ifndef SUITE_RIG_KERNEL_H
#define SUITE_RIG_KERNEL_H

#include "base/err.h"
#include "base/strv.h"
#include "console/console.h"
#include "kernel/kernel.h"

struct rig_kernel {
	char *spec; /* owned; NULL: the default one */
	const char *arch; /* static; NULL: the kernel's own */
	struct kernel kernel; /* valid when `why` is NULL */
	char *why; /* owned: why it cannot be had */
	bool config_asked;
	struct kconfig *config; /* owned; NULL: nowhere to be had */
	struct symbols *symbols; /* owned; NULL until asked for */
};

/* Resolves SPEC for ARCH (NULL: any); never NULL, a failure is kept in `why`. */
struct rig_kernel *rig_kernel_new(const char *spec, const char *arch, const char *cwd);
void rig_kernel_free(struct rig_kernel *k);

/* The first of the OPTIONS that the kernel lacks (borrowed from them), or NULL. */
const char *rig_kernel_lacks(struct rig_kernel *k, const struct strv *options);

#endif
