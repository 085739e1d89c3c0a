/* SPDX-License-Identifier: MIT */
/* Private to rig.c: plans of machines whose system is its own, prepared once for each number of CPUs, exit port and
 * number of serial ports. */
#ifndef SUITE_RIG_SYSTEM_H
#define SUITE_RIG_SYSTEM_H

#include "suite/suite.h"

struct rig_systems;
struct rig_systems *rig_systems_new(const struct suite *s, enum machine_accel accel);
void rig_systems_free(struct rig_systems *g);
/* NULL when it cannot be made, and RET_WHY (borrowed) says why. */
const struct os_plan *rig_systems_plan(
	struct rig_systems *g, const struct plan_case *c, const char **ret_why);
struct rig_saved *rig_systems_saved(
	struct rig_systems *g, const struct plan_case *c); /* stays where it is */
void rig_systems_each(struct rig_systems *g,
	void (*fn)(void *arg, const struct suite_machine *m, const struct os_plan *p), void *arg);

#endif
