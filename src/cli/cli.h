/* SPDX-License-Identifier: MIT */
/* The subcommands. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cmd_run(int argc, char **argv);
int cmd_shell(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_ci(int argc, char **argv);
int cmd_cleanup(int argc, char **argv);
int cmd_completions(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_qmp(int argc, char **argv);
int cmd_kernel(int argc, char **argv);

#endif
