/* SPDX-License-Identifier: MIT */
/* Private to src/suite: what is checked and done when a mapping of a YAML document is complete. */
#ifndef SUITE_YAML_MERGE_H
#define SUITE_YAML_MERGE_H

#include "suite/yaml.h"

/* Every key of MAP must be a scalar and stand there once; "<<: *other" (or a list of them) is replaced
 * by those of the other's pairs whose keys MAP lacks. */
int yaml_merge(struct yaml *y, struct yaml_node *map, struct err *e);

#endif
