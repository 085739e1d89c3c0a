/* SPDX-License-Identifier: MIT */
/*
 * Commands by name, in menus of menus. What a command line may be is known by these menus and the tables of options.h alone: help,
 * manual pages and completions are made from them.
 */
#ifndef CLI_DISPATCH_H
#define CLI_DISPATCH_H

#include <stddef.h>

struct cli_entry {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is its name; returns the exit code */
	const char *summary; /* a line; NULL: for our own use, and not shown */
};

struct cli_menu {
	const char *name; /* "kernel", "kernel config"; "": that of vmrig itself */
	const char *summary; /* a line or a few */
	const struct cli_entry *entries;
	size_t n;
};

/* Runs the entry that argv[1] names. */
int cli_dispatch(const struct cli_menu *m, int argc, char **argv);

/* What is done with the menus and options on the way to a command. */
enum cli_purpose {
	CLI_RUN, /* they are followed */
	CLI_COMPLETE, /* what the last word of argv may become is printed, cli_complete.h */
	CLI_MANUAL, /* the page of the command that argv ends in is printed */
};
extern enum cli_purpose cli_purpose;

#endif
