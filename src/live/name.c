/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live/private.h"

void live_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t n = strnlen(name, sizeof(ret->sun_path) - 1);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path + 1, name, n);
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
}

bool live_is_ours(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && c.uid == geteuid();
}
