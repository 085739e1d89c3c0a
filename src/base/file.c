/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"

int file_open(const char *path, int flags, struct err *e)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, 0666);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	return fd;
}

/* A regular file of a size that is known is read in one go, into no more memory than it takes. 1: that was all. */
static int read_at_once(int fd, size_t max, struct buf *ret)
{
	struct stat st;
	size_t want;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
		(uintmax_t)st.st_size > max)
		return 0;
	want = (size_t)st.st_size + 1;
	n = buf_read(ret, fd, want);
	return n < 0 ? (int)n : (size_t)n < want;
}

int file_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	_cleanup_close_ int fd = file_open(path, O_RDONLY | O_NOCTTY, e);
	size_t before = ret->len;
	int r;

	if (fd < 0)
		return fd;
	r = read_at_once(fd, max, ret);
	if (r == 1)
		return 0;
	if (r == 0)
		r = buf_read_all(ret, fd, max - (ret->len - before));
	if (r == 0)
		return 0;
	buf_truncate(ret, before);
	if (r == -EFBIG)
		return err_set(e, r, "%s is larger than the %zu bytes expected", path, max);
	return err_sys(e, -r, "cannot read %s", path);
}

/* Makes a new file in DIR, whose path is put into *RET_PATH. Returns the descriptor or -errno. */
static int make_aside(const char *dir, mode_t mode, char **ret_path)
{
	static unsigned counter;

	for (int tries = 0; tries < 100; tries++) {
		_cleanup_free_ char *path = xasprintf("%s/.new-%d-%u-%06x", dir, (int)getpid(),
			counter++, (unsigned)clock_wall_ns() & 0xffffff);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

		if (fd >= 0) {
			*ret_path = TAKE_PTR(path);
			return fd;
		}
		if (errno != EEXIST && errno != EINTR)
			return -errno;
	}
	return -EEXIST;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	_cleanup_free_ char *dir = path_dir(path), *aside = NULL;
	_cleanup_close_ int fd = make_aside(dir, mode, &aside);
	int r;

	if (fd < 0)
		return err_sys(e, -fd, "cannot make a file in %s", dir);
	r = fd_write_all(fd, data, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(aside, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(aside);
		return err_sys(e, -r, "cannot write %s", path);
	}
	return 0;
}

/* From where both descriptors stand to the end of IN. 0 or -errno; *RET_WRITING tells the side. */
static int copy_rest(int in, int out, bool *ret_writing)
{
	enum { CHUNK = 256 * 1024 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	ssize_t n;
	int r;

	/* It refuses some pairs, and gives 0 for files of /proc: the plain loop ends the job. */
	do
		n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	*ret_writing = n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
	if (*ret_writing)
		return -errno;

	while ((n = buf_read(&b, in, CHUNK)) > 0) {
		r = fd_write_all(out, b.data, b.len);
		if (r < 0) {
			*ret_writing = true;
			return r;
		}
		buf_clear(&b);
	}
	return (int)n;
}

int file_copy(const char *src, const char *dst, mode_t mode, struct err *e)
{
	_cleanup_close_ int in = file_open(src, O_RDONLY, e), out = -1;
	struct stat a, b;
	bool writing = false;
	int r;

	if (in < 0)
		return in;
	out = open(dst, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, mode);
	if (out < 0)
		return err_sys(e, errno, "cannot open %s", dst);
	if (fstat(in, &a) < 0 || fstat(out, &b) < 0)
		return err_sys(e, errno, "cannot read the status of %s or %s", src, dst);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return err_set(e, -EINVAL, "cannot copy %s onto itself (%s)", src, dst);
	if (S_ISREG(b.st_mode) && ftruncate(out, 0) < 0)
		return err_sys(e, errno, "cannot empty %s", dst);
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	r = copy_rest(in, out, &writing);
	if (r < 0)
		return err_sys(
			e, -r, writing ? "cannot write %s" : "cannot read %s", writing ? dst : src);
	return 0;
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool dir_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* 0, -ENOENT where the parent is missing, or another -errno. Another process may be as quick. */
static int make_one(const char *path, mode_t mode)
{
	int r = mkdir(path, mode) < 0 ? -errno : 0;

	if (r < 0 && r != -ENOENT && dir_exists(path))
		return 0;
	return r == -EEXIST ? -ENOTDIR : r;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	_cleanup_free_ char *s = NULL;
	int r = make_one(path, mode);

	if (r == -ENOENT && *path) {
		s = xstrdup(path);
		for (char *p = s + 1; *p; p++) {
			if (*p != '/' || p[-1] == '/')
				continue;
			*p = '\0';
			r = make_one(s, mode);
			*p = '/';
			if (r < 0)
				break;
		}
		if (r == 0)
			r = make_one(s, mode);
	}
	return r < 0 ? err_sys(e, -r, "cannot make the folder %s", path) : 0;
}

/* A folder without our own permissions (an overlay's work folder, say) is given them. */
static int open_for_removal(int at, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int link = -1;
	struct stat st;
	char proc[40];
	int fd = openat(at, name, flags);

	if (fd >= 0 && (faccessat(fd, ".", W_OK | X_OK, 0) == 0 || errno != EACCES))
		return fd;
	if (fd < 0 && errno != EACCES)
		return -errno;
	if (fd < 0) {
		link = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		if (link < 0)
			return -errno;
	}
	/* By descriptor, since a chmod(2) by name would follow a link put there meanwhile. */
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd >= 0 ? fd : link);
	if (stat(proc, &st) == 0)
		(void)!chmod(proc, (st.st_mode & 07777) | 0700);
	if (fd >= 0)
		return fd;
	fd = openat(at, name, flags);
	return fd < 0 ? -errno : fd;
}

/* The tree at NAME in the folder AT. 0 or -errno; one that vanishes meanwhile is fine. */
static int remove_tree(int at, const char *name)
{
	struct dirent *d;
	int fd, r = 0;
	DIR *dir;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = open_for_removal(at, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd == -ENOTDIR || fd == -ELOOP ? -EPERM : fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while ((d = readdir(dir))) {
		int one;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		one = remove_tree(dirfd(dir), d->d_name);
		if (r == 0)
			r = one;
	}
	closedir(dir);
	if (r == 0 && unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int dir_remove(const char *path, struct err *e)
{
	int r = remove_tree(AT_FDCWD, path);

	return r < 0 ? err_sys(e, -r, "cannot remove %s", path) : 0;
}
