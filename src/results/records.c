/* SPDX-License-Identifier: MIT */
/* The file of records: appended whole or not at all, as far as the disk lets us. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "results/report.h"

void records_release(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		record_release(&r->v[i]);
	free(r->v);
	*r = (struct records){ 0 };
}

/* ---- reading ---- */

static void closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static int load_lines(FILE *f, const char *path, struct records *ret, struct err *e)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	for (int number = 1; errno = 0, (n = getline(&line, &cap, f)) >= 0; number++) {
		struct record r;
		int k;

		/* Only a write that was cut short leaves a line without its end. */
		if (line[n - 1] != '\n')
			return 0;
		k = record_read(line, (size_t)n - 1, path, number, &r, e);
		if (k < 0)
			return k;
		VEC_GROW(ret->v, ret->n, ret->cap);
		ret->v[ret->n++] = r;
	}
	return ferror(f) ? err_sys(e, errno ? errno : EIO, "cannot read %s", path) : 0;
}

int records_load(const char *path, struct records *ret, struct err *e)
{
	__attribute__((cleanup(closep))) FILE *f = NULL;
	struct records r = { 0 };
	int fd, k;

	fd = file_open(path, O_RDONLY, e);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!f) {
		k = err_sys(e, errno, "cannot read %s", path);
		fd_close(fd);
		return k;
	}
	k = load_lines(f, path, &r, e);
	if (k < 0) {
		records_release(&r);
		return k;
	}
	*ret = r;
	return 0;
}

/* ---- appending ---- */

/* The size of the file without a last line that has no end. */
static int whole_size(int fd, off_t size, off_t *ret)
{
	char block[4096];

	while (size > 0) {
		off_t from = size > (off_t)sizeof(block) ? size - (off_t)sizeof(block) : 0;
		ssize_t n = pread(fd, block, (size_t)(size - from), from);
		const char *nl;

		if (n < 0)
			return -errno;
		if (n != size - from)
			return -EIO;
		nl = memrchr(block, '\n', (size_t)n);
		if (nl) {
			*ret = from + (nl - block) + 1;
			return 0;
		}
		size = from;
	}
	*ret = 0;
	return 0;
}

/* A file that was just made is there after a crash only if its folder is on the disk too. */
static void sync_folder(const char *path)
{
	_cleanup_free_ char *dir = path_dir(path);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

int records_open(const char *path, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	off_t whole;
	int r;

	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot look at %s", path);
	/* /dev/stdout and its like have no torn lines. */
	if (S_ISREG(st.st_mode)) {
		r = whole_size(fd, st.st_size, &whole);
		if (r < 0)
			return err_sys(e, -r, "cannot read %s", path);
		if (whole < st.st_size && ftruncate(fd, whole) < 0)
			return err_sys(e, errno, "cannot cut the torn last record off %s", path);
		if (st.st_size == 0)
			sync_folder(path);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static const char *fd_path(int fd, char path[static PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n < 0)
		return "the file of records";
	path[n] = 0;
	return path;
}

static int fail_append(int fd, int errnum, size_t written, size_t len, off_t before, struct err *e)
{
	char path[PATH_MAX];
	bool torn = written > 0 && before >= 0 && ftruncate(fd, before) < 0;

	err_sys(e, errnum, "cannot write a record to %s (%zu of %zu bytes written%s)",
		fd_path(fd, path), written, len, torn ? ", and they cannot be taken back" : "");
	err_hint(e,
		"%s; what was recorded before is safe, and `vmrig test --resume DIR` goes on from there.",
		errnum == ENOSPC || errnum == EDQUOT ? "Make room on that disk"
						     : "Repair the cause");
	return -errnum;
}

int records_append(int fd, const struct record *r, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	off_t before = lseek(fd, 0, SEEK_END);
	size_t done = 0;

	record_write(&b, r);
	/* One write; a second one only says why the first was short. */
	while (done < b.len) {
		ssize_t n = write(fd, b.data + done, b.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_append(fd, n < 0 ? errno : EIO, done, b.len, before, e);
		done += (size_t)n;
	}
	/* Pipes and terminals cannot be synced. */
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
		return fail_append(fd, errno, done, b.len, before, e);
	return 0;
}

/* ---- counting ---- */

void records_count(const struct records *r, struct counts *ret)
{
	struct counts c = { .total = r->n };

	for (size_t i = 0; i < r->n; i++) {
		c.ok += record_is_ok(&r->v[i]);
		switch (r->v[i].verdict) {
		case VERDICT_PASS:
			c.pass++;
			break;
		case VERDICT_FAIL:
			c.fail++;
			break;
		case VERDICT_SKIP:
			c.skip++;
			break;
		case VERDICT_XFAIL:
			c.xfail++;
			break;
		case VERDICT_XPASS:
			c.xpass++;
			break;
		case VERDICT_CRASH:
			c.crash++;
			break;
		case VERDICT_NONE:
		case VERDICT_LOST:
			c.lost++;
			break;
		case VERDICT_TIMEOUT:
			c.timeout++;
			break;
		case VERDICT_INFRA:
			c.infra++;
			break;
		}
	}
	*ret = c;
}
