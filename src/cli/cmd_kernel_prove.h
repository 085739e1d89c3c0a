/* SPDX-License-Identifier: MIT */
/* `vmrig kernel check --prove`: features proven both ways. */
#ifndef CLI_CMD_KERNEL_PROVE_H
#define CLI_CMD_KERNEL_PROVE_H

#include <stdbool.h>

#include "base/strv.h"
#include "suite/suite.h"

struct prove_args {
	struct strv features; /* names; "all" */
	struct strv variants; /* empty: those that each feature is meant for */
	const char *output; /* borrowed: folder of results; NULL: vmrig-results/proofs-TIME-PID */
	unsigned jobs;
	enum machine_accel accel;
	bool offline, json;
};

/* By the vmrig.yaml here or above. Prints a line for each proof; exit code 0: all are proven, 1: not all, 2: no such
 * feature or variant, or a fault in the file, 125: the rig failed. */
int kernel_prove(const struct prove_args *a);

#endif
