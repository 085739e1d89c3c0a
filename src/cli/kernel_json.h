/* SPDX-License-Identifier: MIT */
/* A kernel as the commands that find, fetch and build one tell it to machines. */
#ifndef CLI_KERNEL_JSON_H
#define CLI_KERNEL_JSON_H

#include "kernel/kernel.h"

/*
 * Prints K to stdout as a line of JSON: label, key, release, arch, image, modules, config, vmlinux, system_map, origin, as
 * struct kernel has them. What there is none of is null.
 */
void kernel_json_print(const struct kernel *k);

#endif
