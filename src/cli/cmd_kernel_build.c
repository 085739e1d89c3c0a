/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "build/build.h"
#include "cli/build_progress.h"
#include "cli/cmd_kernel.h"
#include "cli/kernel_json.h"
#include "cli/options.h"
#include "variant/variant.h"

struct build_args {
	struct build_spec spec;
	struct build_how how;
	struct strv fragments, options, patches, variants;
	bool all, dry_run, json;
};

enum option {
	OPT_VARIANT,
	OPT_ALL,
	OPT_ARCH,
	OPT_BASE,
	OPT_FRAGMENT,
	OPT_CONFIG,
	OPT_PATCH,
	OPT_LLVM,
	OPT_CROSS_COMPILE,
	OPT_JOBS,
	OPT_CPUS,
	OPT_FORCE,
	OPT_ALLOW_UNMET,
	OPT_OFFLINE,
	OPT_REMOTE,
	OPT_UNCHECKED,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_VARIANT] = { "variant", 'V', "NAME", NULL,
		"build this variant of vmrig.yaml; may be repeated" },
	[OPT_ALL] = { "all", 'a', NULL, NULL, "build every variant of vmrig.yaml" },
	[OPT_ARCH] = { "arch", 0, "ARCH", NULL, "x86_64 or aarch64 (this machine's)" },
	[OPT_BASE] = { "base", 'b', "BASE", NULL, "defconfig, tinyconfig, host, or a file" },
	[OPT_FRAGMENT] = { "fragment", 'F', "NAME|FILE", NULL,
		"options laid over the base; may be repeated, the last wins" },
	[OPT_CONFIG] = { "config", 'C', "CONFIG_X=y", NULL,
		"one option, over all fragments; may be repeated" },
	[OPT_PATCH] = { "patch", 'p', "FILE", NULL, "applied to the source; may be repeated" },
	[OPT_LLVM] = { "llvm", 0, "-N|DIR/", NULL, "build with clang, as make LLVM=", true },
	[OPT_CROSS_COMPILE] = { "cross-compile", 0, "PREFIX", NULL, "of the compilers' names" },
	[OPT_JOBS] = { "jobs", 'j', "N", NULL, "compile so many files at a time (CPUs)" },
	[OPT_CPUS] = { "cpus", 0, "N", NULL, "use at most so many CPUs" },
	[OPT_FORCE] = { "force", 'f', NULL, NULL, "although the cache has it" },
	[OPT_ALLOW_UNMET] = { "allow-unmet", 0, NULL, NULL, "although options did not take" },
	[OPT_OFFLINE] = { "offline", 0, NULL, NULL, "download nothing" },
	[OPT_REMOTE] = { "remote", 0, "DIR|URL", "VMRIG_KERNEL_REMOTE",
		"what other machines built, and where this one puts its own" },
	[OPT_UNCHECKED] = { "unchecked", 0, NULL, NULL, "take a URL without a checksum" },
	[OPT_DRY_RUN] = { "dry-run", 'n', NULL, NULL, "print the key and what would be done" },
	[OPT_JSON] = { "json", 0, NULL, NULL, "each kernel as a line of JSON" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "kernel build",
	.synopsis = "[options] [SPEC | --variant NAME ... | --all]",
	.summary =
		"Builds a kernel into the cache, unless it has it: of a tree (the one here), a release (6.12, 6.12.57,\n"
		"stable), git+URL#REF, a tarball, or debian:linux-source-6.12. Prints the key and the folder.",
	.options = options,
	.set = set_option,
	.epilog = "Exit codes: 0 built or cached, 125 not.",
};

static int set_number(const char *where, const char *value, uint32_t *ret)
{
	int64_t n;

	if (cli_number(&command, where, value, 1, 4096, &n))
		return EXIT_USAGE;
	*ret = (uint32_t)n;
	return 0;
}

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct build_args *a = arg;

	switch ((enum option)(o - options)) {
	case OPT_VARIANT:
		strv_add(&a->variants, value);
		return 0;
	case OPT_ALL:
		a->all = true;
		return 0;
	case OPT_ARCH:
		return cli_arch(&command, where, value, &a->spec.arch);
	case OPT_BASE:
		a->spec.base = value;
		return 0;
	case OPT_FRAGMENT:
		strv_add(&a->fragments, value);
		return 0;
	case OPT_CONFIG:
		strv_add(&a->options, value);
		return 0;
	case OPT_PATCH:
		strv_add(&a->patches, value);
		return 0;
	case OPT_LLVM:
		a->spec.llvm = value ? value : "1";
		return 0;
	case OPT_CROSS_COMPILE:
		a->spec.cross_compile = value;
		return 0;
	case OPT_JOBS:
		return set_number(where, value, &a->how.jobs);
	case OPT_CPUS:
		return set_number(where, value, &a->how.cpus);
	case OPT_FORCE:
		a->how.force = true;
		return 0;
	case OPT_ALLOW_UNMET:
		a->spec.allow_unmet = true;
		return 0;
	case OPT_OFFLINE:
		a->how.offline = true;
		return 0;
	case OPT_REMOTE:
		a->how.remote = value;
		return 0;
	case OPT_UNCHECKED:
		a->how.unchecked = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_DRY_RUN:
		a->dry_run = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

static int failed(struct err *e, int signo)
{
	err_print(e);
	err_release(e);
	return signo ? 128 + signo : EXIT_RIG;
}

static void print_line(const char *what, const char *value)
{
	if (value)
		printf("%-10s %s\n", what, value);
}

static int dry_run(const struct build_spec *spec, const struct build_how *how)
{
	struct build_plan p = { 0 };
	struct err e = ERR_INIT;
	char *rest, *line;

	if (build_plan(spec, how, &p, &e) < 0)
		return failed(&e, 0);
	print_line("label", p.label);
	print_line("source", p.source);
	print_line("version", p.version);
	print_line("identity", p.identity ? p.identity : p.dirty);
	print_line("recipe", p.recipe);
	for (line = strtok_r(p.toolchain, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		print_line("toolchain", line);
	print_line("key", p.key ? p.key : "none: what is built is not cached");
	if (p.entry)
		print_line("cached", p.entry);
	else
		print_line("would build in", p.out);
	build_plan_release(&p);
	return 0;
}

static int build_one(const struct build_args *a, const struct build_spec *spec, const char *name)
{
	struct build_progress progress;
	struct build_how how = a->how;
	struct kernel k = { 0 };
	struct err e = ERR_INIT;
	int signo = 0, r;

	if (a->dry_run)
		return dry_run(spec, &how);
	build_progress_init(&progress, name);
	how.watch = &progress.watch;
	how.ret_signal = &signo;
	r = build_kernel(spec, &how, &k, &e);
	build_progress_clear(&progress);
	if (r < 0)
		return failed(&e, signo);
	if (a->json)
		kernel_json_print(&k);
	else
		printf("%s %s\n", k.key ? k.key : "-", k.image);
	fprintf(stderr, "%s: %s (%s)\n", k.label, k.release, k.origin);
	kernel_release(&k);
	return 0;
}

/* ---- variants ---- */

/* What the command line says of a variant goes before what the file says. */
static int build_variant(
	const struct build_args *a, const struct variants *v, const struct variant *one)
{
	struct build_spec spec = variant_spec(v, one);

	spec.allow_unmet = a->spec.allow_unmet;
	return build_one(a, &spec, one->name);
}

static int usage(struct err *e, struct variants *v)
{
	err_print(e);
	err_release(e);
	variants_release(v);
	return EXIT_USAGE;
}

static int build_named(const struct build_args *a, const struct variants *v, const char *name,
	int *code, struct err *e)
{
	_cleanup_free_ const struct variant **found = NULL;
	size_t n;
	int r = variants_named(v, name, a->spec.arch, &found, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		int one = build_variant(a, v, found[i]);

		*code = *code ? *code : one;
		if (one > 128)
			break;
	}
	return r;
}

static int build_all(const struct build_args *a, const struct variants *v)
{
	int code = 0;

	for (size_t i = 0; i < v->n && code <= 128; i++) {
		int one;

		if (a->spec.arch && !streq(v->v[i].arch, a->spec.arch))
			continue;
		one = build_variant(a, v, &v->v[i]);
		code = code ? code : one;
	}
	return code;
}

static int build_variants(const struct build_args *a)
{
	struct variants v = { 0 };
	struct err e = ERR_INIT;
	int code = 0;

	if (a->spec.base || a->fragments.n || a->options.n || a->patches.n || a->spec.llvm ||
		a->spec.cross_compile)
		return cli_usage_error(&command,
			"a variant's configuration stands in vmrig.yaml: --base, --fragment, --config, "
			"--patch, --llvm and --cross-compile are for a SPEC");
	if (variants_find(NULL, &v, &e) < 0)
		return usage(&e, &v);
	if (a->all && !v.n) {
		err_set(&e, -ENOENT, "%s declares no variants", v.path);
		return usage(&e, &v);
	}
	if (a->all)
		code = build_all(a, &v);
	for (size_t i = 0; i < a->variants.n && code <= 128; i++)
		if (build_named(a, &v, a->variants.v[i], &code, &e) < 0)
			return usage(&e, &v);
	variants_release(&v);
	return code;
}

static int build_spec_of(struct build_args *a, const char *source)
{
	a->spec.source = source;
	a->spec.fragments = &a->fragments;
	a->spec.options = &a->options;
	a->spec.patches = &a->patches;
	a->spec.modules = true;
	return build_one(a, &a->spec, NULL);
}

int cmd_kernel_build(int argc, char **argv)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct build_args a = { 0 };
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	a.spec.dir = cwd ? cwd : "/";
	if (r == CLI_OK && argc - first > 1)
		r = cli_usage_error(&command, "unexpected word '%s'", argv[first + 1]);
	if (r == CLI_OK && first < argc && str_starts(argv[first], VARIANT_PREFIX))
		strv_add(&a.variants, argv[first++] + strlen(VARIANT_PREFIX));
	if (r == CLI_OK && first < argc && (a.all || a.variants.n))
		r = cli_usage_error(&command, "'%s' beside variants", argv[first]);
	if (r == CLI_OK && (a.all || a.variants.n))
		r = build_variants(&a);
	else if (r == CLI_OK)
		r = build_spec_of(&a, first < argc ? argv[first] : ".");
	strv_release(&a.fragments);
	strv_release(&a.options);
	strv_release(&a.patches);
	strv_release(&a.variants);
	return r;
}
