/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "live/private.h"

#define JOB_MAX 40 /* characters, of the 107 that a name may have */

char *live_prefix(void)
{
	_cleanup_buf_ struct buf job = BUF_INIT;
	const char *wish = getenv("VMRIG_JOB");

	if (!wish || !*wish)
		return xasprintf(LIVE_PREFIX "%u/", (unsigned)geteuid());
	text_file_name(&job, wish);
	return xasprintf(LIVE_PREFIX "%u:%.*s/", (unsigned)geteuid(), JOB_MAX, buf_str(&job));
}

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
