/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "suite/suite.h"

#define KEEP_FAILED_DEFAULT 5

struct test_args {
	struct run_options o;
	struct selection selection;
	struct strv filters, tags, kernels;
	bool kernels_from_env; /* the first --kernel takes their place */
};

enum option {
	OPT_KERNEL,
	OPT_FILTER,
	OPT_TAG,
	OPT_JOBS,
	OPT_ARCH,
	OPT_ACCEL,
	OPT_ISOLATE,
	OPT_NO_POOL,
	OPT_TIMEOUT,
	OPT_FAIL_FAST,
	OPT_KEEP_FAILED,
	OPT_OUTPUT,
	OPT_RESUME,
	OPT_JUNIT,
	OPT_TAP,
	OPT_TAP_FILE,
	OPT_JSON,
	OPT_VERBOSE,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_KERNEL] = { "kernel", 'k', "SPEC", "VMRIG_KERNEL",
		"run on this kernel, not the suite's; may be repeated" },
	[OPT_FILTER] = { "filter", 'f', "GLOB", NULL,
		"only cases whose id or test matches; '!GLOB' leaves out" },
	[OPT_TAG] = { "tag", 0, "TAG", NULL, "only tests with this tag, or another one named" },
	[OPT_JOBS] = { "jobs", 'j', "N", "VMRIG_JOBS", "guests side by side (one for each CPU)" },
	[OPT_ARCH] = { "arch", 0, "ARCH", NULL,
		"x86_64 or aarch64 (the machines', or the kernels')" },
	[OPT_ACCEL] = { "accel", 0, "A", "VMRIG_ACCEL",
		"auto, kvm (never falls back), tcg or nested" },
	[OPT_ISOLATE] = { "isolate", 0, "HOW", "VMRIG_ISOLATE",
		"clone, boot or shared, for every test (as the suite says: clone)" },
	[OPT_NO_POOL] = { "no-pool", 0, NULL, NULL,
		"each clone in an engine started for it, never a copy of one that waits" },
	[OPT_TIMEOUT] = { "timeout", 't', "TIME", NULL,
		"limit for the whole run, as 90s or 15m (none)" },
	[OPT_FAIL_FAST] = { "fail-fast", 0, NULL, NULL,
		"start nothing more after the first failure" },
	[OPT_KEEP_FAILED] = { "keep-failed", 0, "N", NULL,
		"save the guests of failed tests, at most N (5), for 'vmrig shell --at'",
		.optional = true },
	[OPT_OUTPUT] = { "output", 'o', "DIR", NULL, "folder of results (vmrig-results/TIME-PID)" },
	[OPT_RESUME] = { "resume", 0, "DIR", NULL, "go on with the run in this folder" },
	[OPT_JUNIT] = { "junit", 0, "FILE", NULL, "a further copy of the JUnit report" },
	[OPT_TAP] = { "tap", 0, NULL, NULL, "the TAP report to stdout" },
	[OPT_TAP_FILE] = { "tap-file", 0, "FILE", NULL, "a further copy of the TAP report" },
	[OPT_JSON] = { "json", 0, NULL, NULL,
		"records to stdout as they come, a line of JSON each" },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, NULL,
		"engine command lines, and the last lines of what passes" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "test",
	.synopsis = "[options] [SUITE]",
	.summary =
		"Runs every test of a suite on every kernel and machine that it names, each in a fresh\n"
		"kernel. SUITE is a file, or a folder that holds vmrig.yaml; without it vmrig.yaml is looked for\n"
		"here and in the folders above.",
	.options = options,
	.epilog =
		"Exit codes: 0 all is well, 1 tests failed, 2 usage or a faulty suite file, 125 the rig\n"
		"failed, 128+N stopped by signal N.",
	.set = set_option,
};

static int add_kernel(struct test_args *a, const char *value, const char *where)
{
	bool from_env = !str_starts(where, "-");

	if (a->kernels_from_env && !from_env)
		strv_release(&a->kernels);
	a->kernels_from_env = from_env;
	strv_add(&a->kernels, value);
	return 0;
}

static int set_accel(struct test_args *a, const char *value, const char *where)
{
	struct err e = ERR_INIT;
	int r = 0;

	if (machine_accel_parse(value, &a->o.accel, &e) < 0)
		r = cli_usage_error(&command, "%s: %s", where, err_text(&e));
	err_release(&e);
	return r;
}

static int set_jobs(struct test_args *a, const char *value, const char *where)
{
	int64_t n;

	if (cli_number(&command, where, value, 1, 1024, &n))
		return EXIT_USAGE;
	a->o.jobs = (unsigned)n;
	return 0;
}

static int set_keep_failed(struct test_args *a, const char *value, const char *where)
{
	int64_t n = KEEP_FAILED_DEFAULT;

	if (value && cli_number(&command, where, value, 0, 10000, &n))
		return EXIT_USAGE;
	a->o.keep_failed = (unsigned)n;
	return 0;
}

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct test_args *a = arg;
	struct run_options *o = &a->o;

	switch ((enum option)(opt - options)) {
	case OPT_KERNEL:
		return add_kernel(a, value, where);
	case OPT_FILTER:
		strv_add(&a->filters, value);
		return 0;
	case OPT_TAG:
		strv_add(&a->tags, value);
		return 0;
	case OPT_JOBS:
		return set_jobs(a, value, where);
	case OPT_ARCH:
		return cli_arch(&command, where, value, &o->arch);
	case OPT_ACCEL:
		return set_accel(a, value, where);
	case OPT_ISOLATE:
		return cli_isolate(&command, where, value, &o->isolate);
	case OPT_NO_POOL:
		o->no_pool = true;
		return 0;
	case OPT_TIMEOUT:
		return cli_duration(&command, where, value, &o->total_ms);
	case OPT_FAIL_FAST:
		o->fail_fast = true;
		return 0;
	case OPT_KEEP_FAILED:
		return set_keep_failed(a, value, where);
	case OPT_OUTPUT:
		o->output = value;
		return 0;
	case OPT_RESUME:
		o->resume = value;
		return 0;
	case OPT_JUNIT:
		o->junit = value;
		return 0;
	case OPT_TAP:
		o->tap = true;
		return 0;
	case OPT_TAP_FILE:
		o->tap_file = value;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* What contradicts itself is told rather than guessed. */
static int check(struct test_args *a, int n_operands)
{
	if (n_operands > 1)
		return cli_usage_error(&command, "more than one SUITE given");
	if (a->o.json && a->o.tap)
		return cli_usage_error(
			&command, "--json and --tap both want stdout; use --tap-file");
	if (!a->o.resume)
		return CLI_OK;
	if (a->kernels_from_env)
		strv_release(&a->kernels);
	if (a->o.suite_arg || a->filters.n || a->tags.n || a->kernels.n)
		return cli_usage_error(&command,
			"--resume goes on with what that run selected: name no SUITE, --kernel, --filter or --tag");
	if (a->o.output)
		return cli_usage_error(
			&command, "--resume writes to that run's folder: name no --output");
	return CLI_OK;
}

static int load(const struct test_args *a, struct suite **ret, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (a->o.resume)
		r = run_resume_suite(a->o.resume, &path, e);
	else
		r = suite_find(a->o.suite_arg, NULL, &path, e);
	return r < 0 ? r : suite_load(path, ret, e);
}

static int run(struct test_args *a)
{
	struct suite *s = NULL;
	struct err e = ERR_INIT;
	int code;

	a->selection = (struct selection){
		.filters = (const char *const *)a->filters.v,
		.n_filters = a->filters.n,
		.tags = (const char *const *)a->tags.v,
		.n_tags = a->tags.n,
		.kernels = (const char *const *)a->kernels.v,
		.n_kernels = a->kernels.n,
	};
	a->o.selection = &a->selection;
	code = load(a, &s, &e) < 0 ? EXIT_USAGE : suite_run(s, &a->o, &e);
	if (e.code)
		err_print(&e);
	err_release(&e);
	suite_free(s);
	return code;
}

int cmd_test(int argc, char **argv)
{
	struct test_args a = { 0 };
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r == CLI_OK) {
		a.o.suite_arg = first < argc ? argv[first] : NULL;
		r = check(&a, argc - first);
	}
	if (r == CLI_OK)
		r = run(&a);
	strv_release(&a.filters);
	strv_release(&a.tags);
	strv_release(&a.kernels);
	return r;
}
