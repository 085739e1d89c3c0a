/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "kernel/kernel.h"

struct list_args {
	bool json;
};

static int set_list(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct list_args *a = arg;

	a->json = true;
	return 0;
}

static const struct cli_option list_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array" },
	{ 0 },
};

static const struct cli_command list_command = {
	.name = "kernel list",
	.synopsis = "[options]",
	.summary =
		"Lists the kernels in the cache, this machine's and the newest first: the first is the default one.",
	.options = list_options,
	.set = set_list,
};

static void print_json(const struct kernel *v, size_t n)
{
	_cleanup_json_ json_t *all = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			all, json_pack("{s:s, s:s?, s:s?, s:s, s:s?}", "label", v[i].label,
				     "release", v[i].release, "arch", v[i].arch, "image",
				     v[i].image, "modules", v[i].modules_dir));
	text = json_dumps(all, JSON_INDENT(2));
	printf("%s\n", text);
}

int cmd_kernel_list(int argc, char **argv)
{
	struct list_args a = { 0 };
	_cleanup_strv_ struct strv damaged = STRV_INIT;
	struct kernel *v = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int first, r = cli_parse(&list_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&list_command, "unexpected word '%s'", argv[first]);
	r = kernel_list(&v, &n, &damaged, &e);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	if (a.json)
		print_json(v, n);
	for (size_t i = 0; i < n; i++) {
		if (!a.json)
			printf("%-20s %-28s %s\n", v[i].label, v[i].release, v[i].arch);
		kernel_release(&v[i]);
	}
	if (n == 0 && !a.json)
		fprintf(stderr,
			"No kernel is cached. 'vmrig kernel fetch debian:6.1' fetches one.\n");
	for (size_t i = 0; i < damaged.n; i++)
		fprintf(stderr, "vmrig: %s\n", damaged.v[i]);
	free(v);
	return 0;
}
