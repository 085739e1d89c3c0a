/* SPDX-License-Identifier: MIT */
/* The subcommands of `vmrig kernel`. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef CLI_CMD_KERNEL_H
#define CLI_CMD_KERNEL_H

/* No kernel was to be had, or the rig failed. */
#define EXIT_RIG 125

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
