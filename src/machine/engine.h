/* SPDX-License-Identifier: MIT */
/* What an engine implements. A NULL entry is refused by name with -EOPNOTSUPP, or does nothing where the
 * call has no result. */
#ifndef MACHINE_ENGINE_H
#define MACHINE_ENGINE_H

#include "machine/machine.h"

struct machine {
	const struct engine_ops *ops;
	void *state; /* owned by the engine */
};

struct engine_ops {
	const char *name;
	int (*describe)(const struct machine_spec *spec, struct strv *ret, struct err *e);
	int (*version)(const struct machine_spec *spec, char **ret, struct err *e);
	/* Sets M's state. */
	int (*start)(struct loop *loop, const struct machine_spec *spec,
		const struct machine_handlers *h, struct machine *m, struct err *e);
	int (*channel_fd)(void *state);
	int (*fs_fd)(void *state);
	void (*save)(void *state, int fd, machine_saved_cb cb, void *arg);
	void (*cont)(void *state);
	bool (*ran)(void *state);
	/* Whether machines as SPEC can be saved: 0, or -EOPNOTSUPP with the reason. */
	int (*can_save)(const struct machine_spec *spec, struct err *e);
	int (*serial_fd)(void *state, unsigned i);
	void (*write)(void *state, const char *data, size_t len);
	int (*exit_value)(void *state);
	void (*command)(
		void *state, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg);
	void (*ask)(void *state, enum machine_ask how);
	void (*inject_nmi)(void *state);
	void (*sysrq)(void *state, char key);
	void (*stop)(void *state);
	void (*usage)(void *state, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib);
	void (*free)(void *state);
};

extern const struct engine_ops engine_qemu;

#endif
