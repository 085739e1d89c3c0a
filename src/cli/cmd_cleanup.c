/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "kernel/cache.h"
#include "machine/machine.h"
#include "source/source.h"
#include "suite/suite.h"

#define DEFAULT_OLDER_MS (30ll * 24 * 3600 * 1000)

struct cleanup_args {
	struct machine_trim trim;
	bool templates, older, max_size;
	int64_t older_ms;
	size_t n;
	uint64_t bytes;
	size_t n_other;
	int64_t other_bytes; /* of sources and what kernels left */
};

enum option {
	OPT_TEMPLATES,
	OPT_OLDER,
	OPT_MAX_SIZE,
	OPT_DRY_RUN,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_TEMPLATES] = { "templates", 0, NULL, NULL,
		"templates alone: all, unless --older or --max-size say which" },
	[OPT_OLDER] = { "older", 0, "TIME", NULL, "what was not used for so long (30d)" },
	[OPT_MAX_SIZE] = { "max-size", 0, "SIZE", NULL,
		"templates that were longest unused, until no more than this is left (4G)" },
	[OPT_DRY_RUN] = { "dry-run", 'n', NULL, NULL, "say what would be removed, and leave it" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "cleanup",
	.synopsis = "[options]",
	.summary =
		"Removes from the cache what was long unused: templates of guests (and of too many those that were\n"
		"longest unused), source trees of kernels, and what builds and kernels that are gone left. Kernels stay:\n"
		"they go by 'vmrig kernel clean'. What is needed again is made again.",
	.options = options,
	.set = set_option,
};

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct cleanup_args *a = arg;
	uint32_t mib;

	switch ((enum option)(opt - options)) {
	case OPT_TEMPLATES:
		a->templates = true;
		return 0;
	case OPT_OLDER:
		a->older = true;
		return cli_duration(&command, where, value, &a->older_ms);
	case OPT_MAX_SIZE:
		if (cli_mib(&command, where, value, &mib))
			return EXIT_USAGE;
		a->max_size = true;
		a->trim.max_bytes = (uint64_t)mib << 20;
		return 0;
	case OPT_DRY_RUN:
		a->trim.dry_run = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

static void on_gone(void *arg, const char *key, uint64_t bytes, int64_t unused_ms)
{
	struct cleanup_args *a = arg;
	_cleanup_buf_ struct buf b = BUF_INIT;

	duration_format(&b, unused_ms);
	printf("%s template %.16s, %llu MiB, unused for %s\n",
		a->trim.dry_run ? "would remove" : "removed", key,
		(unsigned long long)(bytes >> 20), buf_str(&b));
	a->n++;
	a->bytes += bytes;
}

static void choose(struct cleanup_args *a)
{
	bool all = a->templates && !a->older && !a->max_size;

	if (!a->max_size)
		a->trim.max_bytes = all ? 0 : a->older ? UINT64_MAX : MACHINE_TEMPLATES_MAX;
	a->trim.older_ms = a->older ? a->older_ms : a->max_size ? 0 : DEFAULT_OLDER_MS;
	a->trim.gone = on_gone;
	a->trim.arg = a;
}

static void told(void *arg, const char *what, const char *why, bool gone, int64_t bytes)
{
	struct cleanup_args *a = arg;

	printf("%s %s: %s\n",
		!gone             ? "kept"
		: a->trim.dry_run ? "would remove"
				  : "removed",
		what, why);
	a->n_other += gone;
	a->other_bytes += bytes;
}

static int clean_others(struct cleanup_args *a, struct err *e)
{
	struct cache_clean kernels = {
		.keep = -1, .older_ms = -1, .dry_run = a->trim.dry_run, .told = told, .arg = a
	};
	struct source_clean sources = { .older_ms = a->older ? a->older_ms : DEFAULT_OLDER_MS,
		.dry_run = a->trim.dry_run,
		.told = told,
		.arg = a };
	int r = cache_clean(&kernels, e);

	return r < 0 ? r : source_clean(&sources, e);
}

int cmd_cleanup(int argc, char **argv)
{
	struct cleanup_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&command, "unexpected word '%s'", argv[first]);
	choose(&a);
	r = machine_templates_trim(&a.trim, &e);
	if (r == 0 && !a.templates && !a.max_size)
		r = clean_others(&a, &e);
	printf("%s %llu MiB in %zu template%s", a.trim.dry_run ? "would free" : "freed",
		(unsigned long long)(a.bytes >> 20), a.n, a.n == 1 ? "" : "s");
	if (a.n_other)
		printf(", and %lld MiB of sources and builds", (long long)(a.other_bytes >> 20));
	printf("\n");
	if (r < 0)
		err_print(&e);
	err_release(&e);
	return r < 0 ? EXIT_INFRA : 0;
}
