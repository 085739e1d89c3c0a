/* SPDX-License-Identifier: MIT */
/*
 * A variant's configuration in the kernel's own menu. What was changed is kept as a fragment beside vmrig.yaml,
 * NAME.config, because a file that people write is not ours to rewrite.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/build_progress.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "kconfig/kconfig.h"
#include "variant/variant.h"

struct menu_args {
	const char *variant, *target;
	struct build_how how;
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct menu_args *a = arg;

	if (streq(o->name, "variant"))
		a->variant = value;
	else if (streq(o->name, "menu"))
		a->target = value;
	else
		a->how.offline = true;
	return 0;
}

static const struct cli_option options[] = {
	{ "variant", 'V', "NAME", NULL, "whose configuration" },
	{ "menu", 0, "TARGET", NULL, "nconfig, xconfig or another instead of menuconfig" },
	{ "offline", 0, NULL, NULL, "download nothing" },
	{ 0 },
};

static const struct cli_command command = {
	.name = "kernel menuconfig",
	.synopsis = "[options] --variant NAME",
	.summary =
		"Opens the kernel's own menu on the configuration of a variant of vmrig.yaml. What was changed there is\n"
		"added to the fragment NAME.config beside vmrig.yaml, which the variant should list among its fragments.",
	.options = options,
	.set = set_option,
};

static int failed(struct err *e)
{
	err_print(e);
	err_release(e);
	return EXIT_RIG;
}

/* The lines of the difference, over what the fragment says already; "+CONFIG_X=y" wins, "-" alone is "n". */
static int merge(const struct strv *diff, const char *file, struct strv *ret_changed, struct err *e)
{
	struct kconfig_wishes w = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_exists(file) ? kconfig_wish_fragment(&w, file, NULL, "/", e) : 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; r == 0 && i < diff->n; i++) {
			const char *line = diff->v[i];
			_cleanup_free_ char *option = xstrndup(line + 1, strcspn(line + 1, "="));
			_cleanup_free_ char *gone = xasprintf("%s=n", option);

			if (line[0] != (pass ? '+' : '-'))
				continue;
			r = kconfig_wish_option(&w, pass ? line + 1 : gone, file, e);
			if (pass && r == 0)
				strv_add(ret_changed, line + 1);
		}
	buf_adds(&text, "# Changed by vmrig kernel menuconfig.\n");
	kconfig_wishes_text(&w, &text);
	kconfig_wishes_release(&w);
	return r < 0 ? r : file_write_atomic(file, text.data, text.len, 0644, e);
}

static bool lists_fragment(const struct variants *v, const struct variant *one, const char *file)
{
	for (size_t i = 0; i < one->fragments.n; i++) {
		_cleanup_free_ char *path = path_absolute(one->fragments.v[i], v->dir);

		if (streq(path, file))
			return true;
	}
	return false;
}

static int write_back(const struct variants *v, const struct variant *one, const char *before,
	const char *after, struct err *e)
{
	_cleanup_free_ char *file = xasprintf("%s/%s.config", v->dir, one->family);
	_cleanup_strv_ struct strv diff = STRV_INIT, changed = STRV_INIT;
	struct kconfig *a = NULL, *b = NULL;
	int r = kconfig_load(before, &a, e);

	if (r == 0)
		r = kconfig_load(after, &b, e);
	if (r == 0)
		kconfig_diff(a, b, &diff);
	kconfig_free(a);
	kconfig_free(b);
	if (r < 0)
		return r;
	if (!diff.n) {
		printf("nothing was changed\n");
		return 0;
	}
	r = merge(&diff, file, &changed, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < diff.n; i++)
		printf("%s\n", diff.v[i]);
	printf("written to %s\n", file);
	if (!lists_fragment(v, one, file))
		printf("add it to the variant in %s: fragments: [..., ./%s.config]\n", v->path,
			one->family);
	return 0;
}

static int edit(const struct menu_args *a, const struct variants *v, const struct variant *one,
	struct err *e)
{
	_cleanup_free_ char *cache = NULL, *before = NULL, *after = NULL;
	struct build_spec spec = variant_spec(v, one);
	int r = path_cache_sub("builds", &cache, e);

	if (r < 0)
		return r;
	before = xasprintf("%s/menu-%d.before", cache, (int)getpid());
	after = xasprintf("%s/menu-%d.after", cache, (int)getpid());
	r = build_menuconfig(&spec, &a->how, a->target, before, after, e);
	if (r == 0)
		r = write_back(v, one, before, after, e);
	unlink(before);
	unlink(after);
	return r;
}

int cmd_kernel_menuconfig(int argc, char **argv)
{
	struct menu_args a = { .target = "menuconfig" };
	_cleanup_free_ const struct variant **found = NULL;
	struct build_progress progress;
	struct variants v = { 0 };
	struct err e = ERR_INIT;
	size_t n = 0;
	int first, r = cli_parse(&command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&command, "unexpected word '%s'", argv[first]);
	if (!a.variant)
		return cli_usage_error(&command, "name a variant with --variant");
	build_progress_init(&progress, NULL);
	a.how.watch = &progress.watch;
	r = variants_find(NULL, &v, &e);
	if (r == 0)
		r = variants_named(&v, a.variant, NULL, &found, &n, &e);
	/* What is changed goes to the whole family: any one of it shows the menu. */
	if (r == 0)
		r = edit(&a, &v, found[0], &e);
	variants_release(&v);
	return r < 0 ? failed(&e) : 0;
}
