/* SPDX-License-Identifier: MIT */
/* Private to src/results: what the reports have in common. All text from records leaves through here. */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include "results/results.h"

/* Whether the record counts as ok: what it says of itself, if its verdict can be ok at all. */
bool record_is_ok(const struct record *r);

/* What its subtest counts as: failures of a case that failed as expected are expected too. */
enum verdict subtest_effective(const struct record *r, const struct subtest *s);

/* ok, but not at the first attempt. */
bool record_is_flaky(const struct record *r);

/* Cases that did not run; 0 for a run that is complete. */
size_t report_missing_cases(const struct records *r, const struct report_info *i);

/* "12 cases: 9 ok (1 skipped, 1 expected crash), 2 failed, 1 crashed in 14.2 s" */
void report_totals(struct buf *b, const struct records *r, const struct report_info *i);

/* The text cleaned, as one line of at most MAX bytes; nothing for NULL. */
void report_line(struct buf *b, const char *s, size_t max);

/* The last N lines of the text, of at most MAX bytes, cleaned, each behind INDENT and with its newline.
 * Says how many lines were left out where there were more. */
void report_block(struct buf *b, const char *s, size_t n, size_t max, const char *indent);

/* The end of the text, of at most MAX bytes, beginning at a whole line where it can. */
const char *report_end_of(const char *s, size_t max);

/* The record's reason, or words for the verdict where it has none. */
const char *record_reason(const struct record *r);

/* The verdict's name; "lost" where there is none, since the run is over. */
const char *record_verdict_name(const struct record *r);

/* The name shown for a record: its id. */
const char *record_name(const struct record *r);

#endif
