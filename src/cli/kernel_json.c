/* SPDX-License-Identifier: MIT */
#include "cli/kernel_json.h"

#include <jansson.h>
#include <stdio.h>

#include "base/json.h"

void kernel_json_print(const struct kernel *k)
{
	_cleanup_json_ json_t *o =
		json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "label",
			k->label, "key", k->key, "release", k->release, "arch", k->arch, "image",
			k->image, "modules", k->modules_dir, "config", k->config, "vmlinux",
			k->vmlinux, "system_map", k->system_map, "origin", k->origin);

	json_dumpf(o, stdout, JSON_COMPACT);
	printf("\n");
}
