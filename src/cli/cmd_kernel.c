/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "fetch", cmd_kernel_fetch, "fetch a Debian kernel into the cache" },
	{ "list", cmd_kernel_list, "list the kernels in the cache" },
};

static void help(FILE *out)
{
	fprintf(out, "Usage: vmrig kernel COMMAND [options]\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s%s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n'vmrig kernel COMMAND --help' tells more.\n");
}

static int unknown(const char *word)
{
	const char *names[ARRAY_SIZE(commands)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = text_nearest(word, names, ARRAY_SIZE(names));
	fprintf(stderr, "vmrig kernel: unknown command '%s'", word);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near);
	fprintf(stderr, "\nTry 'vmrig kernel --help'.\n");
	return EXIT_USAGE;
}

int cmd_kernel(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h")) {
		help(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
