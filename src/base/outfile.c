/* SPDX-License-Identifier: MIT */
#include "base/outfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"

static char *aside_name(const char *path)
{
	_cleanup_free_ char *dir = path_dir(path);

	return xasprintf("%s/.%.200s.%d-%06x.tmp", dir, path_base(path), (int)getpid(),
		(unsigned)clock_wall_ns() & 0xffffff);
}

int outfile_open(const char *path, struct outfile *ret, struct err *e)
{
	_cleanup_free_ char *dir = path_dir(path);
	struct outfile o = OUTFILE_INIT;

	o.fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	/* Not every file system has files without a name. */
	if (o.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		o.aside = aside_name(path);
		o.fd = open(o.aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	}
	if (o.fd < 0) {
		int errnum = errno;

		free(o.aside);
		return err_sys(e, errnum, "cannot write %s", path);
	}
	o.path = xstrdup(path);
	*ret = o;
	return 0;
}

char *outfile_reopen_path(const struct outfile *o)
{
	return o->aside ? xstrdup(o->aside) : xasprintf("/proc/self/fd/%d", o->fd);
}

/* 0 or -errno. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(from, to) < 0)
		return -errno;
	unlink(from);
	return 0;
}

static int give_name(struct outfile *o)
{
	_cleanup_free_ char *open_path = outfile_reopen_path(o);

	if (o->aside)
		return 0;
	o->aside = aside_name(o->path);
	if (linkat(AT_FDCWD, open_path, AT_FDCWD, o->aside, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	free(TAKE_PTR(o->aside));
	return -errno;
}

int outfile_commit(struct outfile *o, bool replace, struct err *e)
{
	int r = fsync(o->fd) < 0 ? -errno : give_name(o);

	if (r == 0 && replace)
		r = rename(o->aside, o->path) < 0 ? -errno : 0;
	else if (r == 0)
		r = rename_new(o->aside, o->path);
	if (r == -EEXIST)
		err_set(e, r, "%s is there already", o->path);
	else if (r < 0)
		err_sys(e, -r, "cannot write %s", o->path);
	if (r == 0)
		free(TAKE_PTR(o->aside));
	outfile_drop(o);
	return r;
}

void outfile_drop(struct outfile *o)
{
	if (o->aside)
		unlink(o->aside);
	free(o->aside);
	free(o->path);
	fd_close(o->fd);
	*o = (struct outfile)OUTFILE_INIT;
}
