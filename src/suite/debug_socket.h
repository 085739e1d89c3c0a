/* SPDX-License-Identifier: MIT */
/* Private to the room: a socket on which a debugger finds a guest. */
#ifndef SUITE_DEBUG_SOCKET_H
#define SUITE_DEBUG_SOCKET_H

#include "base/err.h"

struct debug_socket {
	char *path; /* owned */
	int fd; /* owned: it listens; -1: none */
};

/* In the folder DIR, where its owner alone may come to it. */
int debug_socket_open(const char *dir, struct debug_socket *ret, struct err *e);
void debug_socket_close(struct debug_socket *s);

#endif
