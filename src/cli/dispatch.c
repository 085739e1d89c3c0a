/* SPDX-License-Identifier: MIT */
#include "cli/dispatch.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/complete.h"
#include "cli/manual.h"
#include "cli/options.h"

enum cli_purpose cli_purpose = CLI_RUN;

static void help(FILE *out, const struct cli_menu *m)
{
	const char *blank = *m->name ? " " : "";
	int width = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].summary && (int)strlen(m->entries[i].name) > width)
			width = (int)strlen(m->entries[i].name);
	fprintf(out, "Usage: vmrig%s%s COMMAND [options]\n\n%s\n\nCommands:\n", blank, m->name,
		m->summary);
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].summary)
			fprintf(out, "  %-*s  %s\n", width, m->entries[i].name,
				m->entries[i].summary);
	fprintf(out, "\n'vmrig%s%s COMMAND --help' tells more.%s\n", blank, m->name,
		*m->name ? "" : " 'vmrig --version' prints the version.");
}

static int unknown(const struct cli_menu *m, const char *word)
{
	_cleanup_free_ const char **names = xcalloc(m->n, sizeof(*names));
	const char *near, *blank = *m->name ? " " : "";
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].summary)
			names[n++] = m->entries[i].name;
	near = text_nearest(word, names, n);
	fprintf(stderr, "vmrig%s%s: unknown command '%s'", blank, m->name, word);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near);
	fprintf(stderr, "\nTry 'vmrig%s%s --help'.\n", blank, m->name);
	return EXIT_USAGE;
}

/* help COMMAND ...: what COMMAND ... --help prints. */
static int help_for(const struct cli_menu *m, int argc, char **argv)
{
	_cleanup_free_ char **words = xcalloc((size_t)argc + 1, sizeof(*words));
	char option[] = "--help";

	words[0] = argv[0];
	for (int i = 1; i + 1 < argc; i++)
		words[i] = argv[i + 1];
	words[argc - 1] = option;
	return cli_dispatch(m, argc, words);
}

int cli_dispatch(const struct cli_menu *m, int argc, char **argv)
{
	if (argc < 2 && cli_purpose == CLI_MANUAL) {
		manual_menu(m);
		return 0;
	}
	if (argc == 2 && cli_purpose == CLI_COMPLETE) {
		complete_menu(m, argv[1]);
		return 0;
	}
	if (argc < 2) {
		help(stderr, m);
		return EXIT_USAGE;
	}
	if (argc > 2 && streq(argv[1], "help"))
		return help_for(m, argc, argv);
	if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help")) {
		help(stdout, m);
		return 0;
	}
	for (size_t i = 0; i < m->n; i++)
		if (streq(argv[1], m->entries[i].name))
			return m->entries[i].run(argc - 1, argv + 1);
	return unknown(m, argv[1]);
}
