/* SPDX-License-Identifier: MIT */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "kernel/cache.h"
#include "live/live.h"
#include "proof/proof.h"
#include "suite/suite.h"
#include "variant/variant.h"

static void offer(const char *word, const char *candidate, const char *what)
{
	if (str_starts(candidate, word))
		printf("%s\t%s\n", candidate, what ? what : "");
}

void complete_menu(const struct cli_menu *m, const char *word)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].summary)
			offer(word, m->entries[i].name, m->entries[i].summary);
}

/* ---- values ---- */

static void kernels(const char *word)
{
	struct cache_entry *v = NULL;
	size_t n = 0;

	if (cache_list(&v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (v[i].built.aside) /* of a proof alone */
			continue;
		if (v[i].kernel.label)
			offer(word, v[i].kernel.label, v[i].kernel.release);
		for (size_t k = 0; k < v[i].labels.n; k++)
			offer(word, v[i].labels.v[k], v[i].kernel.release);
	}
	cache_entries_free(v, n);
}

static void variants(const char *word)
{
	struct variants v = { 0 };

	if (variants_find(NULL, &v, NULL) < 0)
		return;
	for (size_t i = 0; i < v.n; i++)
		offer(word, v.v[i].name, v.v[i].source);
	variants_release(&v);
}

static void features(const char *word)
{
	struct features f = { 0 };

	if (features_load("vmrig.yaml", &f, NULL) < 0)
		return;
	offer(word, "all", "each of them");
	for (size_t i = 0; i < f.n; i++)
		offer(word, f.v[i].name, NULL);
	features_release(&f);
}

static void tests(const char *word)
{
	struct suite *s;

	if (suite_load("vmrig.yaml", &s, NULL) < 0)
		return;
	for (size_t i = 0; i < s->n_tests; i++)
		offer(word, s->tests[i].name, s->tests[i].description);
	suite_free(s);
}

static void tags(const char *word)
{
	_cleanup_strv_ struct strv all = STRV_INIT;
	struct suite *s;

	if (suite_load("vmrig.yaml", &s, NULL) < 0)
		return;
	for (size_t i = 0; i < s->n_tests; i++)
		for (size_t k = 0; k < s->tests[i].tags.n; k++)
			if (!strv_has(&all, s->tests[i].tags.v[k]))
				strv_add(&all, s->tests[i].tags.v[k]);
	for (size_t i = 0; i < all.n; i++)
		offer(word, all.v[i], NULL);
	suite_free(s);
}

static void guests(const char *word)
{
	struct live_list l;

	if (live_find(&l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		offer(word, l.v[i].name, l.v[i].id);
	live_list_release(&l);
}

static void files(const char *word)
{
	printf(":files\n");
}

static void dirs(const char *word)
{
	printf(":dirs\n");
}

static void kernels_or_files(const char *word)
{
	kernels(word);
	files(word);
}

/* By the option's name, or by what its argument is called. */
static const struct {
	const char *option, *arg;
	void (*offer)(const char *word);
	const char *words[7];
} values[] = {
	{ "variant", NULL, variants, { 0 } },
	{ "kernel", NULL, kernels_or_files, { 0 } },
	{ "prove", NULL, features, { 0 } },
	{ "filter", NULL, tests, { 0 } },
	{ "tag", NULL, tags, { 0 } },
	{ "accel", NULL, NULL, { "auto", "kvm", "tcg", "nested" } },
	{ "machine", NULL, NULL, { "auto", "microvm", "q35", "virt" } },
	{ "isolate", NULL, NULL, { "clone", "boot", "shared" } },
	{ "platform", NULL, NULL,
		{ "github", "actuated", "self-hosted", "gitlab", "buildkite", "drone" } },
	{ "arch", NULL, NULL, { "x86_64", "aarch64" } },
	{ "root", NULL, dirs, { "none" } },
	{ NULL, "GUEST", guests, { 0 } },
	{ NULL, "DIR", dirs, { 0 } },
	{ NULL, "FILE", files, { 0 } },
	{ NULL, "DIR|URL", dirs, { 0 } },
	{ NULL, "CASE|DIR", dirs, { 0 } },
	{ NULL, "URL|FILE", files, { 0 } },
	{ NULL, "NAME|FILE", files, { 0 } },
	{ NULL, "BASE", files, { "tinyconfig", "defconfig", "host" } },
};

static void offer_value(const struct cli_option *o, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		if (values[i].option ? !streq(values[i].option, o->name)
				     : !streq(values[i].arg, o->arg))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(values[i].words) && values[i].words[k]; k++)
			offer(word, values[i].words[k], NULL);
		if (values[i].offer)
			values[i].offer(word);
		return;
	}
}

static void offer_operand(const struct cli_command *c, const char *word)
{
	if (strstr(c->synopsis, "SPEC") || strstr(c->synopsis, "KERNEL"))
		kernels(word);
	if (strstr(c->synopsis, "GUEST"))
		guests(word);
	if (strstr(c->synopsis, "SUITE") || strstr(c->synopsis, "FILE") ||
		strstr(c->synopsis, "SPEC") || strstr(c->synopsis, "KERNEL"))
		files(word);
}

/* ---- options ---- */

/* That which WORD names, "--kernel" or "-k", and takes its argument from the next word; NULL. */
static const struct cli_option *awaits(const struct cli_command *c, const char *word)
{
	for (const struct cli_option *o = c->options; o->name; o++)
		if (o->arg && !o->optional &&
			((str_starts(word, "--") && streq(word + 2, o->name)) ||
				(word[0] == '-' && word[1] == o->letter && word[1] && !word[2])))
			return o;
	return NULL;
}

static void offer_options(const struct cli_command *c, const char *word)
{
	for (const struct cli_option *o = c->options; o->name; o++) {
		_cleanup_free_ char *name = xasprintf("--%s", o->name);

		offer(word, name, o->help);
	}
	offer(word, "--help", "what there is");
}

void complete_options(const struct cli_command *c, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[argc - 1] : "";
	const struct cli_option *waiting = NULL;

	for (int i = 1; i < argc - 1; i++) {
		if (waiting) {
			waiting = NULL;
			continue;
		}
		waiting = awaits(c, argv[i]);
		/* Behind "--", or behind somebody else's command, the words are not ours. */
		if (streq(argv[i], "--") || (c->runs_command && argv[i][0] != '-')) {
			printf(i == argc - 2 && streq(argv[i], "--") ? ":commands\n" : ":files\n");
			return;
		}
	}
	if (waiting)
		offer_value(waiting, word);
	else if (word[0] == '-')
		offer_options(c, word);
	else if (c->runs_command)
		printf(":commands\n");
	else
		offer_operand(c, word);
}
