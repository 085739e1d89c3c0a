/* SPDX-License-Identifier: MIT */
/* From a node to its file on the host. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "share/node.h"

static int node_verify(const struct node *n, const struct stat *st)
{
	return st->st_dev == n->dev && st->st_ino == n->ino && (st->st_mode & S_IFMT) == n->type
		       ? 0
		       : -ESTALE;
}

/* O_PATH neither reads nor starts anything: it is safe on whatever stands there by now. */
static int node_open_path(struct nodes *t, struct node *n, int dirfd)
{
	_cleanup_close_ int fd = slots_openat(&t->slots, dirfd, n->name, O_PATH | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = node_verify(n, &st);
	return r < 0 ? r : TAKE_FD(fd);
}

int nodes_folder_fd(struct nodes *t, struct node *n)
{
	size_t depth = 0;
	int fd, dirfd;

	if (!S_ISDIR(n->type))
		return -ENOTDIR;
	/* Up to the first folder that is open, then down again: no recursion, the tree may be deep. */
	for (; n != t->root && slots_use(&t->slots, &n->slot) < 0; n = n->parent) {
		VEC_GROW(t->walk, depth, t->cap_walk);
		t->walk[depth++] = n;
	}
	dirfd = n == t->root ? t->root_fd : n->slot.fd;
	while (depth) {
		n = t->walk[--depth];
		fd = node_open_path(t, n, dirfd);
		if (fd < 0)
			return fd;
		slots_put(&t->slots, &n->slot, fd);
		dirfd = fd;
	}
	return dirfd;
}

int nodes_place(struct nodes *t, struct node *n, int *ret_dirfd, const char **ret_name)
{
	int dirfd = n == t->root ? t->root_fd : nodes_folder_fd(t, n->parent);

	if (dirfd < 0)
		return dirfd;
	*ret_dirfd = dirfd;
	*ret_name = n->name;
	return 0;
}

int nodes_file_fd(struct nodes *t, struct node *n)
{
	_cleanup_close_ int path = -1;
	char link[64];
	const char *name;
	int fd, dirfd, r;

	if (!S_ISREG(n->type))
		return S_ISDIR(n->type) ? -EISDIR : S_ISLNK(n->type) ? -ELOOP : -EACCES;
	fd = slots_use(&t->slots, &n->slot);
	if (fd >= 0)
		return fd;
	r = nodes_place(t, n, &dirfd, &name);
	if (r < 0)
		return r;
	path = node_open_path(t, n, dirfd);
	if (path < 0)
		return path;
	/* The file just verified, opened by its descriptor: nothing can come between. O_NONBLOCK for
	 * files that wait (/proc/kmsg, trace_pipe): no request may hold up the others. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	fd = slots_openat(&t->slots, AT_FDCWD, link, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		slots_put(&t->slots, &n->slot, fd);
	return fd;
}

int nodes_stat(struct nodes *t, struct node *n, struct stat *ret)
{
	int fd = slots_use(&t->slots, &n->slot), r;
	const char *name;

	/* A file that is open answers even when its name is gone. */
	if (fd >= 0)
		return fstat(fd, ret) < 0 ? -errno : 0;
	r = nodes_place(t, n, &fd, &name);
	if (r < 0)
		return r;
	if (fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return node_verify(n, ret);
}
