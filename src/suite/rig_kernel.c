/* SPDX-License-Identifier: MIT */
#include "suite/rig_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "suite/rig.h"
#include "variant/variant.h"

char *rig_error_text(const struct err *e)
{
	return xasprintf("%s%s%s", err_text(e), e->hint ? ". " : "", e->hint ? e->hint : "");
}

struct rig_kernel *rig_kernel_new(const char *spec, const char *arch, const char *cwd)
{
	struct rig_kernel *k = xcalloc(1, sizeof(*k));
	struct err e = ERR_INIT;

	k->spec = xstrdup(spec);
	k->arch = arch;
	if (variant_resolve(spec, arch, cwd, NULL, &k->kernel, &e) < 0)
		k->why = rig_error_text(&e);
	err_release(&e);
	return k;
}

void rig_kernel_free(struct rig_kernel *k)
{
	if (!k->why)
		kernel_release(&k->kernel);
	kconfig_free(k->config);
	symbols_free(k->symbols);
	free(k->spec);
	free(k->why);
	free(k);
}

/* "CONFIG_X" wants y or m; "CONFIG_X=v" wants that value, with or without quotes of a string. */
static bool has_option(const struct kconfig *config, const char *wish)
{
	const char *eq = strchr(wish, '=');
	_cleanup_free_ char *name = xstrndup(wish, eq ? (size_t)(eq - wish) : strlen(wish));
	_cleanup_free_ char *quoted = NULL;
	const char *value;

	if (!eq)
		return kconfig_tristate(config, name) != 'n' || kconfig_value(config, name);
	if (streq(eq, "=n"))
		return kconfig_tristate(config, name) == 'n';
	value = kconfig_value(config, name);
	quoted = xasprintf("\"%s\"", eq + 1);
	return value && (streq(value, eq + 1) || streq(value, quoted));
}

const char *rig_kernel_lacks(struct rig_kernel *k, const struct strv *options)
{
	if (k->why)
		return NULL;
	if (!k->config_asked) {
		k->config_asked = true;
		kernel_config(&k->kernel, &k->config, NULL);
	}
	for (size_t i = 0; k->config && i < options->n; i++)
		if (!has_option(k->config, options->v[i]))
			return options->v[i];
	return NULL;
}
