/* SPDX-License-Identifier: MIT */
/*
 * Proving that a kernel has a feature, and that its tests would tell if it had not: `features:` in
 * vmrig.yaml bind options of the kernel to tests of the suite. A feature is proven when its tests pass on the
 * kernel and fail on one that is the same but for these options. A test that is skipped, crashes or is lost
 * proves nothing, either way.
 */
#ifndef PROOF_PROOF_H
#define PROOF_PROOF_H

#include "base/err.h"
#include "base/strv.h"
#include "build/build.h"
#include "suite/suite.h"

struct feature {
	char *name; /* owned */
	char *description; /* owned; NULL */
	struct strv options; /* "CONFIG_X=y": what the kernel must have */
	struct strv
		without; /* "CONFIG_X=n": what takes the feature away; unless told, each of `options` */
	struct strv tests; /* of the suite; unless told, the one of the feature's name */
	struct strv variants; /* that it is meant for; empty: all */
	int line, column; /* in the file */
};

struct features {
	struct feature *v; /* owned */
	size_t n;
};

/* Those of the file PATH; none is no error. Errors have their place. */
int features_load(const char *path, struct features *ret, struct err *e);
void features_release(struct features *f);

/* -ENOENT names the nearest. */
int features_find(
	const struct features *f, const char *name, const struct feature **ret, struct err *e);

enum proof_state {
	PROOF_NONE, /* not finished */
	PROOF_PROVEN,
	PROOF_BROKEN, /* its tests do not pass where it is */
	PROOF_BLIND, /* its tests do not fail where it is not */
};
const char *proof_state_name(enum proof_state s); /* "proven", "broken", "blind", "none" */

struct proof_side {
	char *key; /* owned: of the kernel in the cache */
	char *release; /* owned */
	struct strv verdicts; /* "nftables: fail: exit code 1" */
};

struct proof {
	enum proof_state state;
	char *why; /* owned: one line */
	struct proof_side with, without;
};
void proof_release(struct proof *p);

struct proof_spec {
	const struct feature *feature; /* borrowed, like all here */
	const char *variant; /* its name, for labels and folders */
	const struct build_spec *build; /* the variant */
	const struct build_how *how;
	const char *suite; /* the file */
	const char *
		output; /* folder for both runs' results: OUTPUT/FEATURE-with, OUTPUT/FEATURE-without */
	unsigned jobs; /* guests side by side; 0: as many as CPUs */
	enum machine_accel accel; /* over the suite's when not AUTO */
};

/*
 * Builds both kernels (from the cache where it has them) and runs the tests on each. An error is one of the
 * rig: a kernel that cannot be built, options that another one forces to stay, tests that are not there. What
 * the tests said is in RET, never an error.
 */
int proof_run(const struct proof_spec *s, struct proof *ret, struct err *e);

#endif
