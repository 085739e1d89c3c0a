/* SPDX-License-Identifier: MIT */
/*
 * Private to the room: bytes from a guest to a descriptor of ours that may be slow. The loop never blocks
 * on it, so signals and limits keep working; above SINK_HIGH bytes the guest is to be paused.
 */
#ifndef SUITE_SINK_H
#define SUITE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

#define SINK_HIGH (1024 * 1024)

struct sink;

/* CHANGED is called when bytes were taken or the descriptor failed. FD is borrowed. */
struct sink *sink_new(struct loop *loop, int fd, void (*changed)(void *arg), void *arg);
void sink_free(struct sink *s);
void sink_write(struct sink *s, const char *data, size_t len);
size_t sink_pending(const struct sink *s);
/* 0, or the negative errno with which writing failed; nothing is written any more then. */
int sink_error(const struct sink *s);

#endif
