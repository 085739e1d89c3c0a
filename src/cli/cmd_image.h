/* SPDX-License-Identifier: MIT */
/* The subcommands of `vmrig image`. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef CLI_CMD_IMAGE_H
#define CLI_CMD_IMAGE_H

int cmd_image_fetch(int argc, char **argv);
int cmd_image_info(int argc, char **argv);
int cmd_image_list(int argc, char **argv);
int cmd_image_remove(int argc, char **argv);
int cmd_image_seed(int argc, char **argv);
int cmd_image_verify(int argc, char **argv);

#endif
