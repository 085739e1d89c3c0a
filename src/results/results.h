/* SPDX-License-Identifier: MIT */
/*
 * Results: the record of a case, one JSON object a line in results.jsonl; readers of what tests print
 * (TAP, KTAP, kselftest); and the writers, which make every report from the records alone.
 */
#ifndef RESULTS_RESULTS_H
#define RESULTS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

enum verdict {
	VERDICT_NONE, /* no proof yet; in a finished record it counts as lost */
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_SKIP,
	VERDICT_XFAIL, /* failed, as expected */
	VERDICT_XPASS, /* passed, though a failure was expected: not ok */
	VERDICT_CRASH,
	VERDICT_LOST,
	VERDICT_TIMEOUT,
	VERDICT_INFRA,
};
const char *verdict_name(enum verdict v); /* "pass", …, "none" */
enum verdict verdict_parse(const char *name); /* VERDICT_NONE when unknown */

/* ---- what a test printed ---- */

enum protocol { PROTOCOL_EXIT, PROTOCOL_TAP, PROTOCOL_KTAP, PROTOCOL_KSELFTEST, PROTOCOL_AUTOMAKE };
const char *protocol_name(enum protocol p);
int protocol_parse(const char *name, enum protocol *ret); /* -EINVAL */

struct subtest {
	char *name; /* owned: path of nested tests joined by '/': "suite/case"; "#3" where unnamed; made
			   unique by " (2)" when a name comes twice */
	enum verdict verdict; /* pass, fail, skip, xfail, xpass; none: planned and never seen */
	char *reason; /* owned: the directive's text or the nearest diagnostics; NULL: none */
	uint32_t line; /* of the output, from 1; 0: never seen */
	int64_t duration_ms; /* -1: not told */
};

/*
 * Reads TAP 12 to 14 and KTAP 1: nested by indentation (2 or 4 blanks) or by kselftest's "# "
 * prefixes, directives SKIP, TODO, XFAIL, TIMEOUT and ERROR, plan first or last, "Bail out!", CRLF,
 * "[   1.23] " time stamps. What does not belong is passed over; what contradicts (a plan that is
 * not met, a number that comes twice, an outcome of a parent better than its children's, output that
 * ends inside a nested test or in the middle of a result's line, no plan) is a problem, and a problem is
 * never a pass. Linear; bounded: after TAP_MAX_CASES cases the rest is counted and is a problem.
 *
 * Where formats leave it open: numbers may come in any order, once each. A nested test may lack a plan
 * (KUnit's parameters), because its parent's result ends it; the document may not. "ok # XFAIL" is
 * xfail, as kselftest prints it, "ok # TODO" is xpass. "1..0" needs "# SKIP". Documents in a row
 * (run_kselftest.sh prints one for each collection) are each checked and read as one list.
 */
#define TAP_MAX_CASES 100000
struct tap;
struct tap *tap_new(void);
void tap_free(struct tap *t);
void tap_feed(struct tap *t, const char *data, size_t len);
void tap_end(struct tap *t); /* the output is complete; once, before reading */
bool tap_seen(const struct tap *t); /* any version line, plan or result at all */
/* Leaves of the tree, planned ones that never came included. */
size_t tap_count(const struct tap *t);
const struct subtest *tap_at(const struct tap *t, size_t i);
const struct strv *tap_problems(const struct tap *t); /* each a sentence with its line number */
/* All: pass (at least one passed, none worse), fail, or skip (nothing but skips, or "1..0 # SKIP");
 * fail when there is a problem or nothing was seen. An expected failure counts as passed. */
enum verdict tap_verdict(const struct tap *t);

/* ---- the record ---- */

#define RECORD_SCHEMA 1

struct record_splat {
	char *kind, *title, *signature; /* owned */
	char *text; /* owned; decoded where symbols were to be had */
};

/* How far a guest had come after how long. */
struct record_step {
	char *name; /* owned */
	int64_t us;
};

/* Strings are owned; NULL where there is nothing to say. Durations in ms, -1: not known. */
struct record {
	char *id; /* unique in a run: "TEST" or "TEST@KERNEL@MACHINE" where there are several */
	char *test, *kernel, *machine;
	char *suite; /* the suite's name */
	enum verdict verdict;
	bool ok; /* whether this is what the suite wanted: pass, skip, xfail, or the expected crash
			   or timeout */
	char *expected; /* "pass", "fail", "crash", "timeout" */
	char *reason; /* one line: why this verdict */
	char *limit; /* for timeouts: "boot", "test", "idle", "heartbeat", "total" */
	bool has_exit;
	int exit_code; /* of the command; -1 when it died by a signal */
	int signal; /* 0: none */
	struct record_splat *splats;
	size_t n_splats;
	struct subtest *subtests;
	size_t n_subtests;
	struct strv problems; /* of the protocol */
	char *started; /* RFC 3339 */
	int64_t duration_ms, boot_ms, test_ms;
	struct record_step *steps; /* owned: in order */
	size_t n_steps;
	char *release; /* of the kernel that ran, as it said itself */
	char *engine, *accel, *accel_why, *machine_type;
	char *isolate; /* "clone", "boot", "shared" */
	char *isolate_why; /* why it was no clone though one was wanted, or what was wrong with a template */
	bool deterministic; /* a clone that began like all others of its template */
	char *ended_by; /* of a machine whose system is its own: what ended it, "acpi", "quit", …; NULL: itself */
	int64_t cpus, memory_mib, attempt;
	int64_t engine_cpu_ms, engine_maxrss_kib; /* of the engine's process; -1: not known */
	char *dir; /* of its files, relative to the run's folder: "cases/NAME" */
	struct strv artifacts; /* paths relative to `dir` */
	int64_t stdout_bytes, stderr_bytes;
	bool output_truncated;
	int64_t leftover; /* processes that the test left running */
	char *tail; /* last lines of stdout and stderr as they came, cleaned */
	char *console_tail; /* slice of the console that belongs to it, cleaned */
	char *rerun; /* the command line that runs it again */
	char *resume; /* the command line that resumes its guest, where that was saved; NULL */
	struct strv tags;
};

#define RECORD_INIT                                                                       \
	{                                                                                 \
		.verdict = VERDICT_NONE, .duration_ms = -1, .boot_ms = -1, .test_ms = -1, \
		.engine_cpu_ms = -1, .engine_maxrss_kib = -1, .attempt = 1                \
	}
void record_release(struct record *r);
void record_add_step(struct record *r, const char *name, int64_t us);
void record_write(struct buf *b, const struct record *r); /* one line of JSON with its newline */
/* Unknown fields are passed over; a newer schema is -EPROTONOSUPPORT. LINE is for the message. */
int record_read(const char *json, size_t len, const char *what, int line, struct record *ret,
	struct err *e);

/*
 * A run's file of records. Each append is one write(2) and an fsync; a torn last line (a run that was
 * killed, a full disk) is dropped when reading and cut off before appending again.
 */
struct records {
	struct record *v; /* owned */
	size_t n, cap;
};
void records_release(struct records *r);
int records_load(const char *path, struct records *ret, struct err *e);
int records_open(const char *path, int *ret_fd, struct err *e); /* made, or opened to append */
/* A write that was torn is taken back, so that what was recorded before stays whole; the error names the
 * file and says how the run goes on. */
int records_append(int fd, const struct record *r, struct err *e);

struct counts {
	size_t total, ok, pass, fail, skip, xfail, xpass, crash, lost, timeout, infra;
};
void records_count(const struct records *r, struct counts *ret);

/* ---- reports: each from the records alone ---- */

struct report_info {
	const char *suite; /* borrowed */
	const char *dir; /* the run's folder, as a person would type it */
	bool complete; /* false: the run was stopped; reports say so */
	size_t planned; /* cases that should have run */
	int64_t duration_ms;
};
void report_tap(struct buf *b, const struct records *r, const struct report_info *i); /* TAP 14 */
/* JUnit XML as CI systems read it; tests/data/junit.xsd is the schema it is checked against. A case with
 * subtests is a testsuite of its own. Control bytes that XML forbids become U+FFFD, invalid UTF-8 is shown
 * as \xNN; texts are capped, of long ones the end is kept. */
void report_junit(struct buf *b, const struct records *r, const struct report_info *i);
/* Workflow commands ("::error title=…::…") for what is not ok, at most 10 errors, then a count. */
void report_github_annotations(struct buf *b, const struct records *r, const struct report_info *i);
/* Markdown for $GITHUB_STEP_SUMMARY: totals, a table, details folded; below 1 MiB. */
void report_github_summary(struct buf *b, const struct records *r, const struct report_info *i);
/* A page in the run's folder, with the screens that were kept; it links to the files of cases there and to nothing
 * else. */
void report_html(struct buf *b, const struct records *r, const struct report_info *i);
/* What a person reads at the end: each case that is not ok with its last lines, its console slice and
 * the command that runs it again, then the totals and where the files lie. COLOR: ANSI. */
void report_text(struct buf *b, const struct records *r, const struct report_info *i, bool color);

#endif
