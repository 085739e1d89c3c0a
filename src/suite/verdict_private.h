/* SPDX-License-Identifier: MIT */
/* What verdict.c and verdict_system.c share: together they are the place that judges. */
#ifndef SUITE_VERDICT_PRIVATE_H
#define SUITE_VERDICT_PRIVATE_H

#include "suite/verdict.h"

/* Replaces verdict and reason. */
void verdict_set(struct record *ret, enum verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Keeps a complaint of the kernel, once. */
void verdict_add_splat(struct record *ret, const struct splat *s);
/* By a report that has ended; its cases are added to RET. */
void verdict_by_tap(const struct tap *tap, struct record *ret);
/* Whether the verdict is what was expected. OWN_LIMIT: the limit that ran out is one of the test's. */
void verdict_expect(enum expect expect, bool own_limit, struct record *ret);

#endif
