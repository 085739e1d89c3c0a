/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/kernel_json.h"
#include "cli/options.h"
#include "kernel/kernel.h"

struct fetch_args {
	bool force, json;
	const char *arch; /* static; NULL: this machine's */
	const char *sha256, *name;
	bool unchecked;
};

static const struct cli_command fetch_command;

static int set_fetch(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct fetch_args *a = arg;

	if (!value) {
		*(streq(o->name, "force")        ? &a->force
			: streq(o->name, "json") ? &a->json
						 : &a->unchecked) = true;
		return 0;
	}
	if (!streq(o->name, "arch")) {
		*(streq(o->name, "sha256") ? &a->sha256 : &a->name) = value;
		return 0;
	}
	a->arch = arch_parse(value);
	return a->arch ? 0 : cli_usage_error(&fetch_command, "%s: unknown '%s'", where, value);
}

static const struct cli_option fetch_options[] = {
	{ "arch", 0, "ARCH", NULL, "for guests of another architecture: aarch64" },
	{ "force", 'f', NULL, NULL, "ask for a newer one even when the cache holds it" },
	{ "sha256", 0, "HEX", NULL, "a URL's checksum, as its publisher tells it" },
	{ "unchecked", 0, NULL, NULL, "a URL may come without a checksum" },
	{ "name", 0, "NAME", NULL, "call it prebuilt:NAME (the name of the URL's file)" },
	{ "json", 0, NULL, NULL, "each kernel as a line of JSON" },
	{ 0 },
};

static const struct cli_command fetch_command = {
	.name = "kernel fetch",
	.synopsis = "[options] debian:SERIES[-FLAVOUR][:ARCH] ... | URL",
	.summary =
		"Fetches Debian's kernels into the cache with apt's own download (its signatures and checksums),\n"
		"without root and without installing them: debian:6.1, debian:6.1-cloud, debian:6.1-rt. Those of another\n"
		"architecture are called debian:6.1:arm64. A URL is that of an image, a .deb, or what 'vmrig kernel export'\n"
		"makes; the kernel is then called prebuilt:NAME.",
	.options = fetch_options,
	.set = set_fetch,
};

static void progress(void *arg, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static int fetch_one(const char *name, const struct fetch_args *a)
{
	const char *colon = strchr(name, ':');
	bool told = !a->arch || !colon || strchr(colon + 1, ':');
	_cleanup_free_ char *spec =
		told ? xstrdup(name) : xasprintf("%s:%s", name, arch_dpkg(a->arch));
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int r = kernel_fetch(spec, a->force, progress, NULL, &k, &e);

	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (a->json)
		kernel_json_print(&k);
	else
		printf("%s: %s (%s)\n", spec, k.release, k.origin);
	kernel_release(&k);
	return 0;
}

static int fetch_url(const char *url, const struct fetch_args *a)
{
	struct kernel_download d = { .url = url,
		.sha256 = a->sha256,
		.name = a->name,
		.unchecked = a->unchecked,
		.force = a->force };
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int r = kernel_download(&d, progress, NULL, &k, &e);

	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (a->json)
		kernel_json_print(&k);
	else
		printf("%s: %s for %s (%s)\n", k.label, k.release, k.arch, k.origin);
	kernel_release(&k);
	return 0;
}

static int check_usage(int argc, char **argv, int first, const struct fetch_args *a)
{
	bool url = false;

	for (int i = first; i < argc; i++)
		url = url || strstr(argv[i], "://");
	if (first == argc)
		return cli_usage_error(&fetch_command, "no kernel named; for example debian:6.1");
	if (url && argc - first > 1)
		return cli_usage_error(&fetch_command, "a URL stands alone");
	if (url && a->arch)
		return cli_usage_error(&fetch_command, "--arch is not for a URL");
	if (url && a->sha256 && a->unchecked)
		return cli_usage_error(
			&fetch_command, "--sha256 and --unchecked exclude each other");
	if (!url && (a->sha256 || a->name || a->unchecked))
		return cli_usage_error(
			&fetch_command, "--sha256, --name and --unchecked are for a URL");
	return 0;
}

int cmd_kernel_fetch(int argc, char **argv)
{
	struct fetch_args a = { 0 };
	int first, code = 0, r = cli_parse(&fetch_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	r = check_usage(argc, argv, first, &a);
	if (r != 0)
		return r;
	for (int i = first; i < argc; i++) {
		r = strstr(argv[i], "://") ? fetch_url(argv[i], &a) : fetch_one(argv[i], &a);
		code = code ? code : r;
	}
	return code;
}
