/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "suite/suite.h"

struct list_args {
	struct strv filters, tags, kernels;
	bool kernels_from_env; /* the first --kernel takes their place */
	const char *arch; /* borrowed; NULL: the suite's */
	bool json;
};

enum option {
	OPT_KERNEL,
	OPT_FILTER,
	OPT_TAG,
	OPT_ARCH,
	OPT_JSON,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_KERNEL] = { "kernel", 'k', "SPEC", "VMRIG_KERNEL",
		"this kernel, not the suite's; may be repeated" },
	[OPT_FILTER] = { "filter", 'f', "GLOB", NULL,
		"only cases whose id or test matches; '!GLOB' leaves out" },
	[OPT_TAG] = { "tag", 0, "TAG", NULL, "only tests with this tag, or another one named" },
	[OPT_ARCH] = { "arch", 0, "ARCH", NULL,
		"x86_64 or aarch64 (the machines', or the kernels')" },
	[OPT_JSON] = { "json", 0, NULL, NULL, "a list of objects, as JSON" },
	[OPT_END] = { 0 },
};

static int set_option(
	void *arg, const struct cli_option *opt, const char *value, const char *where);

static const struct cli_command command = {
	.name = "list",
	.synopsis = "[options] [SUITE]",
	.summary =
		"Shows the cases that 'vmrig test' would run, and what can be told of them without booting.",
	.options = options,
	.set = set_option,
};

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct list_args *a = arg;
	bool from_env = !str_starts(where, "-");

	switch ((enum option)(opt - options)) {
	case OPT_KERNEL:
		if (a->kernels_from_env && !from_env)
			strv_release(&a->kernels);
		a->kernels_from_env = from_env;
		strv_add(&a->kernels, value);
		return 0;
	case OPT_FILTER:
		strv_add(&a->filters, value);
		return 0;
	case OPT_TAG:
		strv_add(&a->tags, value);
		return 0;
	case OPT_ARCH:
		return cli_arch(&command, where, value, &a->arch);
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

static int list(const struct list_args *a, const char *suite, struct err *e)
{
	const struct selection sel = {
		.filters = (const char *const *)a->filters.v,
		.n_filters = a->filters.n,
		.tags = (const char *const *)a->tags.v,
		.n_tags = a->tags.n,
		.kernels = (const char *const *)a->kernels.v,
		.n_kernels = a->kernels.n,
	};
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct suite *s = NULL;
	int r = suite_find(suite, NULL, &path, e);

	if (r >= 0)
		r = suite_load(path, &s, e);
	if (r >= 0)
		r = suite_list(s, &sel, a->arch, a->json, &b, e);
	suite_free(s);
	if (r < 0)
		return EXIT_USAGE;
	r = fd_write_all(STDOUT_FILENO, buf_str(&b), b.len);
	if (r < 0)
		err_sys(e, -r, "cannot write to standard output");
	return r < 0 ? EXIT_INFRA : 0;
}

int cmd_list(int argc, char **argv)
{
	struct list_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r == CLI_OK && argc - first > 1)
		r = cli_usage_error(&command, "more than one SUITE given");
	if (r == CLI_OK)
		r = list(&a, first < argc ? argv[first] : NULL, &e);
	if (e.code)
		err_print(&e);
	err_release(&e);
	strv_release(&a.filters);
	strv_release(&a.tags);
	strv_release(&a.kernels);
	return r;
}
