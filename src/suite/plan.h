/* SPDX-License-Identifier: MIT */
/* Private to src/suite: facts of a planned case. */
#ifndef SUITE_PLAN_H
#define SUITE_PLAN_H

#include "suite/suite.h"

#define DEFAULT_CPUS       1
#define DEFAULT_MEMORY_MIB 512

uint32_t plan_case_cpus(
	const struct plan_case *c); /* what the machine has, or what the test needs */
uint32_t plan_case_memory_mib(const struct plan_case *c);

/* Whether NAME, as a test's `machines` says it, means M. */
bool plan_is_machine(const struct suite_machine *m, const char *name);
/* Whether T is meant for M, and can run there. */
bool plan_fits(const struct suite_test *t, const struct suite_machine *m);

/* Drops from P what SEL does not choose. A filter or tag that matches nothing is -ENOENT. */
int plan_select(struct plan *p, const struct selection *sel, struct err *e);

#endif
