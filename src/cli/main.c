/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/dispatch.h"
#include "cli/options.h"

static int cmd_complete(int argc, char **argv);
static int cmd_man(int argc, char **argv);

static const struct cli_entry entries[] = {
	{ "run", cmd_run, "boot a kernel, run a command in it, exit as it does" },
	{ "test", cmd_test, "run a suite (vmrig.yaml), each test in a fresh kernel" },
	{ "shell", cmd_shell, "a shell in a guest, or in the guest of a test that failed" },
	{ "list", cmd_list, "show what 'test' would run" },
	{ "console", cmd_console, "show the guests that run; be on the serial console of one" },
	{ "qmp", cmd_qmp, "send QMP commands, keys and screenshots to a guest that runs" },
	{ "image", cmd_image, "fetch and inspect disk images, write seeds for cloud-init" },
	{ "kernel", cmd_kernel, "build, fetch, list and clean kernels" },
	{ "doctor", cmd_doctor, "examine this machine, and say what to repair" },
	{ "ci", cmd_ci, "write pipelines for CI platforms; set up runners" },
	{ "cleanup", cmd_cleanup, "remove templates of guests from the cache" },
	{ "completions", cmd_completions, "print the completion for bash, zsh or fish" },
	{ "complete", cmd_complete, NULL },
	{ "man", cmd_man, NULL },
};

static const struct cli_menu menu = { "",
	"Tests kernels and operating systems in virtual machines.", entries, ARRAY_SIZE(entries) };

/* complete -- WORD ...: what the last of them may become. */
static int cmd_complete(int argc, char **argv)
{
	if (argc < 3 || !streq(argv[1], "--"))
		return EXIT_USAGE;
	cli_purpose = CLI_COMPLETE;
	return cli_dispatch(&menu, argc - 1, argv + 1);
}

/* man [COMMAND ...]: its manual page. */
static int cmd_man(int argc, char **argv)
{
	cli_purpose = CLI_MANUAL;
	return cli_dispatch(&menu, argc, argv);
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
	if (argc > 1 && streq(argv[1], "--version")) {
		printf("vmrig %s\n", VMRIG_VERSION);
		return 0;
	}
	return cli_dispatch(&menu, argc, argv);
}
