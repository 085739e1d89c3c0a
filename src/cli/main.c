/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "run", cmd_run, "boot a kernel, run a command in it, exit as it does" },
	{ "test", cmd_test, "run a suite (vmrig.yaml), each test in a fresh kernel" },
	{ "list", cmd_list, "show what 'test' would run" },
	{ "image", cmd_image, "fetch and inspect disk images, write seeds for cloud-init" },
	{ "kernel", cmd_kernel, "build, fetch, list and clean kernels" },
	{ "doctor", cmd_doctor, "examine this machine, and say what to repair" },
	{ "cleanup", cmd_cleanup, "remove templates of guests from the cache" },
};

static void help(FILE *out)
{
	fprintf(out, "Usage: vmrig COMMAND [options]\n\n"
		     "Tests kernels and operating systems in virtual machines.\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].summary);
	fprintf(out,
		"\n'vmrig COMMAND --help' tells more. 'vmrig --version' prints the version.\n");
}

static int unknown(const char *word)
{
	const char *names[ARRAY_SIZE(commands)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = text_nearest(word, names, ARRAY_SIZE(names));
	fprintf(stderr, "vmrig: unknown command '%s'", word);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near);
	fprintf(stderr, "\nTry 'vmrig --help'.\n");
	return EXIT_USAGE;
}

/* A caller may have closed the standard descriptors; then files that are opened must not take their
 * numbers. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_fds();
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (streq(argv[1], "--version")) {
		printf("vmrig %s\n", VMRIG_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
