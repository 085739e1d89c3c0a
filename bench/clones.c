/* SPDX-License-Identifier: MIT */
/*
 * What a clone saves: the same command in a guest that is a clone of a template and in one that boots, side by
 * side. Usage: clones VMRIG RUNS JSON-FILE. The templates are made before the first figure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/measure.h"
#include "bench/stages.h"

struct one {
	double first_ms, wall_ms; /* to the first byte on stdout, to the end */
	double boot_ms; /* engine's start to the agent's first word, as the record says */
	double private_mib; /* of the engine, when the first byte came */
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* What PID's first child has of its own. Clean pages are the template's, in the host's page cache. */
static double private_mib(pid_t pid)
{
	char path[80], line[256];
	long child = 0, kib, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%ld", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", child);
	f = child ? fopen(path, "re") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Dirty: %ld", &kib) == 1)
			sum += kib;
	if (f)
		fclose(f);
	return (double)sum / 1024;
}

static pid_t start(const char *const *argv, int out[2], int err[2])
{
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execv(argv[0], (char *const *)(unsigned long)argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	return pid;
}

static double boot_ms(int fd, struct stages *stages)
{
	char text[65536];
	size_t len = 0;
	const char *p;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (stages)
		stages_add(stages, text);
	p = strstr(text, "\"boot_ms\":");
	return p ? strtod(p + strlen("\"boot_ms\":"), NULL) : -1;
}

/* STAGES, which may be NULL, takes where its time went. WEIGH: its memory at its first output, which takes time. */
static struct one run_one(const char *const *argv, struct stages *stages, bool weigh)
{
	struct one s = { 0 };
	double began = now_ms();
	int out[2], err[2], status;
	pid_t pid = start(argv, out, err);
	char byte;

	if (read(out[0], &byte, 1) < 0)
		die(argv[0]);
	s.first_ms = now_ms() - began;
	if (weigh)
		s.private_mib = private_mib(pid);
	while (read(out[0], &byte, 1) > 0)
		;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		die("vmrig run failed");
	s.wall_ms = now_ms() - began;
	s.boot_ms = boot_ms(err[0], stages);
	close(out[0]);
	close(err[0]);
	return s;
}

/* GOAL is as it is printed: "goal <= 150". */
static bool missed(const char *goal, double v)
{
	double bound;

	if (sscanf(goal, "goal <= %lf", &bound) == 1)
		return v > bound;
	return sscanf(goal, "goal >= %lf", &bound) == 1 && v < bound;
}

static void add_stages(json_t *all, const char *key, const struct stages *stages)
{
	json_t *o = json_object();

	stages_print(stages, o);
	json_object_set_new(all, key, o);
}

static void add(json_t *all, const char *key, const char *name, const double *v, size_t n,
	const char *unit, const char *goal)
{
	struct spread s = spread_of(v, n);
	json_t *o = spread_json(s);

	printf("  %-44s %9.2f   %9.2f .. %-9.2f %-6s %s\n", name, s.median, s.min, s.max, unit,
		goal);
	json_object_set_new(o, "unit", json_string(unit));
	if (*goal)
		json_object_set_new(o, "goal", json_string(goal));
	json_object_set_new(all, key, o);
}

/* FIELDS of the samples as columns: clone, boot, boot / clone. */
static void columns(json_t *all, const char *accel, const char *what, const char *name,
	const double *clone, const double *boot, size_t n, const char *goal)
{
	double ratio[RUNS_MAX];
	char key[80], title[80];

	for (size_t i = 0; i < n; i++)
		ratio[i] = boot[i] / clone[i];
	snprintf(key, sizeof(key), "%s_%s_clone", accel, what);
	snprintf(title, sizeof(title), "%s, %s: clone", accel, name);
	add(all, key, title, clone, n, "ms", goal);
	snprintf(key, sizeof(key), "%s_%s_boot", accel, what);
	add(all, key, "  boot", boot, n, "ms", "");
	snprintf(key, sizeof(key), "%s_%s_ratio", accel, what);
	add(all, key, "  boot / clone", ratio, n, "times", "");
}

static void bench_accel(
	json_t *all, const char *vmrig, const char *accel, size_t n, const char *goal)
{
#define ARGV(how, ...)                                                                         \
	{                                                                                      \
		vmrig, "run", "--json", "--isolate", how, "--accel", accel, "--", __VA_ARGS__, \
			NULL                                                                   \
	}
	const char *const clone[] = ARGV("clone", "echo", "x"), *const boot[] =
									ARGV("boot", "echo", "x");
	const char *const silent[] = ARGV("clone", "true");
	char key[80], name[80];
	double first[2][RUNS_MAX], wall[2][RUNS_MAX], up[2][RUNS_MAX], mib[RUNS_MAX],
		true_ms[RUNS_MAX];
	static struct stages stages;

	stages = (struct stages){ 0 };
	run_one(clone, NULL, false);
	run_one(clone, NULL, false);
	for (size_t i = 0; i < n; i++) {
		struct one c = run_one(clone, NULL, true), b = run_one(boot, NULL, false);

		true_ms[i] = run_one(silent, &stages, false).wall_ms;
		first[0][i] = c.first_ms, first[1][i] = b.first_ms;
		wall[0][i] = c.wall_ms, wall[1][i] = b.wall_ms;
		up[0][i] = c.boot_ms, up[1][i] = b.boot_ms;
		mib[i] = c.private_mib;
	}
	columns(all, accel, "answer", "agent's first word", up[0], up[1], n, "");
	columns(all, accel, "first", "first output", first[0], first[1], n, "");
	columns(all, accel, "wall", "vmrig run -- echo x", wall[0], wall[1], n, "");
	snprintf(key, sizeof(key), "%s_true", accel);
	snprintf(name, sizeof(name), "%s, vmrig run -- true: clone", accel);
	add(all, key, name, true_ms, n, "ms", goal);
	if (missed(goal, spread_of(true_ms, n).median)) {
		snprintf(key, sizeof(key), "%s_true_stages", accel);
		add_stages(all, key, &stages);
	}
	snprintf(key, sizeof(key), "%s_private", accel);
	add(all, key, "  the clone's engine: memory of its own", mib, n, "MiB", "goal <= 24");
}

/* ---- whole suites: cold, clones each in an engine of its own, copies of one that waits ---- */

struct mode {
	const char *key, *name;
	int tests;
	const char *args[3]; /* of vmrig test */
};
static const struct mode modes[] = {
	{ "pool", "copies of a waiting guest", 200, { "--isolate", "clone" } },
	{ "clone", "clones", 40, { "--isolate", "clone", "--no-pool" } },
	{ "boot", "boots", 8, { "--isolate", "boot" } },
};
#define MODES (sizeof(modes) / sizeof(*modes))

struct suite_run {
	double rate; /* tests a second, all told */
	double cpu_ms; /* a test, vmrig's and its engines' together */
	struct stages stages; /* of the same tests */
	double answer_ms,
		first_ms; /* medians of its tests: engine asked for to agent's answer, to first output */
};

static double children_cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* The file of a test's stdout is made when its guest is asked for, and written to when the first output comes. */
static double first_output_ms(const char *out, int test)
{
	char path[160];
	struct statx st;

	snprintf(path, sizeof(path), "%s/cases/t%d/stdout", out, test);
	if (statx(AT_FDCWD, path, 0, STATX_BTIME | STATX_MTIME, &st) < 0)
		die(path);
	return (double)(st.stx_mtime.tv_sec - st.stx_btime.tv_sec) * 1e3 +
	       ((double)st.stx_mtime.tv_nsec - (double)st.stx_btime.tv_nsec) / 1e6;
}

/* The first few wait for the template, and are what one that waits is made from. */
static void read_results(const char *out, const struct mode *m, struct suite_run *ret)
{
	double answer[RUNS_MAX], first[RUNS_MAX];
	char path[160], line[65536];
	size_t n = 0, from = (size_t)m->tests / 4;
	FILE *f;

	snprintf(path, sizeof(path), "%s/results.jsonl", out);
	f = fopen(path, "re");
	if (!f)
		die(path);
	for (int i = 0; i < m->tests && fgets(line, sizeof(line), f); i++) {
		const char *p = strstr(line, "\"boot_ms\":");

		if (!p || (size_t)i < from)
			continue;
		answer[n++] = strtod(p + strlen("\"boot_ms\":"), NULL);
		stages_add(&ret->stages, line);
	}
	fclose(f);
	ret->answer_ms = spread_of(answer, n).median;
	for (n = from; n < (size_t)m->tests; n++)
		first[n - from] = first_output_ms(out, (int)n);
	ret->first_ms = spread_of(first, n - from).median;
}

static struct suite_run run_suite(
	const char *vmrig, const char *dir, const struct mode *m, size_t i)
{
	char out[80], file[80];
	const char *const argv[] = { vmrig, "test", "-j", "2", "-o", out, m->args[0], m->args[1],
		file, m->args[2], NULL };
	double cpu = children_cpu_ms();
	struct suite_run r = { 0 };
	struct sample s;
	FILE *f;

	snprintf(out, sizeof(out), "%s/%s%zu", dir, m->key, i);
	snprintf(file, sizeof(file), "%s/%s.yaml", dir, m->key);
	f = fopen(file, "we");
	if (!f)
		die(file);
	fprintf(f, "tests:\n");
	for (int t = 0; t < m->tests; t++)
		fprintf(f, "- {name: t%d, run: [echo, x]}\n", t);
	fclose(f);
	s = measure(argv);
	if (!WIFEXITED(s.status) || WEXITSTATUS(s.status))
		die("vmrig test failed");
	r.rate = m->tests * 1e3 / s.wall_ms;
	r.cpu_ms = (children_cpu_ms() - cpu) / m->tests;
	read_results(out, m, &r);
	return r;
}

static void add_mode(json_t *all, const struct mode *m, const struct suite_run *r, size_t n)
{
	const bool pool = strcmp(m->key, "pool") == 0;
	const struct {
		const char *what, *name, *unit, *goal;
		size_t at;
	} rows[] = {
		{ "rate", "tests a second, -j 2", "1/s", "goal >= 25",
			offsetof(struct suite_run, rate) },
		{ "cpu", "  CPU time a test", "ms", "goal <= 80",
			offsetof(struct suite_run, cpu_ms) },
		{ "answer", "  to the agent's answer", "ms", "goal <= 15",
			offsetof(struct suite_run, answer_ms) },
		{ "first", "  to the first output", "ms", "goal <= 60",
			offsetof(struct suite_run, first_ms) },
	};

	bool any = false;

	for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
		double v[RUNS_MAX];
		char key[80], title[80];

		for (size_t i = 0; i < n; i++)
			memcpy(&v[i], (const char *)&r[i] + rows[k].at, sizeof(v[i]));
		snprintf(key, sizeof(key), "%s_%s", m->key, rows[k].what);
		snprintf(title, sizeof(title), "%s%s%s", k ? "" : m->name, k ? "" : ": ",
			rows[k].name);
		add(all, key, title, v, n, rows[k].unit, pool ? rows[k].goal : "");
		any |= pool && missed(rows[k].goal, spread_of(v, n).median);
	}
	if (any)
		add_stages(all, "pool_stages", &r[n - 1].stages);
}

/* Isolated tests of a command that does next to nothing. */
static void bench_suite(json_t *all, const char *vmrig, size_t n)
{
	static struct suite_run r[MODES][RUNS_MAX];
	char dir[] = "/tmp/vmrig-bench-XXXXXX";
	double ratio[RUNS_MAX];

	if (!mkdtemp(dir))
		die("mkdtemp");
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < MODES; k++)
			r[k][i] = run_suite(vmrig, dir, &modes[k], i);
		ratio[i] = r[0][i].rate / r[2][i].rate;
	}
	for (size_t k = 0; k < MODES; k++)
		add_mode(all, &modes[k], r[k], n);
	add(all, "pool_ratio", "copies / boots", ratio, n, "times", "");
	measure((const char *const[]){ "rm", "-rf", dir, NULL });
}

int main(int argc, char **argv)
{
	json_t *all = json_object();
	size_t n;

	setlinebuf(stdout);
	if (argc != 4)
		return 2;
	n = (size_t)strtoul(argv[2], NULL, 10);
	if (n < 1 || n > RUNS_MAX)
		return 2;
	printf("  %-44s %9s   %9s .. %-9s\n", "", "median", "min", "max");
	bench_accel(all, argv[1], "tcg", n, "goal <= 150");
	bench_accel(all, argv[1], "nested", n, "goal <= 200");
	bench_suite(all, argv[1], n > 3 ? 3 : n);
	json_object_set_new(all, "runs", json_integer((json_int_t)n));
	if (json_dump_file(all, argv[3], JSON_INDENT(2)) < 0)
		die(argv[3]);
	json_decref(all);
	return 0;
}
