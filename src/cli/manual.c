/* SPDX-License-Identifier: MIT */
#include "cli/manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text in which nothing is troff's: backslashes, dashes that are options', and dots and quotes that begin a line. */
static void put(const char *s)
{
	bool begins = true;

	for (; *s; s++) {
		if (begins && (*s == '.' || *s == '\''))
			printf("\\&");
		if (*s == '\\')
			printf("\\e");
		else if (*s == '-')
			printf("\\-");
		else
			putchar(*s);
		begins = *s == '\n';
	}
}

static void put_upper(const char *s)
{
	for (; *s; s++)
		putchar(*s == ' ' ? '-' : toupper((unsigned char)*s));
}

static void put_name(const char *command)
{
	printf("vmrig");
	for (const char *p = command; *p; p++) {
		if (p == command)
			putchar('-');
		putchar(*p == ' ' ? '-' : *p);
	}
}

/* The first sentence, as apropos(1) shows it. */
static void put_short(const char *summary)
{
	size_t n = strcspn(summary, ".:\n");

	putchar(tolower((unsigned char)summary[0]));
	for (size_t i = 1; i < n; i++)
		putchar(summary[i]);
}

static void head(const char *name, const char *summary)
{
	printf(".TH VMRIG");
	if (*name)
		putchar('-');
	put_upper(name);
	printf(" 1 \"\" \"vmrig %s\" \"vmrig\"\n.SH NAME\n", VMRIG_VERSION);
	put_name(name);
	printf(" \\- ");
	put_short(summary);
	printf("\n.SH SYNOPSIS\n.B vmrig");
	if (*name)
		printf(" %s", name);
	printf("\n");
}

/* Lines stay lines where they are a table: those that begin with a blank. */
static void paragraphs(const char *s)
{
	bool table = false;

	while (*s) {
		size_t n = strcspn(s, "\n");
		char line[512];

		snprintf(line, sizeof(line), "%.*s", (int)n, s);
		if ((line[0] == ' ') != table) {
			printf(table ? ".fi\n" : ".nf\n");
			table = !table;
		}
		if (!n)
			printf(".PP\n");
		else {
			put(line);
			putchar('\n');
		}
		s += n + (s[n] == '\n');
	}
	if (table)
		printf(".fi\n");
}

void manual_menu(const struct cli_menu *m)
{
	head(m->name, m->summary);
	printf(".I COMMAND\n[options]\n.SH DESCRIPTION\n");
	paragraphs(m->summary);
	printf(".SH COMMANDS\n");
	for (size_t i = 0; i < m->n; i++) {
		if (!m->entries[i].summary)
			continue;
		printf(".TP\n.B %s\n", m->entries[i].name);
		put(m->entries[i].summary);
		putchar('\n');
	}
	printf(".PP\nEach has a page of its own: vmrig");
	if (*m->name)
		printf("\\-%s", m->name);
	printf("\\-\\fICOMMAND\\fP(1).\n");
}

void manual_command(const struct cli_command *c)
{
	head(c->name, c->summary);
	put(c->synopsis);
	printf("\n.SH DESCRIPTION\n");
	paragraphs(c->summary);
	printf(".SH OPTIONS\n");
	for (const struct cli_option *o = c->options; o->name; o++) {
		printf(".TP\n");
		if (o->letter)
			printf("\\fB\\-%c\\fP, ", o->letter);
		printf("\\fB\\-\\-");
		put(o->name);
		printf("\\fP");
		if (o->arg) {
			printf(o->optional ? "[=\\fI" : " \\fI");
			put(o->arg);
			printf(o->optional ? "\\fP]" : "\\fP");
		}
		putchar('\n');
		put(o->help);
		if (o->env)
			printf("; by the environment: %s", o->env);
		putchar('\n');
	}
	printf(".TP\n\\fB\\-h\\fP, \\fB\\-\\-help\\fP\nThese options, and no more.\n");
	if (c->epilog) {
		printf(".SH NOTES\n");
		paragraphs(c->epilog);
	}
	printf(".SH SEE ALSO\n.BR vmrig (1)\n");
}
