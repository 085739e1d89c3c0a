/* SPDX-License-Identifier: MIT */
/* Private to the room: where templates lie. */
#ifndef MACHINE_TEMPLATE_H
#define MACHINE_TEMPLATE_H

#include "machine/machine.h"

/* The folder of all of them, made. The caller owns the string. */
int template_store(char **ret, struct err *e);

/* Takes KEY's lock in STORE: the descriptor that holds it, or -EBUSY. */
int template_lock(const char *store, const char *key, struct err *e);

/* Removes the entry KEY, whose lock is held. It stops being one before its files go. */
int template_unlink(const char *store, const char *key, struct err *e);

/* What KEY.tmp dead processes left, whose lock is free. */
void template_sweep(const char *store);

#endif
