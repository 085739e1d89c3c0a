/* SPDX-License-Identifier: MIT */
/* Private to src/suite: the environment of a test, and the command line that runs a case again. */
#ifndef SUITE_CASE_ENV_H
#define SUITE_CASE_ENV_H

#include "suite/suite.h"

/* The whole environment: nothing of ours reaches the guest, so a test runs the same from any shell. */
/* That of no test, for template.setup. */
void case_environment_of_template(const struct suite *s, struct strv *ret);
void case_environment(const struct suite *s, const struct plan_case *c, struct strv *ret);

/* Quoted for a shell; the caller owns it. */
char *case_rerun(const struct run_options *o, const char *id);

#endif
