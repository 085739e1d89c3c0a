/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "live/live.h"

struct console_args {
	struct live_export export;
	bool read_only, no_history, json;
};

enum option { OPT_READ_ONLY, OPT_NO_HISTORY, OPT_TELNET, OPT_SOCKET, OPT_JSON, OPT_END };

static const struct cli_option options[] = {
	[OPT_READ_ONLY] = { "read-only", 'r', NULL, NULL,
		"only watch: nothing typed goes to the guest" },
	[OPT_NO_HISTORY] = { "no-history", 0, NULL, NULL,
		"do not begin with the console's last lines" },
	[OPT_TELNET] = { "telnet", 0, "PORT", NULL,
		"offer it by telnet on 127.0.0.1 instead (a free port, which is told)", true },
	[OPT_SOCKET] = { "socket", 0, "PATH", NULL,
		"offer it on a Unix socket instead, mode 0600" },
	[OPT_JSON] = { "json", 0, NULL, NULL, "the list as JSON" },
	[OPT_END] = { 0 },
};

static int set_option(
	void *arg, const struct cli_option *opt, const char *value, const char *where);

static const struct cli_command command = {
	.name = "console",
	.synopsis = "[options] [GUEST]",
	.summary =
		"Lists the guests that run, or is on the serial console of the one that GUEST names: by its name, id or\n"
		"pid, or by a glob. Ctrl-] leaves it; the guest runs on. Any number may watch and type at once.",
	.options = options,
	.set = set_option,
};

static int set_telnet(struct console_args *a, const char *value, const char *where)
{
	const char *colon = value ? strrchr(value, ':') : NULL;
	int64_t port = 0;
	int r;

	a->export.telnet = true;
	if (!value)
		return 0;
	if (colon && !str_starts(value, "127.0.0.1:") && !str_starts(value, "localhost:"))
		return cli_usage_error(&command,
			"%s: '%s' is reached by others: a console is offered on 127.0.0.1 alone",
			where, value);
	r = cli_number(&command, where, colon ? colon + 1 : value, 1, 65535, &port);
	a->export.port = (uint16_t)port;
	return r;
}

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct console_args *a = arg;

	switch ((enum option)(opt - options)) {
	case OPT_READ_ONLY:
		a->read_only = true;
		return 0;
	case OPT_NO_HISTORY:
		a->no_history = true;
		return 0;
	case OPT_TELNET:
		return set_telnet(a, value, where);
	case OPT_SOCKET:
		a->export.path = value;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* ---- the list ---- */

static const char *fact(const struct live_guest *g, const char *key)
{
	const char *s = json_string_value(json_object_get(g->info, key));

	return s ? s : "-";
}

static void add_row(struct buf *b, const struct live_guest *g)
{
	_cleanup_buf_ struct buf row = BUF_INIT;

	buf_addf(&row, "%-12s %-8s %-7s %-8s %s  %s\n", g->id, fact(g, "arch"), fact(g, "accel"),
		fact(g, "machine"), g->since, g->name);
	text_clean(b, row.data, row.len);
}

static void add_json(struct buf *b, const struct live_list *l)
{
	_cleanup_json_ json_t *all = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct live_guest *g = &l->v[i];

		json_array_append_new(
			all, json_pack("{s:s, s:s, s:i, s:s, s:O}", "id", g->id, "name", g->name,
				     "pid", (int)g->pid, "since", g->since, "info", g->info));
	}
	text = json_dumps(all, JSON_INDENT(2));
	buf_adds(b, text);
	buf_addc(b, '\n');
}

static int list(bool json, struct err *e)
{
	__attribute__((cleanup(live_list_release))) struct live_list l = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = live_find(&l, e);

	if (r < 0)
		return r;
	if (json)
		add_json(&b, &l);
	else if (l.n)
		buf_addf(&b, "%-12s %-8s %-7s %-8s %-24s  %s\n", "ID", "ARCH", "ACCEL", "MACHINE",
			"SINCE", "NAME");
	for (size_t i = 0; !json && i < l.n; i++)
		add_row(&b, &l.v[i]);
	r = fd_write_all(STDOUT_FILENO, buf_str(&b), b.len);
	if (r < 0)
		return err_sys(e, -r, "cannot write to standard output");
	if (l.n == 0 && !l.silent)
		fprintf(stderr, "vmrig: no guest of this user runs\n");
	if (l.silent)
		fprintf(stderr, "vmrig: %zu guest%s not answer: stopped, or their vmrig is\n",
			l.silent, l.silent == 1 ? " does" : "s do");
	return 0;
}

static int attach(const struct console_args *a, const char *which, struct err *e)
{
	_cleanup_free_ char *name = NULL;
	json_t *what = json_pack("{s:s, s:b, s:b}", "open", "console", "write", !a->read_only,
		"history", !a->no_history);
	int fd = live_open(which, what, &name, e);
	const struct live_attach o = { a->read_only, name };

	return fd < 0 ? fd : live_attach(fd, &o, e);
}

int cmd_console(int argc, char **argv)
{
	struct console_args a = { 0 };
	struct err e = ERR_INIT;
	int first, r = cli_parse(&command, argc, argv, &a, &first);
	bool exports = a.export.telnet || a.export.path;

	if (r == CLI_OK && argc - first > 1)
		r = cli_usage_error(&command, "more than one GUEST given");
	if (r == CLI_OK && a.export.telnet && a.export.path)
		r = cli_usage_error(
			&command, "--telnet and --socket are two ways; start it twice for both");
	if (r == CLI_OK && exports && first == argc)
		r = cli_usage_error(
			&command, "the console of which guest? 'vmrig console' lists them");
	if (r != CLI_OK)
		return r;
	a.export.which = argv[first];
	a.export.read_only = a.read_only;
	if (first == argc)
		r = list(a.json, &e);
	else
		r = exports ? live_export(&a.export, &e) : attach(&a, argv[first], &e);
	if (r < 0)
		err_print(&e);
	err_release(&e);
	return r < 0 ? EXIT_INFRA : 0;
}
