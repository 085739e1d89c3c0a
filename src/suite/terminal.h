/* SPDX-License-Identifier: MIT */
/*
 * Private to the room: our own terminal while a guest's program has it: every key goes there, Ctrl-C as well. It is
 * as it was again however we end, but by SIGKILL.
 */
#ifndef SUITE_TERMINAL_H
#define SUITE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pressed so often in a row, it is for us: a guest that hangs takes no other key. */
#define TERMINAL_ESCAPE       0x1d /* Ctrl-] */
#define TERMINAL_ESCAPE_TIMES 3

/* Standard input and output are one. */
bool terminal_is_here(void);
/* Takes it: negative errno. There is one at a time. */
int terminal_take(void);
void terminal_give_back(void); /* one that was not taken is fine */
void terminal_window(uint16_t *ret_rows, uint16_t *ret_columns);
/* Counts the escapes among what was typed: whether they are enough. COUNT is 0 at first. */
bool terminal_escaped(unsigned *count, const char *data, size_t len);

#endif
