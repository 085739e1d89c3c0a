/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cmd_ci.h"
#include "cli/options.h"
#include "suite/suite.h"

#define FILE_MODE 0644

enum option {
	OPT_PLATFORM,
	OPT_VMRIG,
	OPT_KERNEL,
	OPT_PACKAGE,
	OPT_PREPARE,
	OPT_KVM,
	OPT_IMAGE,
	OPT_RUNNER,
	OPT_OUTPUT,
	OPT_STDOUT,
	OPT_FORCE,
	OPT_END,
};

static const struct cli_option options[] = {
	[OPT_PLATFORM] = { "platform", 'p', "NAME", NULL,
		"github, actuated, self-hosted, gitlab, buildkite or drone" },
	[OPT_VMRIG] = { "vmrig", 0, "URL@REF|DIR", NULL,
		"vmrig's source: a git repository at a tag or commit, or a folder of this one; 'installed' "
		"where runners have it" },
	[OPT_KERNEL] = { "kernel", 'k', "SPEC", NULL,
		"test on this kernel, not the suite's; may be repeated" },
	[OPT_PACKAGE] = { "package", 0, "NAME", NULL,
		"a package of Debian that the tests need; may be repeated" },
	[OPT_PREPARE] = { "prepare", 0, "COMMAND", NULL,
		"makes what the machines boot, in the suite's folder" },
	[OPT_KVM] = { "kvm", 0, NULL, NULL, "stop where KVM does not work" },
	[OPT_IMAGE] = { "image", 0, "NAME", NULL,
		"container to run in (debian:12); 'none': the runner itself" },
	[OPT_RUNNER] = { "runner", 0, "NAME", NULL,
		"label, tag, queue or node of the runners (the platform's)" },
	[OPT_OUTPUT] = { "output", 'o', "FILE", NULL,
		"write there (where the platform looks for it)" },
	[OPT_STDOUT] = { "stdout", 0, NULL, NULL, "print it" },
	[OPT_FORCE] = { "force", 'f', NULL, NULL, "replace what is there" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "ci init",
	.synopsis = "[options] --platform NAME [SUITE]",
	.summary =
		"Writes a pipeline for a suite (the vmrig.yaml here or above): its kernels and images are made once, "
		"cached, handed on, and tested in a job for each kernel and architecture. docs/ci.md tells the parts.",
	.options = options,
	.set = set_option,
	.epilog = "What it was called with stands in the file's first line, for 'vmrig ci check'.",
};

static int set_platform(struct ci_args *a, const char *value, const char *where)
{
	const char *names[PIPELINE_PLATFORMS], *near;

	a->has_platform = true;
	if (pipeline_platform_parse(value, &a->options.platform) == 0)
		return 0;
	for (int i = 0; i < PIPELINE_PLATFORMS; i++)
		names[i] = pipeline_platform_name((enum pipeline_platform)i);
	near = text_nearest(value, names, PIPELINE_PLATFORMS);
	return near ? cli_usage_error(&command,
			      "%s: no platform is called '%s'; did you mean '%s'?", where, value,
			      near)
		    : cli_usage_error(&command, "%s: no platform is called '%s'", where, value);
}

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct ci_args *a = arg;

	switch ((enum option)(o - options)) {
	case OPT_PLATFORM:
		return set_platform(a, value, where);
	case OPT_VMRIG:
		a->options.vmrig = value;
		return 0;
	case OPT_KERNEL:
		strv_add(&a->kernels, value);
		return 0;
	case OPT_PACKAGE:
		strv_add(&a->packages, value);
		return 0;
	case OPT_PREPARE:
		a->options.prepare = value;
		return 0;
	case OPT_KVM:
		a->options.kvm = true;
		return 0;
	case OPT_IMAGE:
		a->options.image = value;
		return 0;
	case OPT_RUNNER:
		a->options.runner = value;
		return 0;
	case OPT_OUTPUT:
		a->output = value;
		return 0;
	case OPT_STDOUT:
		a->to_stdout = true;
		return 0;
	case OPT_FORCE:
		a->force = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

void ci_args_release(struct ci_args *a)
{
	strv_release(&a->kernels);
	strv_release(&a->packages);
}

int ci_args_parse(int argc, char **argv, struct ci_args *ret, int *ret_index)
{
	int r = cli_parse(&command, argc, argv, ret, ret_index);

	if (r == CLI_OK && argc - *ret_index > 1)
		r = cli_usage_error(&command, "more than one SUITE given");
	if (r == CLI_OK && !ret->has_platform)
		r = cli_usage_error(&command, "no --platform is named");
	return r;
}

/* What makes the same again, from the repository's folder. */
static void command_words(const struct ci_args *a, const char *suite, struct strv *ret)
{
	const struct pipeline_options *o = &a->options;
	const struct {
		const char *option, *value;
	} told[] = { { "--platform", pipeline_platform_name(o->platform) }, { "--vmrig", o->vmrig },
		{ "--image", o->image }, { "--runner", o->runner }, { "--prepare", o->prepare } };

	strv_add(ret, "ci");
	strv_add(ret, "init");
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (told[i].value) {
			strv_add(ret, told[i].option);
			strv_add(ret, told[i].value);
		}
	if (o->kvm)
		strv_add(ret, "--kvm");
	for (size_t i = 0; i < a->kernels.n; i++) {
		strv_add(ret, "--kernel");
		strv_add(ret, a->kernels.v[i]);
	}
	for (size_t i = 0; i < a->packages.n; i++) {
		strv_add(ret, "--package");
		strv_add(ret, a->packages.v[i]);
	}
	strv_add(ret, suite);
}

int ci_make(struct ci_args *a, const char *suite, const char *cwd, struct buf *ret,
	struct strv *notes, char **ret_repository, struct err *e)
{
	_cleanup_free_ char *path = NULL, *file = NULL, *repository = NULL;
	_cleanup_strv_ struct strv words = STRV_INIT;
	int r;

	if (suite && cwd) {
		path = path_absolute(suite, cwd);
		suite = path;
	}
	r = suite_find(suite, cwd, &file, e);
	if (r == 0)
		r = pipeline_repository(file, &repository, e);
	if (r < 0)
		return r;
	command_words(a, file + strlen(repository) + 1, &words);
	a->options.repository = repository;
	a->options.suite = file;
	a->options.kernels = &a->kernels;
	a->options.packages = &a->packages;
	r = pipeline_make(&a->options, &words, ret, notes, e);
	if (r == 0 && ret_repository)
		*ret_repository = TAKE_PTR(repository);
	return r;
}

static int write_out(
	const struct ci_args *a, const char *repository, const struct buf *b, struct err *e)
{
	_cleanup_free_ char *path = NULL, *dir = NULL;
	int r;

	if (a->to_stdout) {
		r = fd_write_all(STDOUT_FILENO, b->data, b->len);
		return r < 0 ? err_sys(e, -r, "cannot write to standard output") : 0;
	}
	path = a->output ? path_absolute(a->output, NULL)
			 : path_join(repository, pipeline_path(a->options.platform));
	if (file_exists(path) && !a->force) {
		err_set(e, -EEXIST, "%s is there already", path);
		return err_hint(e, "'vmrig ci check' compares it, --force replaces it.");
	}
	dir = path_dir(path);
	r = dir_make(dir, 0755, e);
	if (r == 0)
		r = file_write_atomic(path, b->data, b->len, FILE_MODE, e);
	if (r == 0)
		printf("%s\n", path);
	return r;
}

int cmd_ci_init(int argc, char **argv)
{
	_cleanup_strv_ struct strv notes = STRV_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *repository = NULL;
	struct ci_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = ci_args_parse(argc, argv, &a, &first), code;

	if (r == CLI_OK && a.to_stdout && a.output)
		r = cli_usage_error(&command, "--stdout and --output exclude each other");
	code = r == CLI_OK ? 0 : r;
	if (r == CLI_OK && ci_make(&a, first < argc ? argv[first] : NULL, NULL, &b, &notes,
				   &repository, &e) < 0)
		code = EXIT_USAGE;
	for (size_t i = 0; i < notes.n && !e.code; i++)
		fprintf(stderr, "%s\n", notes.v[i]);
	if (r == CLI_OK && !code && write_out(&a, repository, &b, &e) < 0)
		code = EXIT_RIG;
	if (e.code)
		err_print(&e);
	err_release(&e);
	ci_args_release(&a);
	return code;
}
