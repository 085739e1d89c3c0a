/* SPDX-License-Identifier: MIT */
/* Private to the room: a socket on which a debugger finds a guest. */
#ifndef SUITE_DEBUG_SOCKET_H
#define SUITE_DEBUG_SOCKET_H

#include "base/err.h"

struct debug_socket {
	char *path; /* owned: what a debugger of the same user connects to; it is gone with the process */
	int fd; /* owned: it listens; -1: none */
	int inode; /* owned: that the path means; -1: none */
};
#define DEBUG_SOCKET_INIT             \
	{                             \
		.fd = -1, .inode = -1 \
	}

/* DIR is where a file can be made; nothing stays there. */
int debug_socket_open(const char *dir, struct debug_socket *ret, struct err *e);
void debug_socket_close(struct debug_socket *s);

#endif
