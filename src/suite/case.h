/* SPDX-License-Identifier: MIT */
/*
 * Private to src/suite: one case on its way: its guest is started, what it prints is kept, and in the
 * end the facts become a record.
 */
#ifndef SUITE_CASE_H
#define SUITE_CASE_H

#include "suite/capture.h"
#include "suite/rig.h"
#include "suite/suite.h"

/* What all cases of a run share; borrowed. */
struct case_context {
	struct loop *loop;
	const struct suite *s;
	const struct run_options *o;
	struct rig *rig;
	const char *run_path; /* the run's folder, absolute */
	const char *run_shown; /* as a person would type it */
	unsigned *keeps; /* how many guests may still be saved */
};

struct case_run;

struct case_events {
	void (*running)(void *arg, struct case_run *c); /* the test's command runs */
	/* Called once, last: collect the record by case_finish(), but not from here. */
	void (*over)(void *arg, struct case_run *c);
	/* A file of the case cannot be written. */
	void (*disk)(void *arg, struct case_run *c, const struct err *why);
	void *arg;
};

/* What a record says of a case that never ran. The caller fills verdict and reason. */
void case_describe(const struct case_context *x, const struct plan_case *c, struct record *rec);

#define SNAPSHOT_DIR "snapshot" /* in the case's folder */

/* Where a case runs. */
struct case_guest {
	struct guest_plan *plan; /* borrowed */
	const struct os_plan *
		os_plan; /* borrowed: in the place of `plan`, of a machine whose system is its own */
	struct job
		*copy_of; /* borrowed: one that is parked; NULL: a clone is one of the template */
	struct rig_saved *
		saved; /* borrowed: of `os_plan`, what it goes on from or makes; NULL: it is powered on */
	const char *isolate_why; /* borrowed: it is powered on though a clone was wanted; NULL */
	struct job *job; /* one that was kept, whose owner the case becomes; NULL: one of its own */
	bool keep; /* for others */
};

/* Starts C in a guest. DIR is relative to the run's folder. -EIO and the like when DIR's files cannot be
 * made; a guest that cannot be started is no error here but an infra record (RET is then NULL and REC
 * filled). */
int case_start(const struct case_context *x, const struct plan_case *c, size_t index,
	const char *dir, const struct case_events *ev, const struct case_guest *guest,
	struct case_run **ret, struct record *rec, struct err *e);
void case_cancel(struct case_run *c);
size_t case_index(const struct case_run *c);
/* After `over`: why its guest was no clone though one was wanted, or what was wrong with a template; NULL. */
enum guest_isolate case_isolated(const struct case_run *c); /* what it was */
const char *case_isolate_why(const struct case_run *c);
bool case_not_kept(const struct case_run *c); /* its guest was not saved, for there are enough */
const char *case_snapshot_why(const struct case_run *c); /* why it could not be; NULL */
/* Whether it was stopped before its end came: then there is nothing to record. */
bool case_cancelled(const struct case_run *c);
/* After `over`: the record. An error means that a file of the case is not whole: then there is no record. */
int case_finish(struct case_run *c, struct record *rec, struct err *e);
/* After case_finish(): the guest, where it was kept; the caller's own from now on. Else NULL. */
struct job *case_take_guest(struct case_run *c);
void case_free(struct case_run *c);

#endif
