/* SPDX-License-Identifier: MIT */
/* A line for the person who waits for a guest to come up: shown on stderr after a second, taken away again. */
#ifndef SUITE_WAITING_H
#define SUITE_WAITING_H

#include "base/loop.h"

struct waiting;

/* TEXT (copied) is shown from LOOP unless waiting_end comes first. NULL where stderr is no person's terminal. */
struct waiting *waiting_new(struct loop *loop, const char *text);
/* Takes the line away; frees W. NULL is fine. */
void waiting_end(struct waiting *w);

#endif
