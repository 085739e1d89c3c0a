/* SPDX-License-Identifier: MIT */
/* Private to src/suite: the environment of a test, and the command line that runs a case again. */
#ifndef SUITE_CASE_ENV_H
#define SUITE_CASE_ENV_H

#include "guest/guest.h"
#include "suite/suite.h"

/* The whole environment: nothing of ours reaches the guest, so a test runs the same from any shell. */
void case_environment(const struct suite *s, const struct plan_case *c, struct strv *ret);

/* Of any test that runs as USER (NULL: root). */
void case_environment_base(const struct suite *s, const char *user, struct strv *ret);
/* The command that is run before a template is kept, with its environment in ENV; false: the suite has none. */
bool case_template_setup(const struct suite *s, struct strv *env, struct job_command *ret);

/* Quoted for a shell; the caller owns it. */
char *case_rerun(const struct run_options *o, const char *id);

#endif
