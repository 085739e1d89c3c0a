/* SPDX-License-Identifier: MIT */
/* A .deb (deb(5)) is an ar archive with a compressed tar archive in it, read here in one pass. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "debian/debian.h"

#define BLOCK (64 * 1024)

struct deb {
	struct archive *ar; /* owned: positioned at data.tar */
	struct archive *tar; /* owned */
	char *block; /* owned */
};

static void deb_release(struct deb *d)
{
	archive_read_free(d->tar);
	archive_read_free(d->ar);
	free(d->block);
}

static int open_ar(struct deb *d, const char *path, struct err *e)
{
	struct archive_entry *entry;
	int ar;

	d->ar = archive_read_new();
	archive_read_support_format_ar(d->ar);
	if (archive_read_open_filename(d->ar, path, BLOCK) != ARCHIVE_OK)
		return unpack_failed(d->ar, e);
	while ((ar = archive_read_next_header(d->ar, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (name && str_starts(name, "data.tar"))
			return 0;
	}
	return ar == ARCHIVE_EOF ? err_set(e, -EBADMSG, "no Debian package: it has no data.tar")
				 : unpack_failed(d->ar, e);
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
		       : unpack_failed(d->tar, e);
}

int deb_unpack(const char *deb, const struct unpack_spec *spec, struct err *e)
{
	__attribute__((cleanup(deb_release))) struct deb d = { 0 };
	int r = open_ar(&d, deb, e);

	if (r == 0)
		r = open_tar(&d, e);
	if (r == 0)
		r = unpack_tar(d.tar, spec, e);
	return r < 0 ? err_wrap(e, "%s", deb) : 0;
}

bool deb_is(const char *path)
{
	static const char magic[] = "!<arch>\ndebian-binary";
	char head[sizeof(magic) - 1];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       memcmp(head, magic, sizeof(head)) == 0;
}
