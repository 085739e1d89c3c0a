/* SPDX-License-Identifier: MIT */
/* What an engine implements. A NULL entry is refused by name with -EOPNOTSUPP, or does nothing where the
 * call has no result. */
#ifndef MACHINE_ENGINE_H
#define MACHINE_ENGINE_H

#include <jansson.h>

#include "machine/machine.h"
#include "qmp/qmp.h"

struct live;
struct reply;
struct wait;

struct machine {
	const struct engine_ops *ops;
	void *state; /* owned by the engine */
	struct machine_handlers h;
	struct live *live; /* owned; NULL: nobody can look at it */
	struct reply *replies; /* owned: publish.c */
	struct wait *waits; /* owned: input.c */
};

/* What those who look at a machine see besides its console. */
typedef void (*engine_event_cb)(void *arg, const char *name, const json_t *data);

/* publish.c */
void machine_publish(struct machine *m, struct loop *loop, const struct machine_spec *spec);
void machine_unpublish(struct machine *m);
/* input.c */
void machine_waits_free(struct machine *m);

struct engine_ops {
	const char *name;
	int (*describe)(const struct machine_spec *spec, struct strv *ret, struct err *e);
	int (*version)(const struct machine_spec *spec, char **ret, struct err *e);
	/* Sets M's state. EVENT has the handlers' arg. */
	int (*start)(struct loop *loop, const struct machine_spec *spec,
		const struct machine_handlers *h, engine_event_cb event, struct machine *m,
		struct err *e);
	int (*channel_fd)(void *state);
	int (*fs_fd)(void *state, unsigned i);
	void (*save)(void *state, int fd, machine_saved_cb cb, void *arg);
	void (*cont)(void *state);
	bool (*ran)(void *state);
	void (*times)(void *state, struct machine_times *ret);
	/* Whether machines as SPEC can be saved: 0, or -EOPNOTSUPP with the reason. */
	int (*can_save)(const struct machine_spec *spec, struct err *e);
	int (*serial_fd)(void *state, unsigned i);
	void (*write)(void *state, const char *data, size_t len);
	int (*exit_value)(void *state);
	void (*command)(
		void *state, const char *execute, json_t *arguments, qmp_reply_cb cb, void *arg);
	bool (*talks)(void *state);
	void (*ask)(void *state, enum machine_ask how);
	int (*can_copy)(const struct machine_spec *spec, struct err *e);
	void (*pause)(void *state, machine_saved_cb cb, void *arg);
	int (*copy)(void *state, const struct machine_handlers *h, engine_event_cb event,
		struct machine *m, struct err *e); /* sets M's state */
	void (*inject_nmi)(void *state);
	void (*sysrq)(void *state, char key);
	json_t *(*greeting)(void *state); /* of its monitor */
	size_t (*console_unsent)(void *state);
	/* As qemu_press() and qemu_screen(). */
	void (*press)(void *state, json_t *commands, qmp_reply_cb cb, void *arg);
	void (*screen)(void *state,
		void (*cb)(void *arg, const char *ppm, size_t len, const char *error), void *arg);
	void (*stop)(void *state);
	void (*usage)(void *state, int64_t *ret_cpu_us, int64_t *ret_maxrss_kib);
	void (*free)(void *state);
};

extern const struct engine_ops engine_qemu;

#endif
