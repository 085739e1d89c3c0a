/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/guest_env.h"
#include "cli/options.h"
#include "suite/suite.h"

#define DEFAULT_BOOT_MS 120000

struct shell_args {
	struct once_options o;
	const char *at, *output; /* borrowed */
};

enum option {
	OPT_AT,
	OPT_OUTPUT,
	OPT_GDB,
	OPT_KERNEL,
	OPT_ACCEL,
	OPT_MACHINE,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_USER,
	OPT_VERBOSE,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_AT] = { "at", 0, "CASE|DIR", NULL,
		"in the guest of this case, as it was when the test failed (vmrig test --keep-failed), or in "
		"the one saved in this folder (vmrig run --keep-failed)" },
	[OPT_OUTPUT] = { "output", 'o', "DIR", NULL,
		"with --at: the folder of that run (vmrig-results/latest)" },
	[OPT_GDB] = { "gdb", 0, NULL, NULL, "with --at: no shell; the guest waits for a debugger" },
	[OPT_KERNEL] = { "kernel", 'k', "SPEC", "VMRIG_KERNEL",
		"a path, release, debian:6.1, variant:NAME or key" },
	[OPT_ACCEL] = { "accel", 0, "A", "VMRIG_ACCEL",
		"auto, kvm (never falls back), tcg or nested" },
	[OPT_MACHINE] = { "machine", 0, "M", "VMRIG_MACHINE", "auto, microvm, q35 or virt" },
	[OPT_CPUS] = { "cpus", 'c', "N", "VMRIG_CPUS", "CPUs of the guest (1)" },
	[OPT_MEMORY] = { "memory", 'm', "SIZE", "VMRIG_MEMORY", "its memory (512M)" },
	[OPT_USER] = { "user", 'u', "NAME", NULL, "be this user (root)" },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, NULL, "the guest's console to stderr" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "shell",
	.synopsis = "[options] [-- COMMAND [ARG ...]]",
	.summary =
		"A shell in a guest on this machine's own files, or in the saved guest of a test that failed: that very moment, "
		"as often as you like, for what is done there changes nothing of what was saved. "
		"With COMMAND that is run instead, without a terminal, and its exit code is ours.",
	.options = options,
	.epilog =
		"Every key goes to the guest, Ctrl-C too; Ctrl-] three times ends a guest that takes no keys. "
		"Exit codes are those of 'vmrig run'.",
	.runs_command = true,
	.set = set_option,
};

static int invalid(struct err *e, const char *where)
{
	int r = cli_usage_error(&command, "%s: %s", where, err_text(e));

	err_release(e);
	return r;
}

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct shell_args *a = arg;
	struct once_options *o = &a->o;
	struct err e = ERR_INIT;
	int64_t n;

	switch ((enum option)(opt - options)) {
	case OPT_AT:
		a->at = value;
		return 0;
	case OPT_OUTPUT:
		a->output = value;
		return 0;
	case OPT_GDB:
		o->debug = true;
		return 0;
	case OPT_KERNEL:
		o->kernel = value;
		return 0;
	case OPT_ACCEL:
		return machine_accel_parse(value, &o->wish.accel, &e) < 0 ? invalid(&e, where) : 0;
	case OPT_MACHINE:
		return machine_type_parse(value, &o->wish.type, &e) < 0 ? invalid(&e, where) : 0;
	case OPT_CPUS:
		if (cli_number(&command, where, value, 1, 255, &n))
			return EXIT_USAGE;
		o->wish.cpus = (uint32_t)n;
		return 0;
	case OPT_MEMORY:
		return cli_mib(&command, where, value, &o->wish.memory_mib);
	case OPT_USER:
		o->command.user = value;
		return 0;
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

static int run(struct shell_args *a, char **argv)
{
	static const char *const shell[] = { "/bin/sh", NULL };
	_cleanup_strv_ struct strv env = STRV_INIT;
	_cleanup_free_ char *dir = NULL, *here = getcwd(NULL, 0);
	struct job_command *c = &a->o.command;
	struct err e = ERR_INIT;
	int code = EXIT_INFRA;

	guest_env(&env);
	c->argv = *argv ? (const char *const *)argv : shell;
	c->name = c->argv[0];
	c->env = (const char *const *)env.v;
	c->cwd = a->at || !here ? "/" : here;
	c->has_stdin = true;
	c->terminal = !*argv && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (!a->at || run_snapshot_dir(a->output, a->at, &dir, &e) == 0) {
		a->o.snapshot = dir;
		code = once_run(&a->o, &e);
	}
	if (e.code)
		err_print(&e);
	err_release(&e);
	return code;
}

int cmd_shell(int argc, char **argv)
{
	struct shell_args a = { .o = { .boot_ms = DEFAULT_BOOT_MS, .fail_on = SPLAT_STALL } };
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r == CLI_OK && !a.at && (a.output || a.o.debug))
		r = cli_usage_error(
			&command, "--output and --gdb are for a saved guest: name it by --at");
	if (r == CLI_OK && a.o.debug && first < argc)
		r = cli_usage_error(&command, "with --gdb nothing is run: name no COMMAND");
	return r == CLI_OK ? run(&a, argv + first) : r;
}
