/* SPDX-License-Identifier: MIT */
/*
 * The frequency of the host's TSC, which TCG hands to its guests. Measured against CLOCK_MONOTONIC_RAW
 * rather than taken from CPUID, which AMD and many hypervisors leave empty, or from "cpu MHz", which follows
 * the load.
 */
#include "machine/private.h"

#ifdef __x86_64__

#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/lock.h"

#define MEASURE_NS   10000000
#define LOCK_WAIT_MS 10000

struct sample {
	int64_t ns;
	uint64_t tsc;
};

/* The pair read in the shortest time of a few: the least disturbed. */
static struct sample take_sample(void)
{
	struct sample best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		struct timespec t;
		uint64_t before = __rdtsc(), after;

		clock_gettime(CLOCK_MONOTONIC_RAW, &t);
		after = __rdtsc();
		if (after - before < shortest) {
			shortest = after - before;
			best.ns = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
			best.tsc = before + shortest / 2;
		}
	}
	return best;
}

static uint32_t measure(void)
{
	const struct timespec pause = { 0, MEASURE_NS };
	struct sample a = take_sample(), b;

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	b = take_sample();
	if (b.ns <= a.ns || b.tsc <= a.tsc)
		return 0;
	return (uint32_t)((double)(b.tsc - a.tsc) * 1e6 / (double)(b.ns - a.ns) + 0.5);
}

/* Linux keeps the TSC among its clocks only while it is constant and the same on all CPUs. */
static bool trusted_by_host(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return file_read("/sys/devices/system/clocksource/clocksource0/available_clocksource", 4096,
		       &b, NULL) == 0 &&
	       strstr(buf_str(&b), "tsc");
}

/* 0: nobody has measured it since the host was booted. */
static uint32_t recall(const char *path)
{
	_cleanup_json_ json_t *j = NULL;
	json_int_t khz;

	if (json_read_file(path, &j, NULL) < 0)
		return 0;
	khz = json_integer_value(json_object_get(j, "khz"));
	return khz > 0 && khz <= UINT32_MAX ? (uint32_t)khz : 0;
}

static void note(const char *path, uint32_t khz)
{
	_cleanup_json_ json_t *j = json_pack("{s:I}", "khz", (json_int_t)khz);
	_cleanup_buf_ struct buf b = BUF_INIT;

	json_line(&b, j);
	if (khz > 0)
		file_write_atomic(path, b.data, b.len, 0600, NULL);
}

/* No two measurements are the same, and the figure is a part of the guest's command line, hence of a template's
 * key: of those who come at once one measures. */
uint32_t machine_host_tsc_khz(void)
{
	_cleanup_free_ char *cached = NULL, *lock = NULL;
	uint32_t khz;
	int fd;

	if (!trusted_by_host())
		return 0;
	cached = machine_boot_cache("tsc", NULL);
	if (!cached)
		return measure();
	khz = recall(cached);
	if (khz)
		return khz;
	lock = xasprintf("%s.lock", cached);
	fd = lock_take(lock, false, clock_ms() + LOCK_WAIT_MS, NULL);
	khz = recall(cached);
	if (!khz) {
		khz = measure();
		note(cached, khz);
	}
	fd_close(fd);
	return khz;
}

#else

uint32_t machine_host_tsc_khz(void)
{
	return 0;
}

#endif
