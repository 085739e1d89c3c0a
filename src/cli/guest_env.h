/* SPDX-License-Identifier: MIT */
/* The environment of a command that runs in a guest as if it ran here. */
#ifndef CLI_GUEST_ENV_H
#define CLI_GUEST_ENV_H

#include "base/strv.h"

/* The caller's own, without what belongs to its session and does not exist in a guest. */
void guest_env(struct strv *ret);

#endif
