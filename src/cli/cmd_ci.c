/* SPDX-License-Identifier: MIT */
#include "cli/cmd_ci.h"
#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/dispatch.h"

static const struct cli_entry commands[] = {
	{ "check", cmd_ci_check, "say whether a pipeline is still what 'init' would write" },
	{ "init", cmd_ci_init, "write a pipeline for a suite" },
	{ "runner", cmd_ci_runner, "make this machine a runner with KVM, or say how" },
};

static const struct cli_menu menu = { "ci",
	"Suites in CI: pipelines for the platforms, machines for their runners.", commands,
	ARRAY_SIZE(commands) };

int cmd_ci(int argc, char **argv)
{
	return cli_dispatch(&menu, argc, argv);
}
