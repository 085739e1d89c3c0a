/* SPDX-License-Identifier: MIT */
/* Private to src/suite: filling a record from what is known of a case. */
#ifndef SUITE_CASE_RECORD_H
#define SUITE_CASE_RECORD_H

#include "suite/suite.h"

#define CONSOLE_SLICE_MAX 8192

/* Engine, accelerator and machine as they really were. */
void record_add_plan(struct record *rec, const struct guest_plan *plan);
void record_add_os_plan(struct record *rec, const struct os_plan *plan);
/* Times, release, artifacts and troubles of the guest. TEST is the test's place among the exits. */
void record_add_report(struct record *rec, const struct job_report *r, size_t test);
/* The same of a machine whose system is its own. */
void record_add_os_report(struct record *rec, const struct os_report *r);
/* How far its guest came after how long. BEFORE_US went by until it was asked for; 0: nothing is said of that. */
void record_add_steps(struct record *rec, const struct job_report *r, int64_t before_us);
/* Adds function, file and line to the traces. */
struct case_context;
/* How to come to its guest, or why that was not saved. */
void record_add_snapshot(struct record *rec, const struct case_context *x, const char *id,
	const struct job_report *r);
void record_decode(struct record *rec, struct symbols *symbols);

#endif
