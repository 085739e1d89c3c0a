/* SPDX-License-Identifier: MIT */
/* Timing of whole processes, side by side: A B A B …, so that a drift of the machine hits both alike. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RUNS_MAX 200

/* One finished process. `cpu_ms` is its own CPU time without its children's (/proc/PID/schedstat), and
 * `rss_kib` its own peak (VmHWM, read every few milliseconds while it runs). */
struct sample {
	double wall_ms, cpu_ms;
	long rss_kib;
	int status; /* as of waitpid(2) */
};

/* Runs ARGV with stdin, stdout and stderr at /dev/null. Exits with a message if it cannot be started. */
struct sample measure(const char *const *argv);

struct spread {
	double min, median, max;
};
struct spread spread_of(const double *v, size_t n);
json_t *spread_json(struct spread s);

#endif
