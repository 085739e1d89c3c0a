/* SPDX-License-Identifier: MIT */
/* A .deb (deb(5)) is an ar archive with a compressed tar archive in it, read here in one pass. */
#include "kernel/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

#define BLOCK        (64 * 1024)
#define UNPACKED_MAX (16ull << 30)

struct deb {
	struct archive *ar; /* owned: positioned at data.tar */
	struct archive *tar; /* owned */
	struct archive *disk; /* owned */
	char *block; /* owned */
	char *dir; /* owned: without symbolic links in it */
	uint64_t unpacked;
};

static void deb_release(struct deb *d)
{
	archive_read_free(d->tar);
	archive_read_free(d->ar);
	archive_write_free(d->disk);
	free(d->block);
	free(d->dir);
}

static int failed(struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);

	return err_set(e, -EBADMSG, "damaged or truncated: %s", why ? why : "it ends too early");
}

static int open_ar(struct deb *d, const char *path, struct err *e)
{
	struct archive_entry *entry;
	int ar;

	d->ar = archive_read_new();
	archive_read_support_format_ar(d->ar);
	if (archive_read_open_filename(d->ar, path, BLOCK) != ARCHIVE_OK)
		return failed(d->ar, e);
	while ((ar = archive_read_next_header(d->ar, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (name && str_starts(name, "data.tar"))
			return 0;
	}
	return ar == ARCHIVE_EOF ? err_set(e, -EBADMSG, "no Debian package: it has no data.tar")
				 : failed(d->ar, e);
}

static la_ssize_t next_block(struct archive *a, void *arg, const void **ret)
{
	struct deb *d = arg;
	la_ssize_t n = archive_read_data(d->ar, d->block, BLOCK);

	if (n < 0)
		archive_set_error(a, EIO, "%s", archive_error_string(d->ar));
	*ret = d->block;
	return n;
}

static int open_tar(struct deb *d, struct err *e)
{
	d->block = xmalloc(BLOCK);
	d->tar = archive_read_new();
	archive_read_support_filter_all(d->tar);
	archive_read_support_format_tar(d->tar);
	return archive_read_open(d->tar, d, NULL, next_block, NULL) == ARCHIVE_OK
		       ? 0
		       : failed(d->tar, e);
}

static bool is_outside(const char *path)
{
	if (path[0] == '/')
		return true;
	for (const char *p = path; *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* Where it goes, below the folder; NULL: it is not wanted. */
static const char *wanted(const char *path)
{
	if (str_starts(path, "./"))
		path += 2;
	if (str_starts(path, "usr/lib/modules/"))
		path += strlen("usr/");
	return str_starts(path, "boot/") || str_starts(path, "lib/modules/") ? path : NULL;
}

static int copy_data(struct deb *d, struct err *e)
{
	const void *data;
	size_t len;
	la_int64_t offset;
	int ar;

	while ((ar = archive_read_data_block(d->tar, &data, &len, &offset)) == ARCHIVE_OK) {
		d->unpacked += len;
		if (d->unpacked > UNPACKED_MAX)
			return err_set(e, -EFBIG, "unpacks to more than 16 GiB");
		if (archive_write_data_block(d->disk, data, len, offset) < 0)
			return err_set(e, -EIO, "cannot write: %s", archive_error_string(d->disk));
	}
	return ar == ARCHIVE_EOF ? 0 : failed(d->tar, e);
}

static int unpack_entry(struct deb *d, struct archive_entry *entry, struct err *e)
{
	const char *name = archive_entry_pathname(entry), *below;
	_cleanup_free_ char *path = NULL;
	mode_t type = archive_entry_filetype(entry);
	int r;

	if (!name)
		return err_set(e, -EBADMSG, "holds a file without a name");
	if (is_outside(name))
		return err_set(
			e, -EBADMSG, "refused: it holds the path %s, which leads outside", name);
	below = wanted(name);
	if (!below || type == AE_IFLNK)
		return 0;
	if (archive_entry_hardlink(entry) || (type != AE_IFREG && type != AE_IFDIR))
		return err_set(e, -EBADMSG, "refused: %s is neither a file nor a folder", name);
	path = path_join(d->dir, below);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 0644);
	if (archive_write_header(d->disk, entry) != ARCHIVE_OK)
		return err_set(e, -EIO, "cannot write %s: %s", path, archive_error_string(d->disk));
	r = type == AE_IFREG ? copy_data(d, e) : 0;
	if (r == 0 && archive_write_finish_entry(d->disk) != ARCHIVE_OK)
		r = err_set(e, -EIO, "cannot write %s: %s", path, archive_error_string(d->disk));
	return r;
}

static int unpack(struct deb *d, const char *path, struct err *e)
{
	struct archive_entry *entry;
	int ar, r = open_ar(d, path, e);

	if (r == 0)
		r = open_tar(d, e);
	if (r < 0)
		return r;
	d->disk = archive_write_disk_new();
	archive_write_disk_set_options(
		d->disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
				 ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_NO_OVERWRITE);
	while ((ar = archive_read_next_header(d->tar, &entry)) == ARCHIVE_OK) {
		r = unpack_entry(d, entry, e);
		if (r < 0)
			return r;
	}
	return ar == ARCHIVE_EOF ? 0 : failed(d->tar, e);
}

int deb_unpack(const char *deb, const char *dir, struct err *e)
{
	__attribute__((cleanup(deb_release))) struct deb d = { 0 };
	int r;

	/* SECURE_SYMLINKS looks at the whole path, and a cache may lie behind a link of its owner's. */
	d.dir = realpath(dir, NULL);
	if (!d.dir)
		return err_sys(e, errno, "cannot find %s", dir);
	r = unpack(&d, deb, e);
	return r < 0 ? err_wrap(e, "%s", deb) : 0;
}
