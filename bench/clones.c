/* SPDX-License-Identifier: MIT */
/*
 * What a clone saves: the same command in a guest that is a clone of a template and in one that boots, side by
 * side. Usage: clones VMRIG RUNS JSON-FILE. The templates are made before the first figure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/measure.h"

#define TESTS 20 /* of the suite whose tests are counted by the second */

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

static double boot_ms(int fd)
{
	char text[65536];
	size_t len = 0;
	const char *p;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	p = strstr(text, "\"boot_ms\":");
	return p ? strtod(p + strlen("\"boot_ms\":"), NULL) : -1;
}

static struct one run_one(const char *const *argv, bool look)
{
	struct one s = { 0 };
	double began = now_ms();
	int out[2], err[2], status;
	pid_t pid = start(argv, out, err);
	char byte;

	if (read(out[0], &byte, 1) != 1)
		die(argv[0]);
	s.first_ms = now_ms() - began;
	if (look)
		s.private_mib = private_mib(pid);
	while (read(out[0], &byte, 1) > 0)
		;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		die("vmrig run failed");
	s.wall_ms = now_ms() - began;
	s.boot_ms = boot_ms(err[0]);
	close(out[0]);
	close(err[0]);
	return s;
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
#define ARGV(how)                                                                              \
	{                                                                                      \
		vmrig, "run", "--json", "--isolate", how, "--accel", accel, "--", "echo", "x", \
			NULL                                                                   \
	}
	const char *const clone[] = ARGV("clone"), *const boot[] = ARGV("boot");
	char key[80];
	double first[2][RUNS_MAX], wall[2][RUNS_MAX], up[2][RUNS_MAX], mib[RUNS_MAX];

	run_one(clone, false);
	run_one(clone, false);
	for (size_t i = 0; i < n; i++) {
		struct one c = run_one(clone, true), b = run_one(boot, false);

		first[0][i] = c.first_ms, first[1][i] = b.first_ms;
		wall[0][i] = c.wall_ms, wall[1][i] = b.wall_ms;
		up[0][i] = c.boot_ms, up[1][i] = b.boot_ms;
		mib[i] = c.private_mib;
	}
	columns(all, accel, "answer", "agent's first word", up[0], up[1], n, "");
	columns(all, accel, "first", "first output", first[0], first[1], n, "");
	columns(all, accel, "wall", "vmrig run -- echo x", wall[0], wall[1], n, goal);
	snprintf(key, sizeof(key), "%s_private", accel);
	add(all, key, "  the clone's engine: memory of its own", mib, n, "MiB", "goal <= 24");
}

/* Isolated tests a second, of `true`. */
static void bench_suite(json_t *all, const char *vmrig, size_t n)
{
	static const char *const how[] = { "clone", "boot" };
	double rate[2][RUNS_MAX], ratio[RUNS_MAX];
	char dir[] = "/tmp/vmrig-bench-XXXXXX", file[64];
	FILE *f;

	if (!mkdtemp(dir))
		die("mkdtemp");
	snprintf(file, sizeof(file), "%s/vmrig.yaml", dir);
	f = fopen(file, "we");
	if (!f)
		die(file);
	fprintf(f, "tests:\n");
	for (int i = 0; i < TESTS; i++)
		fprintf(f, "- {name: t%d, run: ['true']}\n", i);
	fclose(f);
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < 2; k++) {
			char out[80];
			const char *const argv[] = { vmrig, "test", "-j", "2", "--isolate", how[k],
				"-o", out, file, NULL };
			struct sample s;

			snprintf(out, sizeof(out), "%s/%s%zu", dir, how[k], i);
			s = measure(argv);
			if (!WIFEXITED(s.status) || WEXITSTATUS(s.status))
				die("vmrig test failed");
			rate[k][i] = TESTS * 1e3 / s.wall_ms;
		}
		ratio[i] = rate[0][i] / rate[1][i];
	}
	add(all, "tests_clone", "isolated tests of `true`, -j 2: clone", rate[0], n, "1/s",
		"goal >= 25");
	add(all, "tests_boot", "  boot", rate[1], n, "1/s", "");
	add(all, "tests_ratio", "  clone / boot", ratio, n, "times", "");
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
