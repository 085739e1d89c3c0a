/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cmd_ci.h"
#include "cli/options.h"
#include "doctor/doctor.h"

#define USER_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

struct runner_args {
	struct doctor_runner runner;
	struct strv packages;
	bool apply;
};

enum option { OPT_APPLY, OPT_USER, OPT_SERVICE, OPT_PACKAGE, OPT_HUGEPAGES, OPT_ROOT, OPT_END };

static const struct cli_option options[] = {
	[OPT_APPLY] = { "apply", 0, NULL, NULL, "do it, as root" },
	[OPT_USER] = { "user", 0, "NAME", NULL, "who runs the jobs (runner)" },
	[OPT_SERVICE] = { "service", 0, "UNIT", NULL,
		"the systemd unit that starts them, as gitlab-runner.service" },
	[OPT_PACKAGE] = { "package", 0, "NAME", NULL,
		"a package of Debian that the tests need; may be repeated" },
	[OPT_HUGEPAGES] = { "hugepages", 0, "SIZE", NULL,
		"memory kept for guests in large pages, as 8G" },
	[OPT_ROOT] = { "root", 0, "DIR", NULL, "not this machine: the one whose files are there" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "ci runner",
	.synopsis = "[options]",
	.summary =
		"Says what is to be done to make this machine a runner whose jobs use KVM, and with --apply does it: "
		"packages, user, group, udev rule, limits, hugepages. What is so already is left out.",
	.options = options,
	.set = set_option,
	.epilog =
		"Exit codes: 0 done, or said; 125 a step failed. docs/ci.md has more, on isolation too.",
};

/* They become parts of files and of their names. */
static int set_name(const char *where, const char *value, const char *chars, const char **ret)
{
	if (!*value || *value == '-' || *value == '.' || strspn(value, chars) != strlen(value))
		return cli_usage_error(&command, "%s: '%s' is no name", where, value);
	*ret = value;
	return 0;
}

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct runner_args *a = arg;

	switch ((enum option)(o - options)) {
	case OPT_APPLY:
		a->apply = true;
		return 0;
	case OPT_USER:
		return set_name(where, value, USER_CHARS, &a->runner.user);
	case OPT_SERVICE:
		return set_name(where, value, USER_CHARS "@:", &a->runner.service);
	case OPT_PACKAGE:
		strv_add(&a->packages, value);
		return 0;
	case OPT_HUGEPAGES:
		return cli_mib(&command, where, value, &a->runner.hugepages_mib);
	case OPT_ROOT:
		a->runner.root = value;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* Further lines are a file's. */
static void say(void *arg, const char *step)
{
	printf("  ");
	for (; *step; step++) {
		putchar(*step);
		if (*step == '\n' && step[1])
			printf("      ");
	}
	if (step[-1] != '\n')
		putchar('\n');
}

static void advise(void)
{
	printf("\nWhat only you can decide:\n"
	       "  - Public repositories: jobs of strangers do not belong here. Register the runner for one\n"
	       "    repository, as ephemeral where the platform can (one job, then it is made anew).\n"
	       "  - The user of the jobs needs no sudo, and no group but kvm.\n"
	       "  - One runner to a machine that measures: two jobs disturb each other. Keep CPUs for\n"
	       "    guests by the kernel parameters isolcpus=, nohz_full= and rcu_nocbs=, set the governor\n"
	       "    to performance (vmrig doctor shows it), and turn SMT off (nosmt).\n"
	       "  - Registering the runner is the platform's own program, with a token that is yours.\n");
}

int cmd_ci_runner(int argc, char **argv)
{
	struct runner_args a = { .runner.user = "runner" };
	_cleanup_free_ char *root = NULL;
	struct err e = ERR_INIT;
	int first, code = 0, r = cli_parse(&command, argc, argv, &a, &first);

	if (r == CLI_OK && first < argc)
		r = cli_usage_error(&command, "unexpected word '%s'", argv[first]);
	if (r == CLI_OK && a.runner.root && !dir_exists(a.runner.root))
		r = cli_usage_error(&command, "--root: there is no folder %s", a.runner.root);
	if (r == CLI_OK) {
		root = a.runner.root ? path_absolute(a.runner.root, NULL) : NULL;
		a.runner.root = root;
		a.runner.packages = &a.packages;
		printf("%s\n", a.apply ? "Set up:"
				       : "To be done as root, or by sudo vmrig ci runner --apply:");
		r = doctor_runner_set_up(&a.runner, a.apply, say, NULL, &e);
		if (r == 0)
			printf("  nothing: it is so already\n");
		if (r >= 0)
			advise();
		code = r < 0 ? EXIT_RIG : 0;
		fflush(stdout);
		if (e.code)
			err_print(&e);
	} else
		code = r;
	err_release(&e);
	strv_release(&a.packages);
	return code;
}
