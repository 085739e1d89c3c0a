/* SPDX-License-Identifier: MIT */
#include "suite/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"

void run_dir_release(struct run_dir *d)
{
	fd_close(d->records);
	fd_close(d->lock);
	free(d->path);
	free(d->shown);
	*d = (struct run_dir)RUN_DIR_INIT;
}

char *run_dir_stamp(void)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	return xasprintf("%s-%d", stamp, (int)getpid());
}

/* mkdir(2) decides between runs that begin in the same second, even where pids meet (containers). */
static int make_unique(char **ret, struct err *e)
{
	_cleanup_free_ char *stamp = run_dir_stamp();
	int r = dir_make(RESULTS_DIR, 0777, e);

	if (r < 0)
		return r;
	for (unsigned i = 0;; i++) {
		char *path = i ? xasprintf(RESULTS_DIR "/%s-%u", stamp, i)
			       : xasprintf(RESULTS_DIR "/%s", stamp);

		if (mkdir(path, 0777) == 0) {
			*ret = path;
			return 0;
		}
		r = -errno;
		if (r != -EEXIST)
			err_sys(e, -r, "cannot make folder %s", path);
		free(path);
		if (r != -EEXIST)
			return r;
	}
}

/* Renaming a new link over the old one: there is always a whole one. It is a convenience: a file system
 * without links loses nothing else. */
static void link_latest(const char *shown)
{
	_cleanup_free_ char *aside =
		xasprintf(RESULTS_DIR "/.latest-%d-%lld", (int)getpid(), (long long)clock_us());

	if (symlink(path_base(shown), aside) < 0)
		return;
	if (rename(aside, RESULTS_DIR "/latest") < 0)
		unlink(aside);
}

/* The lock is on the records themselves: whoever appends holds it. */
static int open_records(struct run_dir *d, struct err *e)
{
	_cleanup_free_ char *path = path_join(d->path, "results.jsonl");
	int r;

	d->lock = lock_take(path, false, clock_ms(), e);
	if (d->lock == -ETIMEDOUT)
		return err_wrap(e, "another vmrig writes to %s", d->shown);
	if (d->lock < 0)
		return d->lock;
	r = records_open(path, &d->records, e);
	return r < 0 ? r : 0;
}

static int claim(struct run_dir *d, struct err *e)
{
	_cleanup_free_ char *path = path_join(d->path, "results.jsonl");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST) {
		err_set(e, -EEXIST, "%s holds a run already", d->shown);
		return err_hint(
			e, "Go on with it by --resume %s, or name another folder.", d->shown);
	}
	if (fd < 0)
		return err_sys(e, errno, "cannot make %s", path);
	fd_close(fd);
	return open_records(d, e);
}

int run_dir_make(const char *output, struct run_dir *ret, struct err *e)
{
	struct run_dir d = RUN_DIR_INIT;
	int r;

	if (output) {
		d.shown = xstrdup(output);
		r = dir_make(output, 0777, e);
	} else {
		r = make_unique(&d.shown, e);
	}
	if (r >= 0) {
		d.path = path_absolute(d.shown, NULL);
		r = claim(&d, e);
	}
	if (r < 0) {
		run_dir_release(&d);
		return r;
	}
	if (!output)
		link_latest(d.shown);
	*ret = d;
	return 0;
}

int run_dir_open(const char *dir, struct run_dir *ret, struct err *e)
{
	struct run_dir d = RUN_DIR_INIT;
	int r;

	if (!dir_exists(dir))
		return err_set(e, -ENOENT, "there is no folder %s to go on with", dir);
	d.shown = xstrdup(dir);
	d.path = path_absolute(dir, NULL);
	r = open_records(&d, e);
	if (r < 0)
		run_dir_release(&d);
	else
		*ret = d;
	return r;
}

void run_dir_case_names(const struct plan *p, struct strv *ret)
{
	_cleanup_strv_ struct strv sorted = STRV_INIT;

	/* Names that meet get a number; the numbers follow the plan. */
	for (size_t i = 0; i < p->n; i++) {
		struct buf b = BUF_INIT;

		text_file_name(&b, p->v[i].id);
		strv_take(ret, buf_detach(&b));
	}
	strv_copy(&sorted, ret);
	strv_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++) {
		unsigned n = 1;

		if (i + 1 == sorted.n || !streq(sorted.v[i], sorted.v[i + 1]) ||
			(i && streq(sorted.v[i], sorted.v[i - 1])))
			continue;
		for (size_t k = 0; k < ret->n; k++) {
			char *old = ret->v[k];

			if (!streq(old, sorted.v[i]) || n++ == 1)
				continue;
			/* '~' is in no file name made from an id, so these meet nothing. */
			ret->v[k] = xasprintf("%s~%u", old, n - 1);
			free(old);
		}
	}
}
