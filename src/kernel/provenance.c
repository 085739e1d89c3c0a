/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/kernel.h"

/* Of an entry's manifest, and of what it says of the build, what holds on every machine. */
static const char *const fields[] = { "label", "package", "package_version", "asked", "source",
	"identity", "commit", "version", "recipe", "toolchain", "base", "llvm", "cross_compile",
	"options", "patches", "unmet" };

/* A path of this machine tells others nothing. */
static bool is_path(const json_t *value)
{
	const char *s = json_string_value(value);

	return s && (s[0] == '/' || s[0] == '.');
}

static void copy_fields(const json_t *from, json_t *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		json_t *value = json_object_get(from, fields[i]);

		if (value && !is_path(value))
			json_object_set(to, fields[i], value);
	}
}

struct json_t *kernel_provenance(const struct kernel *k)
{
	_cleanup_free_ char *boot = path_dir(k->image), *entry = path_dir(boot);
	_cleanup_free_ char *path = path_join(entry, "manifest.json");
	_cleanup_json_ json_t *m = NULL;
	json_t *ret = json_object();

	/* An entry's folder is called by the key; other kernels have a key made of their files. */
	if (!k->key || !streq(path_base(entry), k->key) || json_read_file(path, &m, NULL) < 0)
		return ret;
	copy_fields(m, ret);
	copy_fields(json_object_get(m, "built"), ret);
	return ret;
}
