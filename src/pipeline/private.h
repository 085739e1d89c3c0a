/* SPDX-License-Identifier: MIT */
/* Private to src/pipeline: what a suite needs of a pipeline, before it is written for a platform. */
#ifndef PIPELINE_PRIVATE_H
#define PIPELINE_PRIVATE_H

#include <stdint.h>

#include "pipeline/pipeline.h"
#include "suite/suite.h"

struct pipeline_traits {
	const char *name, *path, *template;
	const char *image; /* "none": the runner itself */
	const char *runner; /* NULL: none is named */
	const char *kvm_runner; /* where KVM is demanded; NULL: the same */
	bool own_machines; /* vmrig can be there already */
	bool images; /* it can be told to use containers */
	bool machine; /* it can be told not to */
	bool doubles_dollars; /* the platform replaces single ones */
	bool shared_workspace; /* all jobs work in one folder */
};
const struct pipeline_traits *pipeline_traits(enum pipeline_platform p);

/* What is made once, and tested in a job of its own: a kernel of an architecture, or all machines with a system of their own. */
struct unit {
	char *name; /* owned: for people, and a part of file names: "debian-6.1", "systems" */
	char *kernel; /* owned: its name in the suite; NULL: the machines' own systems */
	char *spec; /* owned: what it is got by; NULL likewise */
	const char *arch; /* static */
	const char *how; /* static: "fetch" or "build"; NULL: no kernel */
	char *command; /* owned: makes what the machines boot, in the suite's folder; NULL: none */
	struct strv files; /* that it makes, against the suite's folder */
	struct strv args; /* of vmrig test */
	int64_t total_ms; /* the limits of its cases added up */
	bool tested;
};

struct units {
	struct unit *v; /* owned */
	size_t n, cap;
	char *name; /* owned: the suite's */
	char *dir; /* owned: the suite's folder against the repository; "." */
	bool may_kvm, needs_kvm; /* machines use KVM where it works; must have it */
	bool needs_nested; /* machines have a KVM of their own */
	bool tree; /* a kernel tree of the repository is built */
	bool bench; /* tests with the tag "bench" */
	struct strv files; /* that tests need */
};

int units_make(
	const struct pipeline_options *o, struct units *ret, struct strv *notes, struct err *e);
void units_release(struct units *u);

/* The comment that a pipeline begins with: the COMMAND that made it, and what it was made of. */
void head_write(const struct units *u, const struct strv *command, struct buf *ret);

#endif
