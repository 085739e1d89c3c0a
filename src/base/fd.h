/* SPDX-License-Identifier: MIT */
/* File descriptors and files. Every descriptor made here is O_CLOEXEC. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define _cleanup_close_ __attribute__((cleanup(fd_closep)))
#define TAKE_FD(fd)                    \
	({                             \
		int *take_fd = &(fd);  \
		int take_v = *take_fd; \
		*take_fd = -1;         \
		take_v;                \
	})

/* Closes FD if it is not negative; keeps errno. Returns -1, for `fd = fd_close(fd)`. */
int fd_close(int fd);
static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Writes all of it, through short writes, EINTR and (by waiting) EAGAIN. 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t len);

/* A pair of connected stream sockets, both O_CLOEXEC. 0 or -errno. */
int fd_socketpair(int ret[2]);

/* An anonymous file in memory that holds DATA, positioned at its start; NAME is for /proc only.
 * Returns the descriptor or -errno. */
int fd_memfd(const char *name, const void *data, size_t len);

/* Opens or says which file, and why not. Returns the descriptor or -errno. */
int file_open(const char *path, int flags, struct err *e);

/* The whole of a file of at most MAX bytes. */
int file_read(const char *path, size_t max, struct buf *ret, struct err *e);

/* Writes PATH aside (in its own folder), fsyncs and renames: it is there whole, or not at all. MODE
 * is subject to the umask, here and below. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* Copies the content of SRC to DST (made with MODE, or truncated), by reflink or copy_file_range
 * where it can. -EINVAL if both are one file. */
int file_copy(const char *src, const char *dst, mode_t mode, struct err *e);

/* Follow symbolic links; a device, a socket and the like are files here. */
bool file_exists(const char *path);
bool dir_exists(const char *path);

/* mkdir -p. */
int dir_make(const char *path, mode_t mode, struct err *e);

/* rm -rf, without following symbolic links out of the tree; folders that lack our own permissions
 * are given them. A missing PATH is fine. */
int dir_remove(const char *path, struct err *e);

#endif
