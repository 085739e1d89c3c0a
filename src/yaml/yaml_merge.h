/* SPDX-License-Identifier: MIT */
/* What is checked and done when a mapping of a YAML document is complete. */
#ifndef YAML_MERGE_H
#define YAML_MERGE_H

#include "yaml/yaml.h"

/* Every key of MAP must be a scalar and stand there once; "<<: *other" (or a list of them) is replaced
 * by those of the other's pairs whose keys MAP lacks. */
int yaml_merge(struct yaml *y, struct yaml_node *map, struct err *e);

#endif
