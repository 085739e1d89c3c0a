/* SPDX-License-Identifier: MIT */
/* Private to src/suite: the folder of a run, and run.json in it. */
#ifndef SUITE_RUN_DIR_H
#define SUITE_RUN_DIR_H

#include "suite/suite.h"

#define RUN_SCHEMA 1

#define RESULTS_DIR "vmrig-results"

struct run_dir {
	char *path; /* owned: absolute */
	char *shown; /* owned: as a person would type it */
	int lock; /* owned: held while the run lasts; -1: none */
	int records; /* owned: results.jsonl; -1: none */
};

#define RUN_DIR_INIT                      \
	{                                 \
		.lock = -1, .records = -1 \
	}
void run_dir_release(struct run_dir *d);

/* Makes a folder that nobody else has: OUTPUT, which must not hold a run, or with OUTPUT NULL a new
 * vmrig-results/TIMESTAMP-PID with a link `latest` beside it. */
int run_dir_make(const char *output, struct run_dir *ret, struct err *e);
/* "TIME-PID", as such a folder is called. The caller owns it. */
char *run_dir_stamp(void);
/* The folder of an earlier run. -ETIMEDOUT when that run goes on still. */
int run_dir_open(const char *dir, struct run_dir *ret, struct err *e);

/* run.json: what was asked for, so that a run can go on, and in the end how it went. */
struct run_info {
	char *suite_path; /* owned */
	char *suite_arg; /* owned: as typed; NULL: found */
	char *suite_name; /* owned */
	char *started; /* owned */
	char *ended; /* owned; NULL: not yet */
	bool complete;
	int exit_code;
	struct strv filters, tags, kernels; /* the selection */
	char *accel, *arch; /* owned; NULL: not told */
	struct strv plan; /* ids */
};
void run_info_release(struct run_info *i);
int run_info_write(const struct run_dir *d, const struct run_info *i, struct err *e);
int run_info_read(const char *dir, struct run_info *ret, struct err *e);

/* A file name for each case, all different, in the order of the plan. */
void run_dir_case_names(const struct plan *p, struct strv *ret);

#endif
