/* SPDX-License-Identifier: MIT */
/* The help of a subcommand, from its table, for a terminal of 80 columns. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/options.h"

#define HELP_COLUMN 28
#define HELP_WIDTH  80

/* The columns that TEXT's first N bytes take: one for each character. */
static size_t columns(const char *text, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += (text[i] & 0xc0) != 0x80;
	return c;
}

/* Prints a paragraph word by word; the cursor is in COLUMN, further lines begin in INDENT. */
static void fill(const char *text, size_t len, size_t column, size_t indent)
{
	const char *end = text + len;
	bool first = true;

	while (text < end) {
		size_t n = 0, width;

		while (text + n < end && text[n] != ' ' && text[n] != '\n')
			n++;
		width = columns(text, n);
		if (!first && column + 1 + width >= HELP_WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)n, text);
		column += width;
		first = false;
		text += n;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	putchar('\n');
}

/* Paragraphs are filled; lines that begin with a blank, and empty ones, stay as they are. */
static void fill_all(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (*text == ' ' || n == 0) {
			printf("%.*s\n", (int)n, text);
		} else {
			while (text[n] && text[n + 1] && text[n + 1] != ' ' && text[n + 1] != '\n')
				n += 1 + strcspn(text + n + 1, "\n");
			fill(text, n, 0, 0);
		}
		text += n + (text[n] == '\n');
	}
}

static void help_option(const struct cli_option *o)
{
	_cleanup_buf_ struct buf b = BUF_INIT, help = BUF_INIT;

	if (o->letter)
		buf_addf(&b, "  -%c, ", o->letter);
	else
		buf_adds(&b, "      ");
	buf_addf(&b, "--%s", o->name);
	if (o->arg)
		buf_addf(&b, o->optional ? "[=%s]" : " %s", o->arg);
	if (b.len >= HELP_COLUMN)
		buf_addc(&b, ' ');
	while (b.len < HELP_COLUMN)
		buf_addc(&b, ' ');
	buf_adds(&help, o->help);
	if (o->env)
		buf_addf(&help, " [$%s]", o->env);
	printf("%s", buf_str(&b));
	fill(buf_str(&help), help.len, b.len, HELP_COLUMN);
}

void cli_help(const struct cli_command *c)
{
	_cleanup_free_ char *usage = xasprintf("Usage: vmrig %s %s", c->name, c->synopsis);

	fill(usage, strlen(usage), 0, sizeof("Usage: vmrig ") - 1);
	putchar('\n');
	fill_all(c->summary);
	if (c->options[0].name)
		printf("\nOptions:\n");
	for (const struct cli_option *o = c->options; o->name; o++)
		help_option(o);
	if (c->epilog) {
		putchar('\n');
		fill_all(c->epilog);
	}
}
