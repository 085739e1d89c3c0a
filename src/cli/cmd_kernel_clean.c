/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "kernel/cache.h"
#include "source/source.h"

struct clean_args {
	struct cache_clean clean;
	struct source_clean sources; /* older_ms -1: not asked */
	int64_t freed;
};

static const struct cli_command command;

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct clean_args *a = arg;

	if (streq(o->name, "keep"))
		return cli_number(&command, where, value, 0, 1000000, &a->clean.keep);
	if (streq(o->name, "older"))
		return cli_duration(&command, where, value, &a->clean.older_ms);
	if (streq(o->name, "sources"))
		return cli_duration(&command, where, value, &a->sources.older_ms);
	if (streq(o->name, "corrupt"))
		a->clean.corrupt = true;
	else
		a->clean.dry_run = a->sources.dry_run = true;
	return 0;
}

static const struct cli_option options[] = {
	{ "keep", 0, "N", NULL, "remove all but the N made last; corrupt ones never count" },
	{ "older", 0, "TIME", NULL, "remove those made longer ago than that, as 30d" },
	{ "corrupt", 0, NULL, NULL, "remove those that are damaged" },
	{ "sources", 0, "TIME", NULL,
		"remove source trees that were not used for so long; 0 is all that nobody uses" },
	{ "dry-run", 'n', NULL, NULL, "only say what would be removed" },
	{ 0 },
};

static const struct cli_command command = {
	.name = "kernel clean",
	.synopsis = "[options] [KEY ...]",
	.summary =
		"Removes kernels from the cache, and what nothing needs any more: folders of builds that were given up,\n"
		"what guests of a kernel that is gone booted from, locks of nothing. What is in use stays.",
	.options = options,
	.set = set_option,
};

static void told(void *arg, const char *what, const char *why, bool gone, int64_t bytes)
{
	struct clean_args *a = arg;

	if (gone)
		a->freed += bytes;
	printf("%s %s: %s\n",
		!gone              ? "kept"
		: a->clean.dry_run ? "would remove"
				   : "removed",
		what, why);
}

int cmd_kernel_clean(int argc, char **argv)
{
	struct clean_args a = { .clean = { .keep = -1, .older_ms = -1, .told = told },
		.sources = { .older_ms = -1, .told = told } };
	_cleanup_strv_ struct strv keys = STRV_INIT;
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	for (int i = first; i < argc; i++)
		strv_add(&keys, argv[i]);
	if (!keys.n && a.clean.keep < 0 && a.clean.older_ms < 0 && !a.clean.corrupt &&
		a.sources.older_ms < 0)
		return cli_usage_error(&command,
			"say what to remove: --keep, --older, --corrupt, --sources or keys");
	a.clean.keys = &keys;
	a.clean.arg = a.sources.arg = &a;
	r = cache_clean(&a.clean, &e);
	if (r == 0 && a.sources.older_ms >= 0)
		r = source_clean(&a.sources, &e);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	printf("%lld MiB %s\n", (long long)(a.freed >> 20),
		a.clean.dry_run ? "would be freed" : "freed");
	return 0;
}
