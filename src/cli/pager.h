/* SPDX-License-Identifier: MIT */
/* What a person asked to read and is longer than the terminal is shown a screen at a time. */
#ifndef CLI_PAGER_H
#define CLI_PAGER_H

#include <stddef.h>

/*
 * Prints TEXT on stdout; where that is a terminal with fewer rows than TEXT has lines, through $PAGER, by default
 * less. PAGER that is empty or "cat", and a pager that is not there, mean that it is simply printed.
 */
void pager_show(const char *text, size_t len);

#endif
