/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_kernel.h"
#include "cli/cmd_kernel_prove.h"
#include "cli/named_config.h"
#include "cli/options.h"

#define EXIT_LACKS 1

struct check_args {
	struct strv fragments, needs;
	const char *source; /* borrowed; NULL: where the kernel tells */
	bool json;
	struct prove_args prove;
};

enum option {
	OPT_NEEDS,
	OPT_FRAGMENT,
	OPT_SOURCE,
	OPT_PROVE,
	OPT_VARIANT,
	OPT_OUTPUT,
	OPT_JOBS,
	OPT_OFFLINE,
	OPT_JSON,
	OPT_END,
};

static int set_check(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_option check_options[] = {
	[OPT_NEEDS] = { "needs", 0, "CONFIG_X=y", NULL,
		"an option that it must have; may be repeated" },
	[OPT_FRAGMENT] = { "fragment", 0, "NAME|FILE", NULL,
		"all that a fragment asks for; may be repeated" },
	[OPT_SOURCE] = { "source", 0, "DIR", NULL,
		"its sources, for the reasons (where its tree tells)" },
	[OPT_PROVE] = { "prove", 0, "FEATURE", NULL,
		"prove a feature of vmrig.yaml, or 'all'; may be repeated" },
	[OPT_VARIANT] = { "variant", 'V', "NAME", NULL,
		"prove on this variant (those that the feature is meant for)" },
	[OPT_OUTPUT] = { "output", 'o', "DIR", NULL,
		"folder for the results of proofs (vmrig-results/proofs-TIME-PID)" },
	[OPT_JOBS] = { "jobs", 'j', "N", "VMRIG_JOBS",
		"guests side by side in a proof (one for each CPU)" },
	[OPT_OFFLINE] = { "offline", 0, NULL, NULL, "download nothing for a proof" },
	[OPT_JSON] = { "json", 0, NULL, NULL, "as JSON" },
	[OPT_END] = { 0 },
};

static const struct cli_command check_command = {
	.name = "kernel check",
	.synopsis = "[options] [KERNEL]",
	.summary =
		"Says which of the options that are asked for a kernel lacks and, where its sources are at hand, why.\n"
		"KERNEL may be a .config file or a folder with one; without it, the default kernel.\n\n"
		"With --prove it builds a variant of vmrig.yaml with the feature's options and without them, and shows\n"
		"the feature's tests passing there and failing here.",
	.options = check_options,
	.epilog =
		"Exit codes: 0 it has them all, or all is proven, 1 it lacks some, or not all is, 2 what is asked for\n"
		"is no option, fragment or feature, 125 no kernel or no configuration is to be had.",
	.set = set_check,
};

static int set_jobs(struct check_args *a, const char *value, const char *where)
{
	int64_t n;

	if (cli_number(&check_command, where, value, 1, 1024, &n))
		return EXIT_USAGE;
	a->prove.jobs = (unsigned)n;
	return 0;
}

static int set_check(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct check_args *a = arg;

	switch ((enum option)(o - check_options)) {
	case OPT_NEEDS:
		strv_add(&a->needs, value);
		return 0;
	case OPT_FRAGMENT:
		strv_add(&a->fragments, value);
		return 0;
	case OPT_SOURCE:
		a->source = value;
		return 0;
	case OPT_PROVE:
		strv_add(&a->prove.features, value);
		return 0;
	case OPT_VARIANT:
		strv_add(&a->prove.variants, value);
		return 0;
	case OPT_OUTPUT:
		a->prove.output = value;
		return 0;
	case OPT_JOBS:
		return set_jobs(a, value, where);
	case OPT_OFFLINE:
		a->prove.offline = true;
		return 0;
	case OPT_JSON:
		a->json = a->prove.json = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

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
	else if (a.prove.features.n && first < argc)
		r = cli_usage_error(&check_command,
			"--prove is about variants: name '%s' with --variant", argv[first]);
	else if (a.prove.features.n)
		r = kernel_prove(&a.prove);
	else if (a.prove.variants.n)
		r = cli_usage_error(&check_command, "--variant is for --prove; name variant:%s",
			a.prove.variants.v[0]);
	else if (a.fragments.n + a.needs.n == 0)
		r = cli_usage_error(
			&check_command, "nothing is asked for: use --needs, --fragment or --prove");
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
	strv_release(&a.prove.features);
	strv_release(&a.prove.variants);
	return r;
}
