/* SPDX-License-Identifier: MIT */
/* Private to src/base: what the loop blocks must not stay blocked in children. */
#ifndef BASE_LOOP_SIGNAL_H
#define BASE_LOOP_SIGNAL_H

#include <signal.h>

#include "base/loop.h"

/* The signals of one loop; made with the first loop_signal_add(). */
struct loop_signals;

/* Frees them (NULL is fine), and gives back the signals that nothing else blocks. */
void loop_signals_free(struct loop_signals *s);

/* The loop's place for them. */
struct loop_signals **loop_signals_of(struct loop *l);

/* The signal mask that the process began with; the current one if no loop blocked anything yet. */
void loop_original_mask(sigset_t *ret);

#endif
