/* SPDX-License-Identifier: MIT */
/* Private to src/suite: a run, from its plan to its reports. */
#ifndef SUITE_RUN_H
#define SUITE_RUN_H

#include "suite/case.h"
#include "suite/progress.h"
#include "suite/rig.h"
#include "suite/run_dir.h"
#include "suite/suite.h"

enum case_state { CASE_WAITING, CASE_RUNNING, CASE_RECORDED, CASE_STOPPED };

/* Why a run starts nothing more; of several the gravest, which is the last here. */
enum stop_reason {
	STOP_NONE,
	STOP_FAIL_FAST, /* what runs may end; the others cancel it */
	STOP_LIMIT, /* of the whole run */
	STOP_SIGNAL,
	STOP_FATAL, /* something cannot be written */
};

struct run {
	struct suite *s; /* borrowed */
	struct run_options o; /* with what an earlier run was asked for, when it goes on */
	struct selection selection; /* borrows from `info` when the run goes on */
	struct run_info info;
	struct run_dir dir;
	struct plan plan;
	struct strv names; /* of the cases' folders */
	enum case_state *state; /* owned; one a case of the plan */
	struct records records;

	struct loop *loop; /* owned */
	struct rig *rig; /* owned */
	struct progress *progress; /* owned */
	struct case_context context;
	struct case_run **running; /* owned, with the cases; NULL: a free slot */
	struct case_run **over; /* owned: those of `running` whose end came */
	size_t n_running, n_over, jobs;
	uint64_t memory_mib, memory_used_mib; /* that may be promised to guests, and is */

	struct shared_guest *shared; /* owned */
	size_t n_shared, cap_shared;

	struct pool_guest **pool; /* owned */
	size_t n_pool, cap_pool;

	enum stop_reason stop;
	int signo; /* that stopped it; 0: none */
	bool cancelled; /* the running cases were told to end */
	int64_t give_up_ms; /* when those that did not end are killed */
	struct err fatal; /* set with STOP_FATAL */
	int64_t started_ms;
	unsigned keeps; /* guests that may still be saved */
	struct strv told; /* lines that were told of the guest plans */
};

/* schedule.c: runs what waits. Everything that happened is in R afterwards. */
void schedule_run(struct run *r);
void run_stop(struct run *r, enum stop_reason why);
void run_fatal(struct run *r, const struct err *e);
/* Keeps the record (owned from now on): on disk first; when that fails the case has none. */
void run_record(struct run *r, size_t index, struct record *rec);

/* shared.c: guests for several cases, one after the other; one for each guest plan at a time */
bool shared_is_busy(
	struct run *r, size_t index); /* case INDEX has to wait for another one to end */
void shared_begin(struct run *r, size_t index, struct case_guest *guest);
void shared_end(
	struct run *r, size_t index, struct job *job); /* which was kept; NULL: it was not */
void shared_release(struct run *r);

/* pool.c: guests that clones are copied from; one for each guest plan */
void pool_case_over(struct run *r, size_t index,
	uint64_t promised_mib); /* INDEX was a clone: there may be more */
bool pool_is_making(struct run *r, size_t index); /* case INDEX has to wait for one to get ready */
struct job *pool_guest(struct run *r, size_t index); /* for case INDEX, borrowed; NULL: none */
void pool_tidy(struct run *r); /* throws away what no case waits for */
void pool_release(struct run *r);

/* prepared.c: machines with a system of their own that several cases go on from */
bool prepared_is_making(struct run *r, size_t index); /* case INDEX has to wait for one */
void prepared_begin(struct run *r, size_t index, struct case_guest *guest);
void prepared_tidy(
	struct run *r, size_t index); /* case INDEX is over: throws away what no other waits for */
/* NONE, or what all cases get whose machine could not be prepared; RET_WHY is borrowed. */
enum verdict prepared_failed(struct run *r, size_t index, const char **ret_why);

/* run_jobs.c */
unsigned host_cpus(void);
uint64_t host_memory_available_mib(void); /* UINT64_MAX: not known */

/* run_report.c: files in the run's folder and elsewhere, GitHub, and what a person reads. */
int run_report(struct run *r, struct err *e);
bool run_complete(const struct run *r);

#endif
