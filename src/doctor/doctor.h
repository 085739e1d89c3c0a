/* SPDX-License-Identifier: MIT */
/*
 * What this machine can do for vmrig: a list of findings, each with what was found, whether that matters, and the repair.
 * Nothing is changed but by doctor_fix().
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

enum doctor_state {
	DOCTOR_GOOD,
	DOCTOR_NOTE, /* worth knowing, nothing is lost */
	DOCTOR_WEAK, /* works, but slowly or in part */
	DOCTOR_BAD, /* what depends on it cannot work here */
};

/* What is wrong with one that is weak or bad. The values are exit codes of `vmrig doctor`. */
enum doctor_kind {
	DOCTOR_FINE = 0,
	DOCTOR_ABSENT = 3, /* the machine has no such thing */
	DOCTOR_DENIED = 4, /* it is there, and may not be used */
	DOCTOR_BROKEN = 5, /* it is there, and does not work */
	DOCTOR_MISSING = 6, /* a program or a file is not installed */
};

struct finding {
	const char *name, *group; /* "kvm-device", "KVM" */
	const char *matters; /* a sentence without its end: what depends on it */
	enum doctor_state state;
	enum doctor_kind kind;
	char *found; /* owned */
	char *repair; /* owned; NULL: there is none, or none is needed */
};

const char *doctor_state_name(enum doctor_state s); /* "good", "note", "weak", "bad" */
const char *doctor_kind_name(
	enum doctor_kind k); /* "fine", "absent", "denied", "broken", "missing" */

struct doctor {
	/* Where /proc, /sys, /etc, /usr and /run are looked at; NULL: "/". Devices, programs and this process are always the
	 * machine's own. */
	const char *root; /* borrowed */
	/* For whom rights are judged; NULL: who runs this, or who called sudo. */
	const char *user; /* borrowed */
	struct finding *v; /* owned */
	size_t n;
};

#define DOCTOR_INIT  \
	{            \
		NULL \
	}

/* Examines the machine; a payload is run under /dev/kvm, which takes two seconds at most. */
void doctor_examine(struct doctor *d);
void doctor_release(struct doctor *d);

/* NULL: no check has that name. */
const struct finding *doctor_find(const struct doctor *d, const char *name);

/* The names of all checks, in their order. */
void doctor_names(struct strv *ret);

/*
 * Of those that were examined, repairs what software can: the module, the udev rule, the group. Each step is told to SAY
 * (a command or a sentence) before it is done; with APPLY false it is told alone. Returns how many steps there were, or a negative
 * errno with E: -EPERM when APPLY is asked for by anybody but root.
 */
int doctor_fix(const struct doctor *d, bool apply, void (*say)(void *arg, const char *step),
	void *arg, struct err *e);

/* The udev rule that gives /dev/kvm to the group kvm, with the mode MODE ("0660"). The caller owns the string; it ends with a
 * newline. */
char *doctor_udev_rule(const char *mode);

/* A machine that runs jobs with guests. Borrowed, all of it. */
struct doctor_runner {
	const char *root; /* where its files are, as of an image that is mounted; NULL: "/" */
	const char *user; /* who runs the jobs */
	const char *service; /* the systemd unit that starts them; NULL: none is named */
	const struct strv *packages; /* of Debian, besides those that vmrig runs */
	uint32_t hugepages_mib; /* reserved for guests; 0: none */
};

/*
 * Makes a runner of it: packages, group and user, the node of KVM, limits, hugepages. Only what is not so already is a step;
 * SAY, APPLY and what is returned are as of doctor_fix(). A step's text may have several lines: what a file will hold.
 */
int doctor_runner_set_up(const struct doctor_runner *r, bool apply,
	void (*say)(void *arg, const char *step), void *arg, struct err *e);

#endif
