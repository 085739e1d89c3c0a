/* SPDX-License-Identifier: MIT */
/*
 * Private to the room: what a step is. A kind of step is a file of its own and a row in step.c's table: its key in the
 * suite file, how its value is read, and what it does. It ends by os_step_done() or os_step_fail(), from `start` or any
 * later call; its limit and the machine's end are seen to by step.c.
 */
#ifndef OS_STEP_H
#define OS_STEP_H

#include <jansson.h>

#include "os/os.h"

struct os_step_run;

#define OS_SSH_KEY "@SSH_KEY@" /* the public key of the run, in a text */

enum {
	OS_NEEDS_SSH = 1,
	OS_NEEDS_DISPLAY = 2,
	OS_NEEDS_KEY_TEXT = 4 /* the key of the run, where its text has OS_SSH_KEY */
};

struct os_step_kind {
	const char *name; /* the key */
	unsigned needs; /* of the machine */
	const char *form; /* what its value may be, for messages: "a pattern" */
	/* Reads the key's value into the step: -EINVAL by yaml_error() or yaml_expected(). */
	int (*read)(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
		struct os_step *s);
	int64_t timeout_ms; /* where the step says none; 0: no other than the test's */
	void (*start)(struct os *o, struct os_step_run *r);
	/* New text on the step's serial port, or the step has just begun. NULL: it does not listen. */
	void (*text)(struct os *o, struct os_step_run *r);
	/* Why it has not come to its end, where it does not listen: appended to WHY. NULL: nothing to say. */
	void (*explain)(struct os *o, const struct os_step_run *r, struct buf *why);
	/* The machine has ended. NULL: that fails the step. */
	void (*ended)(struct os *o, struct os_step_run *r);
	/* Drops what the run holds in `data`; called once for each that was started. NULL: nothing. */
	void (*release)(struct os_step_run *r);
};

/* As it stands in the file. */
struct os_step {
	const struct os_step_kind *kind;
	int line, column; /* in the file */
	int64_t timeout_ms; /* 0: none of its own */
	uint32_t serial;
	char *text; /* owned: pattern, line to send, command, … by its kind; NULL */
	char *to; /* owned: of a copy; NULL */
	uint32_t size_max_mib; /* of a copy out of the guest */
	char *user, *password, *prompt; /* owned; NULL */
	json_t *arguments; /* owned; NULL */
	int number; /* of the kind: the exit code that is right, … */
	struct strv keys;
	/* How alike a screen must be: see struct screen_tolerance. */
	uint32_t channel;
	double differ;
	struct screen_region *regions; /* owned */
	size_t n_regions;
};

/* A step on its way. */
struct os_step_run {
	const struct os_step *step; /* borrowed */
	struct os_pattern *pattern, *other; /* owned */
	unsigned phase;
	void *data; /* the kind's own */
	int64_t started_ms;
};

void os_step_done(struct os *o);
void os_step_fail(struct os *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The engine did not do what it was asked for. One that has ended fails no step: its end tells what became of that. */
void os_step_refused(struct os *o, const char *error);
/* The system was heard: it has booted. */
void os_step_heard(struct os *o);
/* Bytes to a serial port, as the guest takes them. */
void os_send(struct os *o, unsigned serial, const char *data, size_t len);
struct os_text *os_step_text(struct os *o); /* of the step's serial port */

/* Reads a pattern, or says what is wrong with it and where. */
int os_read_pattern(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	void *field); /* char * */

/* step.c: every kind there is */
extern const struct os_step_kind *const os_step_kinds[];
extern const size_t os_n_step_kinds;

/* step_console.c */
extern const struct os_step_kind os_step_expect, os_step_send, os_step_login, os_step_shell;
/* step_machine.c */
extern const struct os_step_kind os_step_qmp, os_step_power, os_step_ends;
/* step_screen.c */
extern const struct os_step_kind os_step_key, os_step_type, os_step_screenshot, os_step_screen;
/* A picture of the screen into the run's folder, and among the artifacts. */
void os_keep_screen(
	struct os *o, const char *name, const char *suffix, const void *png, size_t len);

/* step_ssh.c */
extern const struct os_step_kind os_step_ssh, os_step_copy_in, os_step_copy_out;
/* The port of this machine that leads to the guest's, in what the engine tells of its network; 0: none. */
uint16_t os_forwarded(const char *text, uint16_t guest_port);
void os_host_key_shown(struct os *o); /* a step may have waited for it */
/* Tells the system to power off, over the session that a step has opened. */
void os_farewell(struct os *o);
void os_ssh_stop(struct os *o); /* behind os_steps_drop() */

#endif
