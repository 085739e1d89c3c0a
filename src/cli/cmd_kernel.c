/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "kernel/kernel.h"

#define EXIT_RIG 125

struct kernel_args {
	bool force, json;
	const char *arch; /* static; NULL: this machine's */
};

/* ---- fetch ---- */

static const struct cli_command fetch_command;

static int set_fetch(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct kernel_args *a = arg;

	if (!value) {
		a->force = true;
		return 0;
	}
	a->arch = arch_parse(value);
	return a->arch ? 0 : cli_usage_error(&fetch_command, "%s: unknown '%s'", where, value);
}

static const struct cli_option fetch_options[] = {
	{ "arch", 0, "ARCH", NULL, "for guests of another architecture: aarch64" },
	{ "force", 'f', NULL, NULL, "ask for a newer one even when the cache holds it" },
	{ 0 },
};

static const struct cli_command fetch_command = {
	.name = "kernel fetch",
	.synopsis = "[options] debian:SERIES[-FLAVOUR][:ARCH] ...",
	.summary =
		"Fetches Debian's kernels into the cache with apt's own download (its signatures and checksums),\n"
		"without root and without installing them: debian:6.1, debian:6.1-cloud, debian:6.1-rt. Those of another\n"
		"architecture are called debian:6.1:arm64.",
	.options = fetch_options,
	.set = set_fetch,
};

static void progress(void *arg, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static int fetch_one(const char *name, const struct kernel_args *a)
{
	const char *colon = strchr(name, ':');
	bool told = !a->arch || !colon || strchr(colon + 1, ':');
	_cleanup_free_ char *spec =
		told ? xstrdup(name) : xasprintf("%s:%s", name, arch_dpkg(a->arch));
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int r = kernel_fetch(spec, a->force, progress, NULL, &k, &e);

	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	printf("%s: %s (%s)\n", spec, k.release, k.origin);
	kernel_release(&k);
	return 0;
}

static int fetch(int argc, char **argv)
{
	struct kernel_args a = { 0 };
	int first, code = 0, r = cli_parse(&fetch_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first == argc)
		return cli_usage_error(&fetch_command, "no kernel named; for example debian:6.1");
	for (int i = first; i < argc; i++) {
		r = fetch_one(argv[i], &a);
		code = code ? code : r;
	}
	return code;
}

/* ---- list ---- */

static int set_list(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct kernel_args *a = arg;

	a->json = true;
	return 0;
}

static const struct cli_option list_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array" },
	{ 0 },
};

static const struct cli_command list_command = {
	.name = "kernel list",
	.synopsis = "[options]",
	.summary =
		"Lists the kernels in the cache, this machine's and the newest first: the first is the default one.",
	.options = list_options,
	.set = set_list,
};

static void print_json(const struct kernel *v, size_t n)
{
	_cleanup_json_ json_t *all = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			all, json_pack("{s:s, s:s?, s:s?, s:s, s:s?}", "label", v[i].label,
				     "release", v[i].release, "arch", v[i].arch, "image",
				     v[i].image, "modules", v[i].modules_dir));
	text = json_dumps(all, JSON_INDENT(2));
	printf("%s\n", text);
}

static int list(int argc, char **argv)
{
	struct kernel_args a = { 0 };
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	struct kernel *v = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int first, r = cli_parse(&list_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&list_command, "unexpected word '%s'", argv[first]);
	r = kernel_list(&v, &n, &damaged, &e);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (a.json)
		print_json(v, n);
	for (size_t i = 0; i < n; i++) {
		if (!a.json)
			printf("%-20s %-28s %s\n", v[i].label, v[i].release, v[i].arch);
		kernel_release(&v[i]);
	}
	if (n == 0 && !a.json)
		fprintf(stderr,
			"No kernel is cached. 'vmrig kernel fetch debian:6.1' fetches one.\n");
	for (size_t i = 0; i < damaged.n; i++)
		fprintf(stderr, "vmrig: %s\n", damaged.v[i]);
	free(v);
	return 0;
}

/* ---- dispatch ---- */

static void help(FILE *out)
{
	fprintf(out, "Usage: vmrig kernel COMMAND [options]\n\nCommands:\n"
		     "  fetch     fetch a Debian kernel into the cache\n"
		     "  list      list the kernels in the cache\n");
}

int cmd_kernel(int argc, char **argv)
{
	if (argc > 1 && streq(argv[1], "fetch"))
		return fetch(argc - 1, argv + 1);
	if (argc > 1 && streq(argv[1], "list"))
		return list(argc - 1, argv + 1);
	if (argc > 1 && (streq(argv[1], "--help") || streq(argv[1], "-h"))) {
		help(stdout);
		return 0;
	}
	if (argc > 1)
		fprintf(stderr, "vmrig kernel: unknown command '%s'\n", argv[1]);
	help(stderr);
	return EXIT_USAGE;
}
