/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: what cases need and share: kernels (resolved once for each spec and architecture) and guest plans
 * (prepared once for each kernel, machine, number of CPUs and set of writable folders). A failure
 * is kept, and is the answer to every case that needs the same.
 */
#ifndef SUITE_RIG_H
#define SUITE_RIG_H

#include "suite/suite.h"

struct rig;

/* S and ARCH stay borrowed. ACCEL other than AUTO replaces the machines' own, as does ARCH unless NULL. */
struct rig *rig_new(const struct suite *s, enum machine_accel accel, const char *arch);
void rig_set_savable(struct rig *g); /* its guests can be saved while they run */
void rig_set_without_kvm(struct rig *g); /* its nested guests boot kernels that have no KVM, too */
void rig_free(struct rig *g);

/* The case's kernel; NULL when it cannot be had, and RET_WHY (borrowed) says why. */
const struct kernel *rig_kernel(struct rig *g, const struct plan_case *c, const char **ret_why);

/* Why the case is to be skipped, told without booting (the caller owns it), or NULL. A kernel whose
 * configuration cannot be had is not held to lack anything: the test itself will tell. */
char *rig_skip_reason(struct rig *g, const struct plan_case *c);

/* The guest plan of the case (borrowed); NULL when it cannot be made. */
struct guest_plan *rig_plan(struct rig *g, const struct plan_case *c, const char **ret_why);
/* Calls FN once for each guest plan that was made. */
void rig_each_plan(struct rig *g, void (*fn)(void *arg, const struct guest_plan *p), void *arg);

/* The same for a case on a machine whose system is its own. */
const struct os_plan *rig_os_plan(struct rig *g, const struct plan_case *c, const char **ret_why);
/* What the cases of one such plan share: the machine that the first of them prepares. Belongs to the rig. */
struct rig_saved {
	bool making; /* a case is about it */
	struct os_saved *saved; /* owned; NULL: there is none */
	char *why_not; /* owned: it cannot be saved; NULL */
	enum verdict failed; /* it could not be prepared; NONE: that is not known */
	char *failed_why; /* owned */
};
struct rig_saved *rig_os_saved(struct rig *g, const struct plan_case *c);
void rig_each_os_plan(struct rig *g,
	void (*fn)(void *arg, const struct suite_machine *m, const struct os_plan *p), void *arg);

/* For decoding traces of the case's kernel; NULL when the kernel cannot be had. */
struct symbols *rig_symbols(struct rig *g, const struct plan_case *c);

/* Message and hint in one; the caller owns it. */
char *rig_error_text(const struct err *e);

#endif
