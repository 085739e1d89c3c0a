/* SPDX-License-Identifier: MIT */
/* The help of a subcommand, from its table, for a terminal of 80 columns. */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/options.h"
#include "cli/pager.h"

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

/* Adds a paragraph word by word; the cursor is in COLUMN, further lines begin in INDENT. */
static void fill(struct buf *b, const char *text, size_t len, size_t column, size_t indent)
{
	const char *end = text + len;
	bool first = true;

	while (text < end) {
		size_t n = 0, width;

		while (text + n < end && text[n] != ' ' && text[n] != '\n')
			n++;
		width = columns(text, n);
		if (!first && column + 1 + width >= HELP_WIDTH) {
			buf_addf(b, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			buf_addc(b, ' ');
			column++;
		}
		buf_add(b, text, n);
		column += width;
		first = false;
		text += n;
		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
	}
	buf_addc(b, '\n');
}

/* Paragraphs are filled; lines that begin with a blank, and empty ones, stay as they are. */
static void fill_all(struct buf *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (*text == ' ' || n == 0) {
			buf_addf(b, "%.*s\n", (int)n, text);
		} else {
			while (text[n] && text[n + 1] && text[n + 1] != ' ' && text[n + 1] != '\n')
				n += 1 + strcspn(text + n + 1, "\n");
			fill(b, text, n, 0, 0);
		}
		text += n + (text[n] == '\n');
	}
}

static void help_option(struct buf *b, const struct cli_option *o)
{
	_cleanup_buf_ struct buf help = BUF_INIT;
	size_t start = b->len;

	if (o->letter)
		buf_addf(b, "  -%c, ", o->letter);
	else
		buf_adds(b, "      ");
	buf_addf(b, "--%s", o->name);
	if (o->arg)
		buf_addf(b, o->optional ? "[=%s]" : " %s", o->arg);
	if (b->len - start >= HELP_COLUMN)
		buf_addc(b, ' ');
	while (b->len - start < HELP_COLUMN)
		buf_addc(b, ' ');
	buf_adds(&help, o->help);
	if (o->env)
		buf_addf(&help, " [$%s]", o->env);
	fill(b, buf_str(&help), help.len, b->len - start, HELP_COLUMN);
}

void cli_help(const struct cli_command *c)
{
	_cleanup_free_ char *usage = xasprintf("Usage: vmrig %s %s", c->name, c->synopsis);
	_cleanup_buf_ struct buf b = BUF_INIT;

	fill(&b, usage, strlen(usage), 0, sizeof("Usage: vmrig ") - 1);
	buf_addc(&b, '\n');
	fill_all(&b, c->summary);
	if (c->options[0].name)
		buf_adds(&b, "\nOptions:\n");
	for (const struct cli_option *o = c->options; o->name; o++)
		help_option(&b, o);
	if (c->epilog) {
		buf_addc(&b, '\n');
		fill_all(&b, c->epilog);
	}
	pager_show(buf_str(&b), b.len);
}
