/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_kernel.h"
#include "cli/named_config.h"
#include "cli/options.h"

#define EXIT_LACKS 1

struct check_args {
	struct strv fragments, needs;
	const char *source; /* borrowed; NULL: where the kernel tells */
	bool json;
};

static int set_check(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct check_args *a = arg;

	switch (o->name[0]) {
	case 'f':
		strv_add(&a->fragments, value);
		break;
	case 'n':
		strv_add(&a->needs, value);
		break;
	case 's':
		a->source = value;
		break;
	default:
		a->json = true;
	}
	return 0;
}

static const struct cli_option check_options[] = {
	{ "needs", 0, "CONFIG_X=y", NULL, "an option that it must have; may be repeated" },
	{ "fragment", 0, "NAME|FILE", NULL, "all that a fragment asks for; may be repeated" },
	{ "source", 0, "DIR", NULL, "its sources, for the reasons (where its tree tells)" },
	{ "json", 0, NULL, NULL, "as a JSON object" },
	{ 0 },
};

static const struct cli_command check_command = {
	.name = "kernel check",
	.synopsis = "[options] [KERNEL]",
	.summary =
		"Says which of the options that are asked for a kernel lacks and, where its sources are at hand, why.\n"
		"KERNEL may be a .config file or a folder with one; without it, the default kernel.",
	.options = check_options,
	.epilog =
		"Exit codes: 0 it has them all, 1 it lacks some, 2 what is asked for is no option or fragment,\n"
		"125 no kernel or no configuration is to be had.",
	.set = set_check,
};

static void print_json(const struct named_config *c, const struct strv *unmet)
{
	_cleanup_json_ json_t *j = json_pack("{s:s, s:s, s:b, s:o}", "kernel", c->label, "arch",
		c->arch, "ok", unmet->n == 0, "unmet", json_strv(unmet));
	_cleanup_free_ char *text = json_dumps(j, JSON_INDENT(2));

	printf("%s\n", text);
}

static int gather(
	const struct check_args *a, const char *arch, struct kconfig_wishes *w, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->fragments.n; i++)
		r = kconfig_wish_fragment(w, a->fragments.v[i], arch, NULL, e);
	for (size_t i = 0; r == 0 && i < a->needs.n; i++)
		r = kconfig_wish_option(w, a->needs.v[i], "--needs", e);
	return r;
}

/* RET_USAGE: the error is in what was asked, not in the kernel. */
static int check(const struct check_args *a, const char *name, bool *ret_usage, struct err *e)
{
	_cleanup_named_config_ struct named_config c = { 0 };
	_cleanup_strv_ struct strv unmet = STRV_INIT;
	struct kconfig_wishes w = { 0 };
	int r = named_config_get(name, &c, e);

	if (r == 0) {
		r = gather(a, c.arch, &w, e);
		*ret_usage = r < 0;
	}
	if (r == 0)
		r = kconfig_unmet(
			&w, c.config, a->source ? a->source : c.srctree, c.arch, &unmet, e);
	kconfig_wishes_release(&w);
	if (r < 0)
		return r;
	if (a->json)
		print_json(&c, &unmet);
	for (size_t i = 0; !a->json && i < unmet.n; i++)
		puts(unmet.v[i]);
	return unmet.n ? EXIT_LACKS : 0;
}

int cmd_kernel_check(int argc, char **argv)
{
	struct check_args a = { 0 };
	struct err e = ERR_INIT;
	bool usage = false;
	int first, r = cli_parse(&check_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		goto out;
	if (argc - first > 1)
		r = cli_usage_error(&check_command, "unexpected word '%s'", argv[first + 1]);
	else if (a.fragments.n + a.needs.n == 0)
		r = cli_usage_error(
			&check_command, "nothing is asked for: use --needs or --fragment");
	else
		r = check(&a, first < argc ? argv[first] : NULL, &usage, &e);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		r = usage ? EXIT_USAGE : EXIT_RIG;
	}
out:
	strv_release(&a.fragments);
	strv_release(&a.needs);
	return r;
}
