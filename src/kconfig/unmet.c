/* SPDX-License-Identifier: MIT */
/* Which wishes a configuration does not grant. */
#include <string.h>

#include "base/text.h"
#include "kconfig/kconfig.h"

/* "n" where the option is not there. */
static const char *value_of(const struct kconfig *k, const char *option)
{
	const char *v = kconfig_value(k, option);

	return v ? v : "n";
}

int kconfig_unmet(const struct kconfig_wishes *w, const struct kconfig *got, const char *srctree,
	const char *arch, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct kconfig_wish *each = &w->v[i];
		const char *value = value_of(got, each->option);

		if (!streq(value, each->value) && !each->if_known)
			strv_addf(ret, "CONFIG_%s=%s (%s) is %s", each->option, each->value,
				each->origin, value);
	}
	return 0;
}
