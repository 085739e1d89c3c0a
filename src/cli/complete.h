/* SPDX-License-Identifier: MIT */
/*
 * What a word may become, for the completions of shells: a line each, a tab and its explanation behind it. A line that begins with a
 * colon asks the shell for its own: ":files", ":dirs", ":commands".
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "cli/dispatch.h"
#include "cli/options.h"

void complete_menu(const struct cli_menu *m, const char *word);

/* The words up to the cursor are ARGV, the last of them (maybe empty) is to be completed. */
void complete_options(const struct cli_command *c, int argc, char **argv);

#endif
