/* SPDX-License-Identifier: MIT */
/*
 * Kernel configurations.
 */
#ifndef KCONFIG_KCONFIG_H
#define KCONFIG_KCONFIG_H

#include "base/buf.h"
#include "base/err.h"

struct kconfig;
/* Reads a .config ("CONFIG_X=y", "# CONFIG_X is not set"). */
int kconfig_load(const char *path, struct kconfig **ret, struct err *e);
int kconfig_parse(const struct buf *text, struct kconfig **ret, struct err *e);
void kconfig_free(struct kconfig *k);
/* 'y', 'm' or 'n' (also for one that does not stand there); OPTION with or without "CONFIG_". */
char kconfig_tristate(const struct kconfig *k, const char *option);
/* The value as written ("y", "0x200000", "\"text\""), borrowed; NULL when not set. */
const char *kconfig_value(const struct kconfig *k, const char *option);

#endif
