/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

/* Whether the process has the file open; false also where we may not look. */
static bool has_open(int pid, const struct stat *file)
{
	char path[64];
	struct dirent *d;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		struct stat st;

		found = fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
			st.st_ino == file->st_ino;
	}
	closedir(dir);
	return found;
}

/*
 * The pid of a holder by /proc/locks (proc_locks(5)), or 0. On overlayfs and btrfs the device there
 * is another than stat(2)'s, hence the second look; a holder in another pid namespace shows as 0.
 */
static int find_holder(const struct stat *file)
{
	_cleanup_buf_ struct buf locks = BUF_INIT;
	char *line, *rest;

	if (file_read("/proc/locks", 16 << 20, &locks, NULL) < 0 || !locks.data)
		return 0;
	for (line = strtok_r(locks.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned major, minor;
		unsigned long long inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor,
			    &inode) != 4)
			continue;
		if (pid <= 0 || inode != file->st_ino)
			continue;
		if (makedev(major, minor) == file->st_dev || has_open(pid, file))
			return pid;
	}
	return 0;
}

static int timed_out(int fd, const char *path, struct err *e)
{
	_cleanup_buf_ struct buf raw = BUF_INIT, command = BUF_INIT;
	char proc[64];
	struct stat st;
	int pid = fstat(fd, &st) == 0 ? find_holder(&st) : 0;

	if (pid == 0)
		return err_set(e, -ETIMEDOUT, "%s is locked by another process", path);
	snprintf(proc, sizeof(proc), "/proc/%d/cmdline", pid);
	if (file_read(proc, 1 << 20, &raw, NULL) == 0) {
		while (raw.len && raw.data[raw.len - 1] == '\0')
			raw.len--;
		for (size_t i = 0; i < raw.len; i++)
			if (raw.data[i] == '\0' || raw.data[i] == '\n')
				raw.data[i] = ' ';
		text_clean(&command, buf_str(&raw), raw.len < 200 ? raw.len : 200);
	}
	if (command.len == 0)
		return err_set(e, -ETIMEDOUT, "%s is locked by process %d", path, pid);
	return err_set(
		e, -ETIMEDOUT, "%s is locked by process %d (%s)", path, pid, buf_str(&command));
}

static int open_lock(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY); /* enough for flock(2) */
	return fd < 0 ? err_sys(e, errno, "cannot open the lock %s", path) : fd;
}

/* Whether PATH is FD's file: a lock on one that was removed since keeps nobody out. */
static bool is_at(const char *path, int fd)
{
	struct stat held, there;

	return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
	       held.st_ino == there.st_ino;
}

static int wait_for(int fd, const char *path, int how, int64_t deadline_ms, struct err *e)
{
	int64_t nap_ms = 1;

	while (flock(fd, how) < 0) {
		int64_t left = deadline_ms - clock_ms();

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(e, errno, "cannot lock %s", path);
		if (left <= 0)
			return timed_out(fd, path, e);
		usleep((useconds_t)(nap_ms < left ? nap_ms : left) * 1000);
		nap_ms = nap_ms < 25 ? 2 * nap_ms : 50;
	}
	return 0;
}

int lock_take(const char *path, bool shared, int64_t deadline_ms, struct err *e)
{
	int how = shared ? LOCK_SH : LOCK_EX;

	if (deadline_ms != CLOCK_NEVER)
		how |= LOCK_NB;
	for (;;) {
		_cleanup_close_ int fd = open_lock(path, e);
		int r = fd < 0 ? fd : wait_for(fd, path, how, deadline_ms, e);

		if (r < 0)
			return r;
		if (is_at(path, fd))
			return TAKE_FD(fd);
	}
}

void lock_remove(const char *path, int fd)
{
	if (is_at(path, fd))
		unlink(path);
}
