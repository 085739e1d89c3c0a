/* SPDX-License-Identifier: MIT */
/* The subcommands of `vmrig ci`. Each takes its own argv (argv[0] is its name) and returns the exit code. */
#ifndef CLI_CMD_CI_H
#define CLI_CMD_CI_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "pipeline/pipeline.h"

#define EXIT_RIG 125

int cmd_ci_check(int argc, char **argv);
int cmd_ci_runner(int argc, char **argv);
int cmd_ci_init(int argc, char **argv);

/* What `vmrig ci init` was told. */
struct ci_args {
	struct pipeline_options options;
	bool has_platform, force, to_stdout;
	const char *output; /* borrowed; NULL */
	struct strv kernels, packages;
};
void ci_args_release(struct ci_args *a);

/* Parses ARGV as `vmrig ci init` does; CLI_OK with the index of SUITE, or an exit code after an error that was printed. */
int ci_args_parse(int argc, char **argv, struct ci_args *ret, int *ret_index);

/*
 * The pipeline for SUITE (as suite_find() takes it, against CWD; NULL: ours) by what A says. RET_REPOSITORY is the folder of its
 * repository; the caller owns it.
 */
int ci_make(struct ci_args *a, const char *suite, const char *cwd, struct buf *ret,
	struct strv *notes, char **ret_repository, struct err *e);

#endif
