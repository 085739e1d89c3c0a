/* SPDX-License-Identifier: MIT */
#include "disk/keep.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "disk/store.h"
#include "disk/unpack.h"

static void __attribute__((format(printf, 2, 3)))
say(const struct image_come *c, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (!c->said)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	c->said(c->arg, line);
}

static int place_image(const struct image_come *c, const char *file, const char *aside,
	struct disk_image *i, struct disk_info *info, struct err *e)
{
	const char *want = c->format, *is = disk_format_name(info->format);
	_cleanup_free_ char *path = NULL;
	int r;

	if (!want)
		want = info->format == DISK_RAW || info->format == DISK_ISO ? "raw" : "qcow2";
	path = xasprintf("%s/disk.%s", aside, want);
	i->format = xstrdup(info->format == DISK_ISO && streq(want, "raw") ? "iso" : want);
	i->path = TAKE_PTR(path);
	if (streq(want, is))
		return rename(file, i->path) < 0 ? err_sys(e, errno, "cannot store %s", i->path)
						 : 0;
	if (streq(want, "raw") && info->virtual_size > (uint64_t)c->size_max) {
		err_set(e, -EFBIG, "it is an image of %llu MiB",
			(unsigned long long)(info->virtual_size >> 20));
		return err_hint(e, "--size-max allows more.");
	}
	say(c, "converting from %s to %s", is, want);
	r = disk_convert(file, is, i->path, want, e);
	unlink(file);
	return r;
}

/* What we made, or took as it came, as the manifest tells it. */
static int describe(const struct image_come *c, struct disk_image *i, struct err *e)
{
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf made = BUF_INIT;
	struct disk_info info = { 0 };
	char sum[HASH_HEX_LEN + 1];
	struct stat st;
	int r = disk_inspect(i->path, false, &info, e);

	i->virtual_size = (int64_t)info.virtual_size;
	disk_info_release(&info);
	if (r == 0)
		r = hash_file(i->path, sum, e);
	if (r < 0)
		return r;
	fd = file_open(i->path, O_RDONLY, e);
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0444) < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot store %s", i->path);
	i->size = st.st_size;
	i->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	time_format(&made, clock_wall_ns());
	i->made = buf_detach(&made);
	i->file_sha256 = xstrdup(sum);
	i->url = xstrdup(c->from);
	i->trust = xstrdup(c->trust);
	i->sha256 = xstrdup(c->sha256);
	i->sha512 = c->sha512 ? xstrdup(c->sha512) : NULL;
	i->key = images_key(c);
	return 0;
}

static int fill(const struct image_come *c, const char *aside, struct disk_image *i, struct err *e)
{
	_cleanup_free_ char *plain = path_join(aside, "unpacked"),
			    *whole = path_join(aside, "download");
	struct disk_info info = { 0 };
	int r = disk_unpack(c->file, plain, c->size_max, e);

	if (r < 0)
		return r;
	if (r == 0 && !c->ours)
		return err_set(e, -EINVAL, "%s is not packed", c->file);
	if (r == 0 && rename(c->file, whole) < 0)
		return err_sys(e, errno, "cannot store %s", whole);
	r = disk_inspect(r ? plain : whole, false, &info, e);
	if (r == 0)
		r = place_image(c, file_exists(plain) ? plain : whole, aside, i, &info, e);
	disk_info_release(&info);
	return r < 0 ? r : describe(c, i, e);
}

char *images_key(const struct image_come *c)
{
	const char *suffix = !c->format ? "" : streq(c->format, "raw") ? ".raw" : ".qcow2";

	return xasprintf("%s%s", c->sha256, suffix);
}

int images_keep(const struct image_come *c, struct disk_image *ret, struct err *e)
{
	_cleanup_free_ char *key = images_key(c), *aside = NULL;
	_cleanup_disk_image_ struct disk_image i = DISK_IMAGE_INIT;
	int r = images_aside(key, &aside, e);

	if (r == 0)
		r = fill(c, aside, &i, e);
	if (r == 0)
		r = images_commit(aside, &i, e);
	if (r == 0)
		r = images_load(key, ret, e);
	if (aside)
		dir_remove(aside, NULL);
	return r;
}

int disk_unpacked(const char *path, void (*said)(void *arg, const char *line), void *arg,
	struct disk_image *ret, struct err *e)
{
	_cleanup_close_ int lock = -1;
	char sha256[HASH_HEX_LEN + 1];
	const struct image_come c = { .file = path,
		.from = path,
		.trust = "nothing: a file of this machine",
		.sha256 = sha256,
		.size_max = DISK_SIZE_MAX,
		.said = said,
		.arg = arg };
	int r = hash_file(path, sha256, e);

	if (r < 0)
		return r;
	/* Also what was fetched, if it was the same. */
	if (images_load(sha256, ret, NULL) == 0)
		return 0;
	lock = images_lock(sha256, e);
	if (lock < 0)
		return lock;
	if (images_load(sha256, ret, NULL) == 0)
		return 0;
	say(&c, "unpacking %s into the cache", path);
	r = images_keep(&c, ret, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}
