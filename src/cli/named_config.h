/* SPDX-License-Identifier: MIT */
/* A configuration that a person names: by a .config file, a tree, or a kernel. */
#ifndef CLI_NAMED_CONFIG_H
#define CLI_NAMED_CONFIG_H

#include "base/err.h"
#include "kconfig/kconfig.h"

struct named_config {
	char *label; /* owned: what it is called in messages */
	struct kconfig *config; /* owned */
	char *srctree; /* owned: the sources that it is of; NULL: not known */
	const char *arch; /* static: what it configures for */
};

/* NAME: a .config file, a folder with one, or a kernel as kernel_resolve() takes it; NULL: the default kernel. */
int named_config_get(const char *name, struct named_config *ret, struct err *e);
void named_config_release(struct named_config *c);
#define _cleanup_named_config_ __attribute__((cleanup(named_config_release)))

#endif
