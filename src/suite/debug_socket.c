/* SPDX-License-Identifier: MIT */
/*
 * A debugger asks for a path, and a path outlives SIGKILL. So the socket's file is taken out of its folder at once, and
 * what is told is the name that the kernel gives a descriptor of it: that is gone with us.
 */
#include "suite/debug_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

/* The folder by a descriptor of it: its own name may be longer than an address has room for. */
static int bind_in(int dir, const char *name, int fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int inode;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dir, name);
	unlinkat(dir, name,
		0); /* of a process that was killed in this very function, and had our number */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	inode = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (inode < 0 || unlinkat(dir, name, 0) < 0 || listen(fd, 1) < 0) {
		int r = -errno;

		fd_close(inode);
		return r;
	}
	return inode;
}

int debug_socket_open(const char *dir, struct debug_socket *ret, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[32];
	int inode;

	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket for the debugger");
	if (folder < 0)
		return err_sys(e, errno, "cannot open %s", dir);
	snprintf(name, sizeof(name), "gdb-%d", (int)getpid());
	inode = bind_in(folder, name, fd);
	if (inode < 0)
		return err_sys(e, -inode, "cannot listen on %s/%s", dir, name);
	ret->inode = inode;
	ret->path = xasprintf("/proc/%d/fd/%d", (int)getpid(), inode);
	ret->fd = TAKE_FD(fd);
	return 0;
}

void debug_socket_close(struct debug_socket *s)
{
	free(s->path);
	s->path = NULL;
	s->inode = fd_close(s->inode);
	s->fd = fd_close(s->fd);
}
