/* SPDX-License-Identifier: MIT */
/*
 * The options of a subcommand as one table: getopt_long(3) parses by it, the help text and the errors are
 * made from it, and so cannot differ from what is understood.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "suite/suite.h"

struct cli_option {
	const char *name; /* without "--" */
	char letter; /* 0: none */
	const char *arg; /* what its argument is called in the help; NULL: it takes none */
	const char *env; /* environment variable that stands for it where it is not given; NULL */
	const char *help; /* a line, which the help may break */
	bool optional; /* the argument may be left out; then the value is NULL */
};

struct cli_command {
	const char *name; /* "run" */
	const char *synopsis; /* "[options] -- COMMAND [ARG ...]" */
	const char *
		summary; /* a line or a few, filled anew by the help but for lines that begin with a blank; no newline at the end */
	const struct cli_option *options; /* ends with a NULL name; --help is understood besides */
	const char *epilog; /* further help; NULL */
	bool runs_command; /* the first operand ends the options: what follows is somebody else's */
	/* Takes the option's value (NULL without argument); WHERE is how a person wrote it. Returns 0, or an
	 * exit code after having printed an error. */
	int (*set)(void *arg, const struct cli_option *o, const char *value, const char *where);
};

enum { CLI_OK = -1 };

/*
 * Sets the options from the environment, then those of ARGV. Returns CLI_OK with the index of the first
 * operand, or an exit code: 0 after --help, 2 (EXIT_USAGE) after an error that was printed.
 */
int cli_parse(const struct cli_command *c, int argc, char **argv, void *arg, int *ret_index);

/* Prints "vmrig NAME: …" and where to find help to stderr; returns EXIT_USAGE. */
int cli_usage_error(const struct cli_command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void cli_help(const struct cli_command *c);

/* Readers of values; each prints its error and returns 0 or EXIT_USAGE. */
int cli_duration(
	const struct cli_command *c, const char *where, const char *value, int64_t *ret_ms);
int cli_mib(const struct cli_command *c, const char *where, const char *value, uint32_t *ret_mib);
int cli_number(const struct cli_command *c, const char *where, const char *value, int64_t min,
	int64_t max, int64_t *ret);

/* That of a guest, by the name of base/arch.h. */
int cli_arch(const struct cli_command *c, const char *where, const char *value, const char **ret);

int cli_isolate(
	const struct cli_command *c, const char *where, const char *value, enum suite_isolate *ret);

#define EXIT_USAGE 2

#endif
