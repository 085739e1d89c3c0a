/* SPDX-License-Identifier: MIT */
#include "base/entry.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"

int entry_hold(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat here, now;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", dir);
	/* What was removed and made again between the two is another folder. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &here) < 0 || stat(dir, &now) < 0 ||
		here.st_ino != now.st_ino) {
		close(fd);
		return err_set(e, -ENOENT, "%s is being removed", dir);
	}
	return fd;
}

int entry_remove(const char *dir, bool dry_run, struct err *e)
{
	_cleanup_free_ char *lock = xasprintf("%s.lock", dir), *aside = xasprintf("%s.tmp", dir);
	_cleanup_close_ int maker = -1;
	_cleanup_close_ int user = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (user < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open %s", dir);
	if (!dry_run || file_exists(lock)) {
		maker = lock_take(lock, false, 0, NULL);
		if (maker < 0)
			return 1;
	}
	if (flock(user, LOCK_EX | LOCK_NB) < 0)
		return 1;
	if (dry_run)
		return 0;
	/* What is removed in part must not look like an entry. */
	r = dir_remove(aside, e);
	if (r == 0 && rename(dir, aside) < 0)
		r = err_sys(e, errno, "cannot rename %s", dir);
	if (r == 0)
		r = dir_remove(aside, e);
	if (r == 0)
		lock_remove(lock, maker);
	return r;
}

/* LOCK is "X.lock". */
static bool is_orphan(const char *lock)
{
	_cleanup_free_ char *of = xstrndup(lock, strlen(lock) - strlen(".lock"));
	_cleanup_free_ char *aside = xasprintf("%s.tmp", of);

	return access(of, F_OK) < 0 && access(aside, F_OK) < 0;
}

size_t entry_sweep_locks(const char *dir, bool dry_run)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);
		_cleanup_close_ int fd = -1;

		if (!str_ends(f->d_name, ".lock") || !file_exists(path) || !is_orphan(path))
			continue;
		fd = lock_take(path, false, 0, NULL);
		/* Its holder may have made the entry and gone. */
		if (fd < 0 || !is_orphan(path))
			continue;
		if (!dry_run)
			lock_remove(path, fd);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

int64_t entry_bytes(const char *dir)
{
	_cleanup_free_ char *root = xstrdup(dir);
	char *const roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int64_t sum = 0;
	FTSENT *f;

	while (walk && (f = fts_read(walk)))
		if (f->fts_info != FTS_DP && f->fts_info != FTS_NS)
			sum += f->fts_statp->st_blocks * 512;
	if (walk)
		fts_close(walk);
	return sum;
}
