/* SPDX-License-Identifier: MIT */
/* vmrig kernel config: what there is to see, nothing that changes anything. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cmd_kernel.h"
#include "cli/dispatch.h"
#include "cli/named_config.h"
#include "cli/options.h"

#define EXIT_DIFFERENT 1

struct config_args {
	bool json;
	const char *arch; /* static; NULL: any */
};

static int fail(struct err *e)
{
	err_print(e);
	err_release(e);
	return EXIT_RIG;
}

static int set_json(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct config_args *a = arg;

	a->json = true;
	return 0;
}

static void print_json(const json_t *j)
{
	_cleanup_free_ char *text = json_dumps(j, JSON_INDENT(2));

	printf("%s\n", text);
}

/* ---- show ---- */

static const struct cli_option show_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON object; an option that is not set is null" },
	{ 0 },
};

static const struct cli_command show_command = {
	.name = "kernel config show",
	.synopsis = "[options] [KERNEL]",
	.summary =
		"Prints a kernel's configuration by names: that of its .config, of its package, or from inside its\n"
		"image (CONFIG_IKCONFIG). KERNEL may be a .config file too; without it, the default kernel.",
	.options = show_options,
	.set = set_json,
};

static void show(const struct kconfig *k, bool json)
{
	_cleanup_json_ json_t *all = json_object();
	const char *option, *value;

	for (size_t i = 0; kconfig_at(k, i, &option, &value); i++) {
		if (json)
			json_object_set_new(
				all, option, value ? json_text(value, strlen(value)) : json_null());
		else if (value)
			printf("CONFIG_%s=%s\n", option, value);
		else
			printf("# CONFIG_%s is not set\n", option);
	}
	if (json)
		print_json(all);
}

static int cmd_show(int argc, char **argv)
{
	_cleanup_named_config_ struct named_config c = { 0 };
	struct config_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&show_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first > 1)
		return cli_usage_error(&show_command, "unexpected word '%s'", argv[first + 1]);
	if (named_config_get(first < argc ? argv[first] : NULL, &c, &e) < 0)
		return fail(&e);
	show(c.config, a.json);
	return 0;
}

/* ---- diff ---- */

static const struct cli_option diff_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array of the lines" },
	{ 0 },
};

static const struct cli_command diff_command = {
	.name = "kernel config diff",
	.synopsis = "[options] A B",
	.summary =
		"Prints the options in which two configurations differ: \"-\" what A has, \"+\" what B has. Each is a\n"
		".config file, a folder with one, or a kernel. Exits 1 when there are any.",
	.options = diff_options,
	.set = set_json,
};

static int cmd_diff(int argc, char **argv)
{
	_cleanup_named_config_ struct named_config from = { 0 }, to = { 0 };
	_cleanup_strv_ struct strv lines = STRV_INIT;
	struct config_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&diff_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (argc - first != 2)
		return cli_usage_error(&diff_command, "two configurations are compared");
	r = named_config_get(argv[first], &from, &e);
	if (r == 0)
		r = named_config_get(argv[first + 1], &to, &e);
	if (r < 0)
		return fail(&e);
	kconfig_diff(from.config, to.config, &lines);
	if (a.json) {
		_cleanup_json_ json_t *all = json_strv(&lines);

		print_json(all);
	} else {
		for (size_t i = 0; i < lines.n; i++)
			puts(lines.v[i]);
	}
	return lines.n ? EXIT_DIFFERENT : 0;
}

/* ---- fragments ---- */

static const struct cli_command fragments_command;

static int set_arch(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct config_args *a = arg;

	return cli_arch(&fragments_command, where, value, &a->arch);
}

static const struct cli_option fragments_options[] = {
	{ "arch", 0, "ARCH", NULL, "only what it says for x86_64 or aarch64" },
	{ 0 },
};

static const struct cli_command fragments_command = {
	.name = "kernel config fragments",
	.synopsis = "[options] [NAME]",
	.summary = "Lists the built-in fragments of configurations, or prints one.",
	.options = fragments_options,
	.set = set_arch,
};

/* What a fragment begins with, behind its licence: a comment of a few lines. */
static void print_summary(const char *name, const char *text)
{
	const char *line = strchr(text, '\n');

	printf("%-12s", name);
	for (line = line ? line + 1 : ""; line[0] == '#'; line++) {
		size_t n = strcspn(line, "\n");

		printf("%.*s", (int)(n - 1), line + 1);
		line += n;
		if (*line == '\0')
			break;
	}
	putchar('\n');
}

static int list_fragments(void)
{
	const char *const *names = kconfig_fragment_names();

	for (size_t i = 0; names[i]; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		struct err e = ERR_INIT;

		if (kconfig_fragment_text(names[i], NULL, &text, &e) < 0)
			return fail(&e);
		print_summary(names[i], buf_str(&text));
	}
	return 0;
}

static int cmd_fragments(int argc, char **argv)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct config_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&fragments_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first == argc)
		return list_fragments();
	if (argc - first > 1)
		return cli_usage_error(&fragments_command, "unexpected word '%s'", argv[first + 1]);
	if (kconfig_fragment_text(argv[first], a.arch, &text, &e) < 0) {
		fail(&e);
		return EXIT_USAGE;
	}
	fputs(buf_str(&text), stdout);
	return 0;
}

static const struct cli_entry commands[] = {
	{ "diff", cmd_diff, "print the options in which two configurations differ" },
	{ "fragments", cmd_fragments, "list or print the built-in fragments" },
	{ "show", cmd_show, "print a kernel's configuration" },
};

static const struct cli_menu menu = { "kernel config",
	"Configurations of kernels: whole ones, and the built-in fragments.", commands,
	ARRAY_SIZE(commands) };

int cmd_kernel_config(int argc, char **argv)
{
	return cli_dispatch(&menu, argc, argv);
}
