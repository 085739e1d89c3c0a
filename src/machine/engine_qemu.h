/* SPDX-License-Identifier: MIT */
/* Of the engine "qemu" alone: a machine_spec as a qemu_config, and what QEMU cannot do of it. */
#ifndef MACHINE_ENGINE_QEMU_H
#define MACHINE_ENGINE_QEMU_H

#include "base/err.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "qemu/qemu.h"

/* A qemu_config and all that it borrows. */
struct engine_config {
	struct qemu_features features;
	struct kvm_probe kvm;
	struct qemu_share *shares; /* owned */
	const char *ports[1 + MACHINE_FS_PORTS_MAX];
	int *fds; /* owned: that QEMU keeps */
	char *memory, *fork_library; /* owned */
	struct qemu_disk *disks; /* owned */
	struct qemu_nic *nics; /* owned */
	struct qemu_os os;
	struct qemu_config q;
};
void engine_config_release(struct engine_config *c);

/* Into RET, which is zeroed. Negative errno, with the reason in E. */
int engine_configure(const struct machine_spec *spec, struct engine_config *ret, struct err *e);

/* As struct engine_ops has them. */
int engine_qemu_describe(const struct machine_spec *spec, struct strv *ret, struct err *e);
int engine_qemu_version(const struct machine_spec *spec, char **ret, struct err *e);
int engine_qemu_can_save(const struct machine_spec *spec, struct err *e);
int engine_qemu_can_copy(const struct machine_spec *spec, struct err *e);

#endif
