/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "export/private.h"

#define SCHEMA 1

static const char *kind_name(enum image_kind kind)
{
	switch (kind) {
	case IMAGE_BZIMAGE:
		return "bzImage";
	case IMAGE_ELF:
		return "vmlinux";
	case IMAGE_ARM64:
		return "Image";
	case IMAGE_UNKNOWN:
		break;
	}
	return "unknown";
}

/* The path of a part where it is packed. */
static void set_part(
	json_t *m, const char *key, const char *name, const struct kernel *k, const struct pack *p)
{
	_cleanup_free_ char *path = xasprintf("boot/%s-%s", name, k->release);

	if (pack_find(p, path))
		json_object_set_new(m, key, json_text(path, strlen(path)));
}

/* CONFIG_CC_VERSION_TEXT and its like: what the kernel itself says of its compiler. */
static void set_config_text(
	json_t *m, const char *key, const struct kconfig *config, const char *option)
{
	const char *value = kconfig_value(config, option);
	size_t len = value ? strlen(value) : 0;

	if (len > 2 && value[0] == '"' && value[len - 1] == '"')
		json_object_set_new(m, key, json_text(value + 1, len - 2));
}

/* "symbols: none" becomes "symbols": "none". */
static json_t *missing_object(const struct strv *missing)
{
	json_t *m = json_object();

	for (size_t i = 0; i < missing->n; i++) {
		const char *colon = strstr(missing->v[i], ": ");
		_cleanup_free_ char *part = xstrndup(missing->v[i],
			colon ? (size_t)(colon - missing->v[i]) : strlen(missing->v[i]));

		json_object_set_new(m, part, json_string(colon ? colon + 2 : ""));
	}
	return m;
}

/* Neither a path nor a time of this machine may stand in it: the same kernel, the same bytes. */
void export_describe(
	const struct kernel *k, const struct pack *p, const struct strv *missing, struct buf *ret)
{
	_cleanup_json_ json_t *m = json_object(), *made = kernel_provenance(k);
	_cleanup_free_ char *text = NULL, *modules = xasprintf("lib/modules/%s", k->release);
	struct kconfig *config = NULL;

	json_object_set_new(m, "schema", json_integer(SCHEMA));
	json_object_set_new(m, "release", json_text(k->release, strlen(k->release)));
	json_object_set_new(m, "arch", json_text(k->arch, strlen(k->arch)));
	set_part(m, "image", "vmlinuz", k, p);
	json_object_set_new(m, "image_kind", json_string(kind_name(k->kind)));
	set_part(m, "vmlinux", "vmlinux", k, p);
	json_object_set_new(m, "symbols", json_boolean(k->vmlinux != NULL));
	set_part(m, "config", "config", k, p);
	set_part(m, "system_map", "System.map", k, p);
	if (k->modules_dir)
		json_object_set_new(m, "modules", json_text(modules, strlen(modules)));
	json_object_set_new(m, "missing", missing_object(missing));
	if (kernel_config(k, &config, NULL) == 0) {
		set_config_text(m, "compiler", config, "CC_VERSION_TEXT");
		kconfig_free(config);
	}
	json_object_set(m, "made", made);
	text = json_dumps(m, JSON_INDENT(2));
	buf_addf(ret, "%s\n", text);
}
