/* SPDX-License-Identifier: MIT */
/*
 * How long a compilation may become. One of the same recipe took as many steps as this one will. Of others the
 * kernel is taken whose number of options set comes nearest, and its steps are scaled by the two numbers: what an
 * option adds differs widely, so the nearer the better, and beyond a factor nothing is said.
 */
#include "base/alloc.h"
#include "base/text.h"
#include "build/private.h"

#define FAR 4 /* so many times the options, or a part of them: no likeness */

static int64_t options_set(const struct kconfig *k)
{
	const char *option, *value;
	int64_t n = 0;

	for (size_t i = 0; kconfig_at(k, i, &option, &value); i++)
		n += value && (streq(value, "y") || streq(value, "m"));
	return n;
}

static int64_t options_of(const struct cache_entry *c)
{
	struct kconfig *k = NULL;
	int64_t n;

	if (!c->kernel.config || kconfig_load(c->kernel.config, &k, NULL) < 0)
		return 0;
	n = options_set(k);
	kconfig_free(k);
	return n;
}

/* How many times as many the larger one is, in thousandths. */
static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? 1000 * a / b : 1000 * b / a;
}

static int64_t of_others(
	const struct cache_entry *entries, size_t n, const char *arch, const struct kconfig *config)
{
	int64_t here = options_set(config), best = FAR * 1000, steps = 0;

	for (size_t i = 0; i < n && here; i++) {
		const struct cache_entry *c = &entries[i];
		int64_t there;

		if (!c->is_built || c->built.steps <= 0 || !streq(c->kernel.arch, arch))
			continue;
		there = options_of(c);
		if (there && distance(here, there) < best) {
			best = distance(here, there);
			steps = c->built.steps * here / there;
		}
	}
	return steps;
}

int64_t steps_expected(
	const char *recipe, const char *arch, const struct kconfig *config, bool *ret_estimated)
{
	struct cache_entry *entries;
	int64_t steps = 0;
	size_t n;

	*ret_estimated = false;
	if (cache_scan(&entries, &n, NULL, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n && !steps; i++)
		if (entries[i].is_built && entries[i].built.recipe &&
			streq(entries[i].built.recipe, recipe))
			steps = entries[i].built.steps;
	if (!steps) {
		steps = of_others(entries, n, arch, config);
		*ret_estimated = steps > 0;
	}
	cache_entries_free(entries, n);
	return steps;
}
