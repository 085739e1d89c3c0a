/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"

static const struct kernel_command commands[] = {
	{ "build", cmd_kernel_build, "build a kernel into the cache" },
	{ "check", cmd_kernel_check, "say which options a kernel lacks; prove its features" },
	{ "clean", cmd_kernel_clean, "remove kernels from the cache" },
	{ "config", cmd_kernel_config, "show and compare configurations; the built-in fragments" },
	{ "export", cmd_kernel_export, "pack a kernel to take away" },
	{ "fetch", cmd_kernel_fetch, "fetch a Debian kernel into the cache" },
	{ "list", cmd_kernel_list, "list the kernels in the cache, with their states" },
	{ "menuconfig", cmd_kernel_menuconfig, "open the kernel's menu on a variant" },
	{ "releases", cmd_kernel_releases,
		"say which releases of kernel.org 6.12, stable or 6.1..6.12 are" },
	{ "resolve", cmd_kernel_resolve, "say which kernel a name stands for" },
};

static void help(FILE *out, const char *name, const struct kernel_command *v, size_t n)
{
	fprintf(out, "Usage: vmrig %s COMMAND [options]\n\nCommands:\n", name);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-12s%s\n", v[i].name, v[i].summary);
	fprintf(out, "\n'vmrig %s COMMAND --help' tells more.\n", name);
}

static int unknown(const char *name, const struct kernel_command *v, size_t n, const char *word)
{
	_cleanup_free_ const char **names = xcalloc(n, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < n; i++)
		names[i] = v[i].name;
	near = text_nearest(word, names, n);
	fprintf(stderr, "vmrig %s: unknown command '%s'", name, word);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near);
	fprintf(stderr, "\nTry 'vmrig %s --help'.\n", name);
	return EXIT_USAGE;
}

int kernel_dispatch(
	const char *name, const struct kernel_command *v, size_t n, int argc, char **argv)
{
	if (argc < 2) {
		help(stderr, name, v, n);
		return EXIT_USAGE;
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h")) {
		help(stdout, name, v, n);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (streq(argv[1], v[i].name))
			return v[i].run(argc - 1, argv + 1);
	return unknown(name, v, n, argv[1]);
}

int cmd_kernel(int argc, char **argv)
{
	return kernel_dispatch("kernel", commands, ARRAY_SIZE(commands), argc, argv);
}
