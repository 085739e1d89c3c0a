/* SPDX-License-Identifier: MIT */
/*
 * What a full cache of kernels costs: whole processes of vmrig, over the entries of $VMRIG_CACHE_DIR that bench/run
 * has made. Usage: kernels VMRIG KEY RELEASE RUNS JSON-FILE. The first run of each is a warm-up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench/measure.h"

static void add(json_t *all, const char *key, const char *name, const double *v, size_t n)
{
	struct spread s = spread_of(v, n);
	json_t *o = spread_json(s);

	printf("  %-44s %9.1f   %9.1f .. %-9.1f ms\n", name, s.median, s.min, s.max);
	json_object_set_new(o, "unit", json_string("ms"));
	json_object_set_new(all, key, o);
}

static struct sample run(const char *const *argv)
{
	struct sample s = measure(argv);

	if (WIFEXITED(s.status) && WEXITSTATUS(s.status) == 0)
		return s;
	fprintf(stderr, "bench: %s %s %s failed (wait status %d)\n", argv[0], argv[1], argv[2],
		s.status);
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;

	const char *const commands[][5] = {
		{ argv[1], "kernel", "list", "--json" },
		{ argv[1], "kernel", "list" },
		{ argv[1], "kernel", "resolve", argv[2] },
		{ argv[1], "kernel", "resolve", argv[3] },
	};
	static const char *const keys[][2] = {
		{ "kernel_list_json", "kernel_list_json_cpu" },
		{ "kernel_list", "kernel_list_cpu" },
		{ "kernel_resolve_key", "kernel_resolve_key_cpu" },
		{ "kernel_resolve_release", "kernel_resolve_release_cpu" },
	};
	static const char *const names[] = {
		"500 kernels: vmrig kernel list --json",
		"vmrig kernel list",
		"vmrig kernel resolve KEY",
		"vmrig kernel resolve RELEASE",
	};
	const size_t n = (size_t)strtoul(argv[4], NULL, 10);
	double wall[RUNS_MAX], cpu[RUNS_MAX];
	json_t *all = json_object();

	setlinebuf(stdout);
	if (n < 1 || n > RUNS_MAX)
		return 2;
	for (size_t c = 0; c < sizeof(commands) / sizeof(*commands); c++) {
		run(commands[c]);
		for (size_t i = 0; i < n; i++) {
			struct sample s = run(commands[c]);

			wall[i] = s.wall_ms;
			cpu[i] = s.cpu_ms;
		}
		add(all, keys[c][0], names[c], wall, n);
		add(all, keys[c][1], "  its CPU time", cpu, n);
	}
	if (json_dump_file(all, argv[5], JSON_INDENT(2)) < 0) {
		perror(argv[5]);
		return 1;
	}
	json_decref(all);
	return 0;
}
