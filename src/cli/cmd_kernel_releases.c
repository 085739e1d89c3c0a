/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "source/source.h"

struct releases_args {
	bool json;
	struct source_options source;
};

static int set_releases(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct releases_args *a = arg;

	if (streq(o->name, "json"))
		a->json = true;
	else if (streq(o->name, "offline"))
		a->source.offline = true;
	else
		a->source.refresh = true;
	return 0;
}

static const struct cli_option releases_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array" },
	{ "offline", 0, NULL, NULL, "by the lists that were fetched before" },
	{ "refresh", 0, NULL, NULL, "fetch the lists anew, however fresh they are" },
	{ 0 },
};

static const struct cli_command releases_command = {
	.name = "kernel releases",
	.synopsis = "[options] [SPEC ...]",
	.summary =
		"Says which releases of kernel.org each SPEC stands for, the oldest first: 6.12 (the highest patch), stable,\n"
		"longterm, mainline, 6.1..6.12. Without a SPEC it prints kernel.org's list.",
	.options = releases_options,
	.epilog = "VMRIG_KERNEL_MIRROR names a mirror; see docs/kernels.md.",
	.set = set_releases,
};

static void print_json(json_t *all)
{
	_cleanup_free_ char *text = json_dumps(all, JSON_INDENT(2));

	printf("%s\n", text);
}

static int print_list(const struct releases_args *a, char **ret_note, struct err *e)
{
	_cleanup_json_ json_t *all = json_array();
	struct source_listed *list = NULL;
	size_t n = 0;
	int r = source_list(&a->source, &list, &n, ret_note, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(all, json_pack("{s:s, s:s, s:b}", "version", list[i].version,
						   "kind", list[i].kind, "eol", (int)list[i].eol));
		if (!a->json)
			printf("%-12s%s%s\n", list[i].version, list[i].kind,
				list[i].eol ? ", no more maintained" : "");
	}
	if (a->json)
		print_json(all);
	source_list_free(list, n);
	return 0;
}

/* What is no release stands for itself in a suite, and for nothing here. */
static int expand(const char *spec, const struct releases_args *a, struct strv *ret, struct err *e)
{
	_cleanup_free_ char *note = NULL;
	int r;

	if (!source_is_release(spec)) {
		err_set(e, -EINVAL, "'%s' names no release", spec);
		return err_hint(e,
			"Releases are 6.12.57, 6.13-rc4, 6.12, stable, longterm, mainline, "
			"6.1..6.12.");
	}
	r = source_expand(spec, &a->source, ret, &note, e);
	if (note)
		fprintf(stderr, "vmrig: %s\n", note);
	return r;
}

static int print_releases(int n, char **specs, const struct releases_args *a, struct err *e)
{
	_cleanup_strv_ struct strv exact = STRV_INIT;
	_cleanup_json_ json_t *all = NULL;
	int r = 0;

	for (int i = 0; i < n && r == 0; i++)
		r = expand(specs[i], a, &exact, e);
	if (r < 0)
		return r;
	all = json_strv(&exact);
	if (a->json)
		print_json(all);
	for (size_t i = 0; i < exact.n && !a->json; i++)
		printf("%s\n", exact.v[i]);
	return 0;
}

int cmd_kernel_releases(int argc, char **argv)
{
	struct releases_args a = { 0 };
	_cleanup_free_ char *note = NULL;
	struct err e = ERR_INIT;
	int first, r = cli_parse(&releases_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	r = first == argc ? print_list(&a, &note, &e)
			  : print_releases(argc - first, argv + first, &a, &e);
	if (note)
		fprintf(stderr, "vmrig: %s\n", note);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return r == -EINVAL ? EXIT_USAGE : EXIT_RIG;
	}
	return 0;
}
