/* SPDX-License-Identifier: MIT */
/* Manual pages in man(7)'s language, from what --help is made of. */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include "cli/dispatch.h"
#include "cli/options.h"

void manual_menu(const struct cli_menu *m);
void manual_command(const struct cli_command *c);

#endif
