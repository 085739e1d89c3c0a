/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/cmd_ci.h"
#include "cli/options.h"

#define FILE_MAX   (1u << 20)
#define EXIT_OTHER 1

static const struct cli_option options[] = { { 0 } };

static const struct cli_command command = {
	.name = "ci check",
	.synopsis = "[FILE]",
	.summary =
		"Compares a pipeline with what 'vmrig ci init' would write now, by the command in its first line. Without "
		"FILE those of this repository, where the platforms look for them.",
	.options = options,
	.epilog =
		"Exit codes: 0 the same, 1 another (with the reasons, and the lines), 2 there is none, or it cannot\n"
		"be made any more.",
};

/* Its lines as diff(1) shows them. */
static int show(const char *path, const struct buf *now, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT;
	const char *const argv[] = { "diff", "-u", "--label", path, "--label",
		"as it would be made now", "--", path, "-", NULL };
	int status, r = proc_capture(argv, now, &out, &err, 0, &status, e);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return err_set(e, -EIO, "diff failed: %s", buf_str(&err));
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

/* As `vmrig ci init` would write it now, by the words of the one at PATH. */
static int make_again(const char *path, const struct buf *old, struct buf *ret, struct err *e)
{
	_cleanup_free_ char *dir = path_dir(path), *repository = NULL;
	_cleanup_strv_ struct strv words = STRV_INIT, notes = STRV_INIT;
	struct ci_args a = { 0 };
	int first, r = pipeline_command(buf_str(old), &words, e);

	if (r == 0)
		r = pipeline_repository(dir, &repository, e);
	if (r < 0)
		return err_wrap(e, "%s", path);
	/* "ci init" is one name to the parser of options. */
	if (words.n < 2 || ci_args_parse((int)words.n - 1, words.v + 1, &a, &first) != CLI_OK)
		r = err_set(e, -EINVAL, "%s: the command in its first line is none", path);
	else
		r = ci_make(&a, first < (int)words.n - 1 ? words.v[first + 1] : NULL, repository,
			ret, &notes, NULL, e);
	ci_args_release(&a);
	return r;
}

static int check(const char *path, struct err *e)
{
	_cleanup_buf_ struct buf old = BUF_INIT, now = BUF_INIT;
	_cleanup_strv_ struct strv reasons = STRV_INIT;
	int r = file_read(path, FILE_MAX, &old, e);

	if (r == 0)
		r = make_again(path, &old, &now, e);
	if (r < 0)
		return r;
	if (old.len == now.len && memcmp(old.data, now.data, now.len) == 0) {
		printf("%s is as it would be made now\n", path);
		return 0;
	}
	pipeline_reasons(buf_str(&old), buf_str(&now), &reasons);
	printf("%s is not as it would be made now\n", path);
	for (size_t i = 0; i < reasons.n; i++)
		printf("  %s\n", reasons.v[i]);
	r = show(path, &now, e);
	return r < 0 ? r : 1;
}

/* Those of the repository that vmrig made. */
static int find(struct strv *ret, struct err *e)
{
	_cleanup_free_ char *repository = NULL;
	int r = pipeline_repository(".", &repository, e);

	for (int i = 0; r == 0 && i < PIPELINE_PLATFORMS; i++) {
		_cleanup_free_ char *path =
			path_join(repository, pipeline_path((enum pipeline_platform)i));
		_cleanup_strv_ struct strv words = STRV_INIT;
		_cleanup_buf_ struct buf text = BUF_INIT;

		if (!strv_has(ret, path) && file_read(path, FILE_MAX, &text, NULL) == 0 &&
			pipeline_command(buf_str(&text), &words, NULL) == 0)
			strv_add(ret, path);
	}
	if (r == 0 && !ret->n) {
		r = err_set(e, -ENOENT, "%s has no pipeline that vmrig made", repository);
		err_hint(e, "vmrig ci init makes one; FILE names one that lies elsewhere.");
	}
	return r;
}

int cmd_ci_check(int argc, char **argv)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct err e = ERR_INIT;
	int first, code = 0, r = cli_parse(&command, argc, argv, NULL, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first > 1)
		return cli_usage_error(&command, "more than one FILE given");
	r = 0;
	if (first < argc)
		strv_take(&paths, path_absolute(argv[first], NULL));
	else
		r = find(&paths, &e);
	for (size_t i = 0; i < paths.n && r >= 0; i++) {
		r = check(paths.v[i], &e);
		code = r > 0 ? EXIT_OTHER : code;
	}
	if (r < 0) {
		err_print(&e);
		code = EXIT_USAGE;
	}
	err_release(&e);
	return code;
}
