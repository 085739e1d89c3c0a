/* SPDX-License-Identifier: MIT */
/* Private to src/doctor. */
#ifndef DOCTOR_PRIVATE_H
#define DOCTOR_PRIVATE_H

#include <stdint.h>

#include "base/buf.h"
#include "doctor/doctor.h"

typedef void (*doctor_check)(const struct doctor *d, struct finding *f);

struct check {
	const char *name, *group, *matters;
	doctor_check examine;
};

/* Each file's checks, ended by one without a name. */
extern const struct check doctor_accel_checks[], doctor_kvm_checks[], doctor_engine_checks[],
	doctor_host_checks[];

/* What a check says. WEAK and BAD say of which kind it is. */
void say_good(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_note(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_weak(struct finding *f, enum doctor_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void say_bad(struct finding *f, enum doctor_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void say_repair(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The text of a file below the root, without the newline at its end; false: it cannot be read. */
bool doctor_read(const struct doctor *d, const char *path, struct buf *ret);
bool doctor_exists(const struct doctor *d, const char *path);

/* Whether a word stands in the flags line of /proc/cpuinfo. */
bool doctor_cpu_flag(const struct doctor *d, const char *flag);

/* "docker", "podman", … ; NULL: not in a container. */
const char *doctor_container(const struct doctor *d);

/* The module that this CPU's KVM is in: "kvm_intel", "kvm_amd"; NULL: built in, or no virtualization. */
const char *doctor_kvm_module(const struct doctor *d);

/* Who is judged: the caller owns the string. */
char *doctor_user(const struct doctor *d);

/* How a user stands to a device node. */
struct node_rights {
	bool exists, device;
	char *group; /* owned; NULL: a number alone */
	unsigned int mode, gid;
	bool group_may; /* the mode lets the group read and write */
	bool allowed; /* the user of doctor_user() may, by the mode, in a new session */
	bool open; /* this process opened it */
	int open_errno;
};
void doctor_node_rights(const struct doctor *d, const char *path, struct node_rights *ret);

#define KVM_UDEV_RULE_PATH "/etc/udev/rules.d/99-vmrig-kvm.rules"
/* Steps that change a machine: each is told to SAY, and done with APPLY. */
struct steps {
	const char *root; /* borrowed: where the machine's files are; NULL: "/" */
	bool apply;
	void (*say)(void *arg, const char *step);
	void *arg;
	int n; /* told so far */
};
#define STEP_MS 60000 /* what a program may take */

bool steps_here(const struct steps *x); /* the machine is this one */
char *steps_path(const struct steps *x, const char *path); /* below its root; the caller owns it */
void steps_tell(struct steps *x, const char *step);
int steps_run(struct steps *x, const struct strv *words, int64_t timeout_ms, struct err *e);
/* The same with the words one by one, NULL behind the last. */
int steps_command(struct steps *x, struct err *e, const char *word, ...) __attribute__((sentinel));
/* Writes TEXT to PATH, unless it is there; 1: it was (or would be) written. */
int steps_write(struct steps *x, const char *path, const char *text, struct err *e);
/* The udev rule of /dev/kvm; where udev does not run, the node itself. */
int steps_own_node(struct steps *x, struct err *e);

#define KVM_NODE_MODE "0660"

#endif
