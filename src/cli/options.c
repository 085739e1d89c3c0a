/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/complete.h"
#include "cli/manual.h"

#define OPTIONS_MAX 64
#define FIRST_LONG  1000
#define HELP_LONG   999

static size_t count(const struct cli_command *c)
{
	size_t n = 0;

	while (c->options[n].name)
		n++;
	BUG_ON(n > OPTIONS_MAX);
	return n;
}

int cli_usage_error(const struct cli_command *c, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	fprintf(stderr, "vmrig %s: %s\nTry 'vmrig %s --help'.\n", c->name, text, c->name);
	return EXIT_USAGE;
}

static int unknown(const struct cli_command *c, const char *word)
{
	const char *names[OPTIONS_MAX + 1];
	_cleanup_free_ char *name = NULL;
	const char *near;
	size_t n = count(c);

	if (!str_starts(word, "--"))
		return cli_usage_error(c, "unknown option '%s'", word);
	for (size_t i = 0; i < n; i++)
		names[i] = c->options[i].name;
	names[n] = "help";
	name = xstrndup(word + 2, strcspn(word + 2, "="));
	near = text_nearest(name, names, n + 1);
	if (near)
		return cli_usage_error(
			c, "unknown option '--%s'; did you mean '--%s'?", name, near);
	return cli_usage_error(c, "unknown option '--%s'", name);
}

static int from_environment(const struct cli_command *c, void *arg)
{
	for (const struct cli_option *o = c->options; o->name; o++) {
		const char *value = o->env ? getenv(o->env) : NULL;
		_cleanup_free_ char *where = NULL;
		int r;

		if (!value || !*value)
			continue;
		where = xasprintf("$%s", o->env);
		r = c->set(arg, o, value, where);
		if (r)
			return r;
	}
	return 0;
}

/* The option that getopt returned CODE for. */
static const struct cli_option *find(const struct cli_command *c, int code)
{
	for (size_t i = 0; c->options[i].name; i++)
		if (code == FIRST_LONG + (int)i ||
			(c->options[i].letter && code == c->options[i].letter))
			return &c->options[i];
	return NULL;
}

static void make_tables(const struct cli_command *c, struct option longs[static OPTIONS_MAX + 2],
	char shorts[static 2 * OPTIONS_MAX + 4])
{
	size_t n = count(c), s = 0;

	if (c->runs_command)
		shorts[s++] = '+';
	shorts[s++] = ':';
	shorts[s++] = 'h';
	for (size_t i = 0; i < n; i++) {
		const struct cli_option *o = &c->options[i];

		longs[i] = (struct option){ o->name,
			!o->arg       ? no_argument
			: o->optional ? optional_argument
				      : required_argument,
			NULL, FIRST_LONG + (int)i };
		if (o->letter)
			shorts[s++] = o->letter;
		if (o->letter && o->arg)
			shorts[s++] = ':';
	}
	longs[n] = (struct option){ "help", no_argument, NULL, HELP_LONG };
	longs[n + 1] = (struct option){ 0 };
	shorts[s] = '\0';
}

int cli_parse(const struct cli_command *c, int argc, char **argv, void *arg, int *ret_index)
{
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 4];
	int code, r;

	if (cli_purpose == CLI_COMPLETE) {
		complete_options(c, argc, argv);
		return 0;
	}
	if (cli_purpose == CLI_MANUAL) {
		manual_command(c);
		return 0;
	}
	r = from_environment(c, arg);
	make_tables(c, longs, shorts);
	opterr = 0;
	optind = 1;
	while (!r && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct cli_option *o = find(c, code);
		_cleanup_free_ char *where = NULL;

		if (code == 'h' || code == HELP_LONG) {
			cli_help(c);
			return 0;
		}
		if (code == ':')
			return cli_usage_error(
				c, "option '%s' needs an argument", argv[optind - 1]);
		if (!o && optopt > 0 && optopt < 256)
			return cli_usage_error(c, "unknown option '-%c'", optopt);
		if (!o && optopt >= HELP_LONG)
			return cli_usage_error(
				c, "option '%s' takes no argument", argv[optind - 1]);
		if (!o)
			return unknown(c, argv[optind - 1]);
		where = code < 256 ? xasprintf("-%c", code) : xasprintf("--%s", o->name);
		r = c->set(arg, o, optarg, where);
	}
	if (r)
		return r;
	*ret_index = optind;
	return CLI_OK;
}

static int bad_value(const struct cli_command *c, const char *where, struct err *e)
{
	int r = cli_usage_error(c, "%s: %s", where, err_text(e));

	err_release(e);
	return r;
}

int cli_duration(const struct cli_command *c, const char *where, const char *value, int64_t *ret_ms)
{
	struct err e = ERR_INIT;

	return duration_parse(value, ret_ms, &e) < 0 ? bad_value(c, where, &e) : 0;
}

int cli_mib(const struct cli_command *c, const char *where, const char *value, uint32_t *ret_mib)
{
	struct err e = ERR_INIT;

	return size_parse_mib(value, ret_mib, &e) < 0 ? bad_value(c, where, &e) : 0;
}

int cli_number(const struct cli_command *c, const char *where, const char *value, int64_t min,
	int64_t max, int64_t *ret)
{
	if (str_to_i64(value, min, max, ret) == 0)
		return 0;
	return cli_usage_error(c, "%s: '%s' is not a number from %lld to %lld", where, value,
		(long long)min, (long long)max);
}

int cli_arch(const struct cli_command *c, const char *where, const char *value, const char **ret)
{
	const char *arch = arch_parse(value);

	if (!arch || (!streq(arch, "x86_64") && !streq(arch, "aarch64")))
		return cli_usage_error(c, "%s: '%s' is neither x86_64 nor aarch64", where, value);
	*ret = arch;
	return 0;
}

int cli_isolate(
	const struct cli_command *c, const char *where, const char *value, enum suite_isolate *ret)
{
	if (suite_isolate_parse(value, ret) == 0)
		return 0;
	return cli_usage_error(c, "%s: '%s' is none of clone, boot, shared", where, value);
}
