/* SPDX-License-Identifier: MIT */
/* Where the time of guests went, from what their records say (steps_us). */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include <stddef.h>

#include "bench/measure.h"

#define STAGES_MAX 16

struct stages {
	struct stage {
		char name[24];
		double at_ms[RUNS_MAX]; /* in each run; -1: not in that one */
	} v[STAGES_MAX];
	size_t n, runs;
};

/* Takes the steps of the record LINE, a line of JSON, as those of one more run; LINE may have other text before it. */
void stages_add(struct stages *s, const char *line);
/* A row for each stage: how long it took since the one before. */
void stages_print(const struct stages *s, json_t *ret);

#endif
