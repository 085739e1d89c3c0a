/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/alloc.h"
#include "base/text.h"
#include "suite/suite.h"

static const char *const names[] = {
	[SUITE_ISOLATE_AUTO] = "auto",
	[SUITE_ISOLATE_CLONE] = "clone",
	[SUITE_ISOLATE_BOOT] = "boot",
	[SUITE_ISOLATE_SHARED] = "shared",
};

const char *suite_isolate_name(enum suite_isolate i)
{
	return names[i];
}

int suite_isolate_parse(const char *name, enum suite_isolate *ret)
{
	for (size_t i = SUITE_ISOLATE_CLONE; i < ARRAY_SIZE(names); i++) {
		if (!streq(name, names[i]))
			continue;
		*ret = (enum suite_isolate)i;
		return 0;
	}
	return -EINVAL;
}

enum suite_isolate suite_isolate_of(const struct run_options *o, const struct suite_test *t)
{
	enum suite_isolate i = o->isolate != SUITE_ISOLATE_AUTO ? o->isolate : t->isolate;

	return i == SUITE_ISOLATE_AUTO ? SUITE_ISOLATE_CLONE : i;
}
