/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "kernel/cache.h"
#include "variant/variant.h"

#define SHORT_KEY 12

struct list_args {
	bool json, verify;
};

static const char *const states[] = {
	[CACHE_FRESH] = "fresh",
	[CACHE_STALE] = "stale",
	[CACHE_CORRUPT] = "corrupt",
};

static int set_list(void *arg, const struct cli_option *o, const char *value, const char *where)
{
	struct list_args *a = arg;

	if (strcmp(o->name, "json") == 0)
		a->json = true;
	else
		a->verify = true;
	return 0;
}

static const struct cli_option list_options[] = {
	{ "json", 0, NULL, NULL, "as a JSON array" },
	{ "verify", 0, NULL, NULL, "compare the content of every file with its sum" },
	{ 0 },
};

static const struct cli_command list_command = {
	.name = "kernel list",
	.synopsis = "[options]",
	.summary =
		"Lists the kernels in the cache, this machine's and the newest first: the first is the default one.\n"
		"One is stale when its variant's configuration, its source or the compilers are others now, and corrupt\n"
		"when a file is missing or damaged.",
	.options = list_options,
	.set = set_list,
};

static json_t *labels_json(const struct cache_entry *c)
{
	json_t *all = json_array();

	if (c->kernel.label)
		json_array_append_new(all, json_string(c->kernel.label));
	for (size_t i = 0; i < c->labels.n; i++)
		json_array_append_new(all, json_string(c->labels.v[i]));
	return all;
}

static json_t *built_json(const struct cache_built *b)
{
	return json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:o}", "source",
		b->source, "asked", b->asked, "identity", b->identity, "commit", b->commit,
		"recipe", b->recipe, "base", b->base, "toolchain", b->toolchain, "options",
		json_strv(&b->options), "patches", json_strv(&b->patches), "unmet",
		json_strv(&b->unmet));
}

static json_t *entry_json(const struct cache_entry *c)
{
	const struct kernel *k = &c->kernel;

	return json_pack(
		"{s:s?, s:o, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:I, s:o, s:s}",
		"label", k->label, "labels", labels_json(c), "key", k->key, "state",
		states[c->state], "why", c->why, "release", k->release, "arch", k->arch, "image",
		k->image, "modules", k->modules_dir, "package", c->package, "made", c->made,
		"bytes", (json_int_t)c->bytes, "built",
		c->is_built ? built_json(&c->built) : json_null(), "path", c->dir);
}

/* One at a time: some hundred kernels with all their options are megabytes. */
static void print_json(const struct cache_entry *v, size_t n)
{
	printf("[");
	for (size_t i = 0; i < n; i++) {
		_cleanup_json_ json_t *one = entry_json(&v[i]);
		_cleanup_free_ char *text = json_dumps(one, JSON_INDENT(2));

		printf("%s\n%s", i ? "," : "", text);
	}
	printf(n ? "\n]\n" : "]\n");
}

static void print_line(const struct cache_entry *c)
{
	const struct kernel *k = &c->kernel;
	const char *source = c->is_built ? c->built.source : c->package;

	printf("%-24s %-24s %-8s %-8s %-*.*s %6lld MiB  %.10s  %s\n", k->label ? k->label : "?",
		k->release ? k->release : "?", k->arch ? k->arch : "?", states[c->state], SHORT_KEY,
		SHORT_KEY, k->key, (long long)(c->bytes < 0 ? 0 : c->bytes >> 20),
		c->made ? c->made : "?", source ? source : "");
	for (size_t i = 0; i < c->labels.n; i++)
		printf("  also %s\n", c->labels.v[i]);
	if (c->why)
		printf("  %s: %s\n", states[c->state], c->why);
}

int cmd_kernel_list(int argc, char **argv)
{
	struct list_args a = { 0 };
	struct progress_line line;
	struct cache_entry *v = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	int first, r = cli_parse(&list_command, argc, argv, &a, &first);

	if (r != CLI_OK)
		return r;
	if (first < argc)
		return cli_usage_error(&list_command, "unexpected word '%s'", argv[first]);
	progress_line_begin(&line, "kernels", "read");
	r = a.verify ? cache_verify(progress_line_count, &line, &v, &n, &e)
		     : cache_list(&v, &n, &e);
	progress_line_end(&line);
	if (r < 0) {
		err_print(&e);
		err_release(&e);
		return EXIT_RIG;
	}
	variant_judge(v, n, NULL);
	if (a.json)
		print_json(v, n);
	for (size_t i = 0; i < n && !a.json; i++)
		print_line(&v[i]);
	if (n == 0 && !a.json)
		fprintf(stderr, "No kernel is cached. 'vmrig kernel fetch debian:6.1' fetches one, "
				"'vmrig kernel build' builds one.\n");
	cache_entries_free(v, n);
	return 0;
}
