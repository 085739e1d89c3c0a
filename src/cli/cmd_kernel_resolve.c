/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/text.h"
#include "cli/build_progress.h"
#include "cli/cmd_kernel.h"
#include "cli/kernel_json.h"
#include "cli/options.h"
#include "variant/variant.h"

struct resolve_args {
	const char *arch;
	bool explain, key, json;
};

static const struct cli_command command;

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct resolve_args *a = arg;

	if (value)
		return cli_arch(&command, where, value, &a->arch);
	*(streq(o->name, "key") ? &a->key : streq(o->name, "json") ? &a->json : &a->explain) = true;
	return 0;
}

static const struct cli_option options[] = {
	{ "arch", 0, "ARCH", NULL, "x86_64 or aarch64 (the kernel's)" },
	{ "key", 0, NULL, NULL,
		"the key that fetching or building it now would give; a line each, of a family" },
	{ "explain", 0, NULL, NULL, "say each place that was tried, and what was found there" },
	{ "json", 0, NULL, NULL, "the kernel as a line of JSON" },
	{ 0 },
};

static const struct cli_command command = {
	.name = "kernel resolve",
	.synopsis = "[options] [SPEC]",
	.summary =
		"Says which kernel a name stands for: key, release and image. Builds nothing, and fetches\n"
		"nothing but with --key, which may need the source.",
	.options = options,
	.set = set_option,
};

/* For caches of others, who ask before the kernel is there. */
static int print_keys(const char *spec, const char *arch)
{
	_cleanup_strv_ struct strv keys = STRV_INIT;
	struct build_progress progress;
	struct build_how how = { 0 };
	struct err e = ERR_INIT;
	int r;

	build_progress_init(&progress, NULL);
	how.watch = &progress.watch;
	r = variant_keys(spec, arch, NULL, &how, &keys, &e);
	build_progress_clear(&progress);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		printf("%s\n", keys.v[i]);
	if (r == 0)
		return 0;
	err_print(&e);
	err_release(&e);
	return EXIT_RIG;
}

int cmd_kernel_resolve(int argc, char **argv)
{
	_cleanup_strv_ struct strv places = STRV_INIT;
	struct resolve_args a = { 0 };
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first > 1)
		return cli_usage_error(&command, "unexpected word '%s'", argv[first + 1]);
	if (a.key && first == argc)
		return cli_usage_error(&command, "--key is of a SPEC, and none is named");
	if (a.key && a.json)
		return cli_usage_error(&command, "--key and --json exclude each other");
	if (a.key)
		return print_keys(argv[first], a.arch);
	r = variant_resolve(first < argc ? argv[first] : NULL, a.arch, NULL, &places, &k, &e);
	for (size_t i = 0; a.explain && i < places.n; i++)
		fprintf(stderr, "%s\n", places.v[i]);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (a.json)
		kernel_json_print(&k);
	else
		printf("%s %s %s\n", k.key, k.release, k.image);
	kernel_release(&k);
	return 0;
}
