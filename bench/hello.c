/* SPDX-License-Identifier: MIT */
/*
 * What clones save of a suite as people write them: the example suite in clones and in guests that boot, side by side,
 * with the same verdicts. Usage: hello VMRIG SUITE RUNS JSON-FILE. The templates are made before the first figure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/measure.h"

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Each case's verdict by its id; owned by the caller. */
static json_t *verdicts(const char *dir)
{
	json_t *all = json_object(), *record;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/results.jsonl", dir);
	f = fopen(path, "re");
	if (!f)
		die(path);
	while ((record = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
		const char *id = json_string_value(json_object_get(record, "id"));

		if (id)
			json_object_set(all, id, json_object_get(record, "verdict"));
		json_decref(record);
	}
	fclose(f);
	return all;
}

/* Runs the suite with its guests made as HOW says, results to DIR. Its wall time in seconds. */
static double run(const char *vmrig, const char *suite, const char *how, const char *dir)
{
	const char *const argv[] = { vmrig, "test", "-j", "2", "--isolate", how, "-o", dir, suite,
		NULL };
	struct sample s = measure(argv);

	if (!WIFEXITED(s.status) || WEXITSTATUS(s.status)) {
		fprintf(stderr, "bench: vmrig test %s --isolate %s failed (wait status %d)\n",
			suite, how, s.status);
		exit(1);
	}
	return s.wall_ms / 1e3;
}

static void add(
	json_t *all, const char *key, const char *name, const double *v, size_t n, const char *unit)
{
	struct spread s = spread_of(v, n);
	json_t *o = spread_json(s);

	printf("  %-44s %9.2f   %9.2f .. %-9.2f %s\n", name, s.median, s.min, s.max, unit);
	json_object_set_new(o, "unit", json_string(unit));
	json_object_set_new(all, key, o);
}

int main(int argc, char **argv)
{
	static const char *const how[] = { "clone", "boot" };
	double wall[2][RUNS_MAX], ratio[RUNS_MAX];
	char top[] = "/tmp/vmrig-bench-XXXXXX", dir[64];
	json_t *all = json_object(), *first = NULL;
	size_t n;

	setlinebuf(stdout);
	if (argc != 5)
		return 2;
	n = (size_t)strtoul(argv[3], NULL, 10);
	if (n < 1 || n > RUNS_MAX)
		return 2;
	if (!mkdtemp(top))
		die("mkdtemp");
	snprintf(dir, sizeof(dir), "%s/warm", top);
	run(argv[1], argv[2], "clone", dir);
	for (size_t i = 0; i < 2 * n; i++) {
		json_t *found;

		snprintf(dir, sizeof(dir), "%s/%s%zu", top, how[i % 2], i / 2);
		wall[i % 2][i / 2] = run(argv[1], argv[2], how[i % 2], dir);
		found = verdicts(dir);
		if (!first)
			first = json_incref(found);
		if (!json_object_size(found) || !json_equal(first, found)) {
			fprintf(stderr, "bench: other verdicts in %s\n", dir);
			return 1;
		}
		json_decref(found);
	}
	for (size_t i = 0; i < n; i++)
		ratio[i] = wall[1][i] / wall[0][i];
	printf("  %zu cases of %s, the same verdicts in %zu runs\n", json_object_size(first),
		argv[2], 2 * n);
	add(all, "hello_clone", "the example suite, -j 2: clone", wall[0], n, "s");
	add(all, "hello_boot", "  boot", wall[1], n, "s");
	add(all, "hello_ratio", "  boot / clone", ratio, n, "times");
	json_decref(first);
	measure((const char *const[]){ "rm", "-rf", top, NULL });
	if (json_dump_file(all, argv[4], JSON_INDENT(2)) < 0)
		die(argv[4]);
	json_decref(all);
	return 0;
}
