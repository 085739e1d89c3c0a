/* SPDX-License-Identifier: MIT */
/*
 * What vmrig costs, beside what it stands on. Every figure comes from this run; ratios are made pair by
 * pair. Usage: bench VMRIG BARE BARE-STREAM BYTES RUNS JSON-FILE; bench/run prepares the two bare guests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "bench/measure.h"
#include "results/results.h"

struct pairs {
	size_t n;
	struct sample a[RUNS_MAX], b[RUNS_MAX];
};

static void run_pairs(struct pairs *p, const char *const *a, const char *const *b, size_t n)
{
	measure(a); /* warm: caches of the host and ours */
	measure(b);
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		p->a[i] = measure(a);
		p->b[i] = measure(b);
		if (!WIFEXITED(p->a[i].status) || WEXITSTATUS(p->a[i].status) != 0) {
			fprintf(stderr, "bench: %s %s failed (wait status %d)\n", a[0], a[1],
				p->a[i].status);
			exit(1);
		}
	}
}

static void print(const char *name, struct spread s, const char *unit, const char *goal)
{
	printf("  %-44s %9.2f   %9.2f .. %-9.2f %-6s %s\n", name, s.median, s.min, s.max, unit,
		goal);
}

static void add(json_t *all, const char *key, const char *name, struct spread s, const char *unit,
	const char *goal)
{
	json_t *o = spread_json(s);

	print(name, s, unit, goal);
	json_object_set_new(o, "unit", json_string(unit));
	if (*goal)
		json_object_set_new(o, "goal", json_string(goal));
	json_object_set_new(all, key, o);
}

/* `vmrig run -- true` against the bare engine that boots the same kernel, modules and root. */
static void bench_run(json_t *all, const char *vmrig, const char *bare, size_t n)
{
	const char *const a[] = { vmrig, "run", "--", "true", NULL }, *const b[] = { bare, NULL };
	double ratio[RUNS_MAX], wall_a[RUNS_MAX], wall_b[RUNS_MAX], cpu[RUNS_MAX], rss[RUNS_MAX];
	static struct pairs p;

	run_pairs(&p, a, b, n);
	for (size_t i = 0; i < n; i++) {
		ratio[i] = p.a[i].wall_ms / p.b[i].wall_ms;
		wall_a[i] = p.a[i].wall_ms;
		wall_b[i] = p.b[i].wall_ms;
		cpu[i] = p.a[i].cpu_ms;
		rss[i] = (double)p.a[i].rss_kib / 1024;
	}
	add(all, "run_ratio", "vmrig run -- true / bare QEMU", spread_of(ratio, n), "times",
		"goal <= 1.10");
	add(all, "run_wall", "  vmrig run -- true", spread_of(wall_a, n), "ms", "");
	add(all, "bare_wall", "  bare QEMU to power-off", spread_of(wall_b, n), "ms", "");
	add(all, "run_cpu", "vmrig's own CPU time", spread_of(cpu, n), "ms", "goal < 30");
	add(all, "run_rss", "vmrig's own peak memory", spread_of(rss, n), "MiB", "goal < 16");
}

/* Bytes a second through stdout, against the bare virtio port: the boot's wall time is taken off. */
static void bench_stdout(json_t *all, const char *vmrig, const char *bare, const char *bare_stream,
	double bytes, size_t n)
{
	char count[32];
	const char *const a[] = { vmrig, "run", "--", "dd", "if=/dev/zero", "bs=1M", count,
		"status=none", NULL };
	const char *const a0[] = { vmrig, "run", "--", "true", NULL };
	const char *const b[] = { bare_stream, NULL }, *const b0[] = { bare, NULL };
	double ours[RUNS_MAX], theirs[RUNS_MAX], ratio[RUNS_MAX], cpu[RUNS_MAX];
	static struct pairs full, empty;

	snprintf(count, sizeof(count), "count=%.0f", bytes / (1 << 20));
	run_pairs(&empty, a0, b0, n);
	run_pairs(&full, a, b, n);
	for (size_t i = 0; i < n; i++) {
		ours[i] = bytes / 1e3 / (full.a[i].wall_ms - empty.a[i].wall_ms);
		theirs[i] = bytes / 1e3 / (full.b[i].wall_ms - empty.b[i].wall_ms);
		ratio[i] = ours[i] / theirs[i];
		cpu[i] = full.a[i].cpu_ms - empty.a[i].cpu_ms;
	}
	add(all, "stdout_rate", "stdout, guest to host", spread_of(ours, n), "MB/s", "");
	add(all, "bare_rate", "  bare virtio port, dd", spread_of(theirs, n), "MB/s", "");
	add(all, "stdout_ratio", "  stdout / bare port", spread_of(ratio, n), "times", "");
	add(all, "stdout_cpu", "  vmrig's own CPU time for it", spread_of(cpu, n), "ms", "");
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Parsing KTAP, against counting its newlines. */
static void bench_ktap(json_t *all, size_t n)
{
	static const size_t cases = 50000, noise = 4;
	double rate[RUNS_MAX], scan[RUNS_MAX], ratio[RUNS_MAX];
	struct buf text = BUF_INIT;

	buf_addf(&text, "KTAP version 1\n1..%zu\n", cases);
	for (size_t i = 1; i <= cases; i++) {
		for (size_t k = 0; k < noise; k++)
			buf_addf(&text,
				"[%5zu.%06zu] driver: a line that the kernel printed meanwhile\n",
				i, k);
		buf_addf(&text, "ok %zu some_test_case_%zu\n", i, i);
	}
	for (size_t i = 0; i < n; i++) {
		double began = seconds();
		struct tap *t = tap_new();
		size_t lines = 0;

		tap_feed(t, text.data, text.len);
		tap_end(t);
		if (tap_verdict(t) != VERDICT_PASS) {
			fprintf(stderr, "bench: the KTAP text does not pass\n");
			exit(1);
		}
		tap_free(t);
		rate[i] = (double)text.len / 1e6 / (seconds() - began);
		began = seconds();
		for (const char *p = text.data;
			(p = memchr(p, '\n', (size_t)(text.data + text.len - p))); p++)
			lines++;
		scan[i] = (double)text.len / 1e6 / (seconds() - began);
		ratio[i] = scan[i] / rate[i];
		if (lines != 2 + cases * (noise + 1))
			exit(1);
	}
	add(all, "ktap_rate", "KTAP parsing", spread_of(rate, n), "MB/s", "");
	add(all, "newline_rate", "  counting newlines", spread_of(scan, n), "MB/s", "");
	add(all, "ktap_ratio", "  counting / parsing", spread_of(ratio, n), "times", "");
	buf_release(&text);
}

int main(int argc, char **argv)
{
	json_t *all = json_object();
	size_t n;

	setlinebuf(stdout);
	if (argc != 7) {
		fprintf(stderr, "usage: bench VMRIG BARE BARE-STREAM BYTES RUNS JSON-FILE\n");
		return 2;
	}
	n = (size_t)strtoul(argv[5], NULL, 10);
	if (n < 1 || n > RUNS_MAX)
		return 2;
	printf("  %-44s %9s   %9s .. %-9s\n", "", "median", "min", "max");
	bench_run(all, argv[1], argv[2], n);
	bench_stdout(all, argv[1], argv[2], argv[3], strtod(argv[4], NULL), n > 5 ? 5 : n);
	bench_ktap(all, n);
	json_object_set_new(all, "runs", json_integer((json_int_t)n));
	if (json_dump_file(all, argv[6], JSON_INDENT(2)) < 0) {
		fprintf(stderr, "bench: cannot write %s\n", argv[6]);
		return 1;
	}
	json_decref(all);
	return 0;
}
