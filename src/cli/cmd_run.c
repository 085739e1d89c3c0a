/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/guest_env.h"
#include "cli/options.h"
#include "suite/suite.h"

#define DEFAULT_BOOT_MS 120000

struct run_args {
	struct once_options o;
	struct strv env; /* of --env, in order */
	struct strv extra, puts;
	struct guest_share *shares; /* owned */
	char *cwd; /* owned */
	char *root; /* owned */
	bool no_stdin;
};

enum option {
	OPT_KERNEL,
	OPT_EXPLAIN,
	OPT_ARCH,
	OPT_ACCEL,
	OPT_MACHINE,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_CMDLINE,
	OPT_ROOT,
	OPT_PUT,
	OPT_RW,
	OPT_CWD,
	OPT_ENV,
	OPT_USER,
	OPT_TIMEOUT,
	OPT_BOOT_TIMEOUT,
	OPT_IDLE_TIMEOUT,
	OPT_FAIL_ON,
	OPT_ISOLATE,
	OPT_KEEP_FAILED,
	OPT_QEMU_ARG,
	OPT_JSON,
	OPT_DRY_RUN,
	OPT_VERBOSE,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_KERNEL] = { "kernel", 'k', "SPEC", "VMRIG_KERNEL",
		"a path, release, debian:6.1, variant:NAME or key" },
	[OPT_EXPLAIN] = { "explain", 0, NULL, NULL, "say where the kernel was looked for" },
	[OPT_ARCH] = { "arch", 0, "ARCH", NULL, "x86_64 or aarch64 (the kernel's)" },
	[OPT_ACCEL] = { "accel", 0, "A", "VMRIG_ACCEL",
		"auto, kvm (never falls back), tcg or nested" },
	[OPT_MACHINE] = { "machine", 0, "M", "VMRIG_MACHINE", "auto, microvm, q35 or virt" },
	[OPT_CPUS] = { "cpus", 'c', "N", "VMRIG_CPUS", "CPUs of the guest (1)" },
	[OPT_MEMORY] = { "memory", 'm', "SIZE", "VMRIG_MEMORY", "its memory (512M)" },
	[OPT_CMDLINE] = { "cmdline", 0, "TEXT", NULL, "added to the kernel's command line" },
	[OPT_ROOT] = { "root", 0, "DIR|none", NULL,
		"its root: a folder, or only the command (/; none for another --arch)" },
	[OPT_PUT] = { "put", 0, "FILE", NULL,
		"with --root none: FILE is there too, at its own path; may be repeated" },
	[OPT_RW] = { "rw", 0, "DIR", NULL, "let the guest write to this folder; may be repeated" },
	[OPT_CWD] = { "cwd", 'C', "DIR", NULL, "where COMMAND runs (here)" },
	[OPT_ENV] = { "env", 'e', "NAME[=VALUE]", NULL,
		"set, or pass on, a variable; may be repeated" },
	[OPT_USER] = { "user", 'u', "NAME", NULL, "run COMMAND as this user (root)" },
	[OPT_TIMEOUT] = { "timeout", 't', "TIME", "VMRIG_TIMEOUT",
		"limit for COMMAND, as 30s or 5m (none)" },
	[OPT_BOOT_TIMEOUT] = { "boot-timeout", 0, "TIME", "VMRIG_BOOT_TIMEOUT",
		"limit for booting (2m)" },
	[OPT_IDLE_TIMEOUT] = { "idle-timeout", 0, "TIME", NULL, "limit without any output (none)" },
	[OPT_FAIL_ON] = { "fail-on", 0, "KIND", NULL,
		"mildest kernel complaint that is a crash (stall)" },
	[OPT_ISOLATE] = { "isolate", 0, "HOW", "VMRIG_ISOLATE",
		"clone (of a template, made at the first use) or boot" },
	[OPT_KEEP_FAILED] = { "keep-failed", 0, "DIR", NULL,
		"save the guest of a COMMAND that fails, below DIR (vmrig-results), for 'vmrig shell --at'",
		.optional = true },
	[OPT_QEMU_ARG] = { "qemu-arg", 0, "ARG", NULL,
		"added to QEMU's command line; may be repeated" },
	[OPT_JSON] = { "json", 0, NULL, NULL, "the record of the run, a line of JSON, to stderr" },
	[OPT_DRY_RUN] = { "dry-run", 'n', NULL, NULL, "print the engine's command line and stop" },
	[OPT_VERBOSE] = { "verbose", 'v', NULL, NULL,
		"the guest's console to stderr, and how far it had come after how long" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "run",
	.synopsis = "[options] [--] COMMAND [ARG ...]",
	.summary =
		"Boots a kernel on this machine's own files (read-only, with a tmpfs over them), runs COMMAND\n"
		"there and exits as it did: its exit code, or 128+N for signal N.",
	.options = options,
	.epilog =
		"Exit codes of the rig: 122 the kernel crashed, 123 the guest went away, 124 a time limit ran\n"
		"out, 125 the rig itself failed, 126 and 127 COMMAND could not be executed.",
	.runs_command = true,
	.set = set_option,
};

static int invalid(struct err *e, const char *where)
{
	int r = cli_usage_error(&command, "%s: %s", where, err_text(e));

	err_release(e);
	return r;
}

static int add_rw(struct run_args *a, const char *value)
{
	size_t n = a->o.wish.n_shares;
	char *path = path_absolute(value, NULL);

	a->shares = xrealloc(a->shares, (n + 1) * sizeof(*a->shares));
	a->shares[n] = (struct guest_share){ path, xstrdup(path), true };
	a->o.wish.shares = a->shares;
	a->o.wish.n_shares = n + 1;
	return 0;
}

static int add_env(struct run_args *a, const char *value, const char *where)
{
	const char *own;

	if (*value == '=' || *value == '\0')
		return cli_usage_error(&command, "%s: '%s' has no name", where, value);
	if (strchr(value, '=')) {
		strv_add(&a->env, value);
		return 0;
	}
	own = getenv(value);
	if (own)
		strv_addf(&a->env, "%s=%s", value, own);
	return 0;
}

static int set_fail_on(struct run_args *a, const char *value, const char *where)
{
	a->o.fail_on = splat_kind_parse(value);
	if (a->o.fail_on != SPLAT_NONE)
		return 0;
	return cli_usage_error(&command,
		"%s: '%s' is none of warn, stall, lockdep, ubsan, sanitizer, bug, oops, panic",
		where, value);
}

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct run_args *a = arg;
	struct once_options *o = &a->o;
	struct err e = ERR_INIT;
	int64_t n;

	switch ((enum option)(opt - options)) {
	case OPT_KERNEL:
		o->kernel = value;
		return 0;
	case OPT_EXPLAIN:
		o->explain = true;
		return 0;
	case OPT_ARCH:
		return cli_arch(&command, where, value, &o->arch);
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
	case OPT_CMDLINE:
		o->wish.cmdline = value;
		return 0;
	case OPT_ROOT:
		free(a->root);
		a->root = streq(value, "none") ? xstrdup(value) : path_absolute(value, NULL);
		o->wish.root = a->root;
		return 0;
	case OPT_PUT:
		strv_add(&a->puts, value);
		return 0;
	case OPT_RW:
		return add_rw(a, value);
	case OPT_CWD:
		str_replace(&a->cwd, value);
		return 0;
	case OPT_ENV:
		return add_env(a, value, where);
	case OPT_USER:
		o->command.user = value;
		return 0;
	case OPT_TIMEOUT:
		return cli_duration(&command, where, value, &o->command.timeout_ms);
	case OPT_BOOT_TIMEOUT:
		return cli_duration(&command, where, value, &o->boot_ms);
	case OPT_IDLE_TIMEOUT:
		return cli_duration(&command, where, value, &o->idle_ms);
	case OPT_FAIL_ON:
		return set_fail_on(a, value, where);
	case OPT_ISOLATE:
		if (streq(value, "shared"))
			return cli_usage_error(
				&command, "%s: one command has nobody to share with", where);
		return cli_isolate(&command, where, value, &o->isolate);
	case OPT_KEEP_FAILED:
		o->keep_failed = o->wish.savable = true;
		o->keep_dir = value;
		return 0;
	case OPT_QEMU_ARG:
		strv_add(&a->extra, value);
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_VERBOSE:
		o->verbose = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* The caller's environment without what belongs to the session, then --env. */
static void make_env(const struct run_args *a, struct strv *ret)
{
	guest_env(ret);
	for (size_t i = 0; i < a->env.n; i++) {
		size_t n = strcspn(a->env.v[i], "=");
		_cleanup_free_ char *name = xstrndup(a->env.v[i], n);

		strv_setenv(ret, name, a->env.v[i] + n + 1);
	}
	strv_setenv(ret, "VMRIG", "1");
}

/* On the host's own files, and with none, the command runs where the caller stands; in another root that place
 * may not be. */
static char *make_cwd(const struct run_args *a)
{
	bool own = !a->root || streq(a->root, "/") || streq(a->root, "none");
	_cleanup_free_ char *here = getcwd(NULL, 0);

	if (a->cwd)
		return own ? path_absolute(a->cwd, NULL) : path_absolute(a->cwd, "/");
	return xstrdup(own && here ? here : "/");
}

static int run(struct run_args *a, char **argv)
{
	_cleanup_strv_ struct strv env = STRV_INIT;
	_cleanup_free_ char *cwd = make_cwd(a);
	const char *program = argv[0];
	struct err e = ERR_INIT;
	int code;

	make_env(a, &env);
	a->o.command.name = program;
	a->o.command.argv = (const char *const *)argv;
	a->o.command.env = (const char *const *)env.v;
	a->o.command.cwd = cwd;
	a->o.command.has_stdin = true;
	a->o.wish.programs = &program;
	a->o.wish.n_programs = 1;
	a->o.wish.puts = (const char *const *)a->puts.v;
	a->o.wish.n_puts = a->puts.n;
	a->o.wish.cwd = cwd;
	a->o.wish.extra = (const char *const *)a->extra.v;
	a->o.wish.n_extra = a->extra.n;
	code = once_run(&a->o, &e);
	if (e.code)
		err_print(&e);
	err_release(&e);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct run_args a = { .o = { .boot_ms = DEFAULT_BOOT_MS, .fail_on = SPLAT_STALL } };
	int first, r;

	r = cli_parse(&command, argc, argv, &a, &first);
	if (r == CLI_OK && first == argc)
		r = cli_usage_error(&command, "no command given");
	if (r == CLI_OK)
		r = run(&a, argv + first);
	for (size_t i = 0; i < a.o.wish.n_shares; i++) {
		free(a.shares[i].host);
		free(a.shares[i].guest);
	}
	free(a.shares);
	free(a.cwd);
	free(a.root);
	strv_release(&a.env);
	strv_release(&a.extra);
	strv_release(&a.puts);
	return r;
}
