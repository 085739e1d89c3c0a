/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "kernel/kernel.h"

struct fetch_args {
	bool force;
	const char *arch; /* static; NULL: this machine's */
};

static const struct cli_command fetch_command;

static int set_fetch(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct fetch_args *a = arg;

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

static int fetch_one(const char *name, const struct fetch_args *a)
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

int cmd_kernel_fetch(int argc, char **argv)
{
	struct fetch_args a = { 0 };
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
