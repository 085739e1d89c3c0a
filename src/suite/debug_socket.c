/* SPDX-License-Identifier: MIT */
#include "suite/debug_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

int debug_socket_open(const char *dir, struct debug_socket *ret, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *path = xasprintf("%s/gdb-%d", dir, (int)getpid());
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket for the debugger");
	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s is too long a name for a socket", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	unlink(path); /* of a process that was killed, and had our number */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, 0600) < 0 ||
		listen(fd, 1) < 0)
		return err_sys(e, errno, "cannot listen on %s", path);
	ret->path = TAKE_PTR(path);
	ret->fd = TAKE_FD(fd);
	return 0;
}

void debug_socket_close(struct debug_socket *s)
{
	if (s->path)
		unlink(s->path);
	free(s->path);
	s->path = NULL;
	s->fd = fd_close(s->fd);
}
