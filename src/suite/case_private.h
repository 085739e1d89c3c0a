/* SPDX-License-Identifier: MIT */
/* Private to case.c and case_system.c: a case on its way, in a guest of ours or on a machine whose system is its own. */
#ifndef SUITE_CASE_PRIVATE_H
#define SUITE_CASE_PRIVATE_H

#include "suite/case.h"

struct case_run {
	const struct case_context *x; /* borrowed */
	const struct plan_case *c; /* borrowed */
	size_t index;
	char *dir; /* owned: relative to the run's folder */
	char *artifacts_dir; /* owned */
	char *snapshot_dir; /* owned; NULL: its guest is not saved */
	bool tap_ended;
	bool not_kept; /* it would have been, but for the number */
	struct case_events ev;
	struct guest_plan *plan; /* borrowed */
	enum suite_isolate isolate;
	struct job *job; /* owned */
	struct job_command commands[4];
	size_t n_commands, test; /* which of them is the test */
	struct strv env, template_env;
	char *home; /* owned */
	struct capture out, err;
	struct buf tail;
	struct tap *tap; /* owned; NULL where the protocol has none */
	uint64_t console_from; /* where the test's part of the console begins */
	int64_t started_wall_ns, started_ms;
	const struct job_report *report; /* borrowed from the job */
	/* On a machine whose system is its own: */
	struct os *os; /* owned; NULL: on one of ours */
	const struct os_plan *os_plan; /* borrowed */
	struct rig_saved *saved; /* borrowed: what it goes on from, or makes; NULL: neither */
	bool saves; /* it makes that */
	const char *isolate_why; /* borrowed: it is powered on though a clone was wanted; NULL */
	const struct os_report *os_report; /* borrowed from `os` */
};

/* case.c */
int case_open_folder(
	struct case_run *c, struct err *e); /* makes it anew, with files for what the test prints */
void case_check_disk(struct case_run *c, const struct capture *f);

/* case_system.c */
int case_system_start(struct case_run *c, struct err *e);
int case_system_finish(struct case_run *c, struct record *rec, struct err *e);

#endif
