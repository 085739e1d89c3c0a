/* SPDX-License-Identifier: MIT */
/*
 * The one place where facts become a verdict. It starts from "no verdict" and every branch names its
 * proof; the console can only make a verdict worse (except where a crash is expected: then the crash must
 * be proven, by the kernel's own log or by the death of the machine).
 */
#ifndef SUITE_VERDICT_H
#define SUITE_VERDICT_H

#include "guest/guest.h"
#include "os/os.h"
#include "results/results.h"

enum expect { EXPECT_PASS, EXPECT_FAIL, EXPECT_CRASH, EXPECT_TIMEOUT };
const char *expect_name(enum expect x);
int expect_parse(const char *name, enum expect *ret); /* -EINVAL */

struct verdict_input {
	const struct job_report *report;
	size_t command; /* which of the report's exits is the test; earlier ones are setup */
	enum protocol protocol;
	const struct tap *tap; /* ended; NULL when the protocol has none */
	enum expect expect;
	enum splat_kind fail_on; /* the mildest kernel complaint that makes a crash (design: STALL);
					   SPLAT_NONE is not allowed */
};

/* Fills RET's verdict, ok, expected, reason, limit, exit, splats (not decoded), subtests, problems. */
void verdict_decide(const struct verdict_input *in, struct record *ret);

/* The same for a machine whose system is its own. */
struct verdict_system_input {
	const struct os_report *report;
	const struct os_grammar *grammar;
	const struct os_exit_port *exit_port;
	const struct tap *tap; /* of the serial port, ended; NULL: no report was awaited */
	enum expect expect;
	enum splat_kind fail_on; /* of a Linux that speaks on the console */
};
void verdict_decide_system(const struct verdict_system_input *in, struct record *ret);

/* Whether it will fail, told at MOMENT, before the guest's end: at MOMENT_FAILED a command is over. */
bool verdict_is_failing(const struct verdict_input *in, enum guest_moment moment);

/* What `vmrig run` exits with: the command's own code, 128+n, or 122 to 125 (docs/verdicts.md). A command
 * that could not be executed gives 127 (not found) or 126, as a shell does. */
int verdict_exit_code(const struct verdict_input *in, const struct record *r);

#define EXIT_CRASH   122
#define EXIT_LOST    123
#define EXIT_TIMEOUT 124
#define EXIT_INFRA   125

#endif
