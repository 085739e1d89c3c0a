/* SPDX-License-Identifier: MIT */
/* Locks between processes, by flock(2) on a file: gone with their holder, however it ends. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Takes the lock on PATH (made, mode 0600), waiting until DEADLINE_MS of clock_ms(). Returns the descriptor
 * that holds it (close to release), or -ETIMEDOUT with the holder's pid and command line in the message where
 * /proc/locks tells it. The file was still the one at PATH when it was locked.
 */
int lock_take(const char *path, bool shared, int64_t deadline_ms, struct err *e);

/* Removes the file of a lock that is held exclusively by FD; who waits for it makes another. */
void lock_remove(const char *path, int fd);

#endif
