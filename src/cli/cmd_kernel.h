/* SPDX-License-Identifier: MIT */
/* The subcommands of `vmrig kernel`. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef CLI_CMD_KERNEL_H
#define CLI_CMD_KERNEL_H

#include <stddef.h>

/* No kernel was to be had, or the rig failed. */
#define EXIT_RIG 125

struct kernel_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/* Runs the one that argv[1] names; NAME is what they are called by: "kernel", "kernel config". */
int kernel_dispatch(
	const char *name, const struct kernel_command *v, size_t n, int argc, char **argv);

int cmd_kernel_check(int argc, char **argv);
int cmd_kernel_config(int argc, char **argv);
int cmd_kernel_build(int argc, char **argv);
int cmd_kernel_clean(int argc, char **argv);
int cmd_kernel_export(int argc, char **argv);
int cmd_kernel_fetch(int argc, char **argv);
int cmd_kernel_list(int argc, char **argv);
int cmd_kernel_menuconfig(int argc, char **argv);
int cmd_kernel_resolve(int argc, char **argv);
int cmd_kernel_releases(int argc, char **argv);

#endif
