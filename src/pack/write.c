/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "base/text.h"
#include "pack/pack.h"
#include "pack/squeeze.h"

#define CHUNK (256 * 1024)

struct tar {
	struct archive *a; /* owned */
	struct archive_entry *entry; /* owned */
	struct squeeze *squeeze; /* owned */
	int written; /* 0, or the -errno of writing */
	const struct pack_progress *progress; /* borrowed; or NULL */
	uint64_t done, total; /* bytes of content */
};

static void tell(const struct pack_progress *p, uint64_t done, uint64_t total)
{
	if (p)
		p->tell(p->arg, done, total);
}

static void tar_release(struct tar *t)
{
	archive_entry_free(t->entry);
	archive_write_free(t->a);
	squeeze_free(t->squeeze);
}

static la_ssize_t to_squeeze(struct archive *a, void *arg, const void *data, size_t len)
{
	struct tar *t = arg;

	if (t->written == 0)
		t->written = squeeze_add(t->squeeze, data, len);
	if (t->written == 0)
		return (la_ssize_t)len;
	archive_set_error(a, -t->written, "%s", strerror(-t->written));
	return -1;
}

static int failed(const struct tar *t, const char *path, struct err *e)
{
	const char *why = archive_error_string(t->a);

	if (t->written < 0)
		return err_sys(e, -t->written, "cannot write the archive");
	return err_set(e, -EIO, "cannot pack %s: %s", path, why ? why : "libarchive");
}

static int write_header(struct tar *t, const char *path, mode_t mode, uint64_t size, struct err *e)
{
	archive_entry_clear(t->entry);
	archive_entry_set_pathname(t->entry, path);
	archive_entry_set_mode(t->entry, mode);
	archive_entry_set_mtime(t->entry, 0, 0);
	archive_entry_set_uid(t->entry, 0);
	archive_entry_set_gid(t->entry, 0);
	archive_entry_set_size(t->entry, (la_int64_t)size);
	return archive_write_header(t->a, t->entry) == ARCHIVE_OK ? 0 : failed(t, path, e);
}

static int write_data(
	struct tar *t, const struct pack_file *f, const void *data, size_t len, struct err *e)
{
	/* More than the header says is not written. */
	if (archive_write_data(t->a, data, len) != (la_ssize_t)len)
		return t->written < 0
			       ? failed(t, f->path, e)
			       : err_set(e, -ESTALE, "%s grew while it was packed", f->host_path);
	t->done += len;
	tell(t->progress, t->done, t->total);
	return 0;
}

static int write_content(struct tar *t, const struct pack_file *f, struct err *e)
{
	_cleanup_close_ int fd = file_open(f->host_path, O_RDONLY, e);
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ struct hash *h = NULL;
	char sha256[HASH_HEX_LEN + 1];
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return fd;
	h = hash_new();
	while (r == 0 && (n = buf_read(&b, fd, CHUNK)) > 0) {
		hash_add(h, b.data, b.len);
		r = write_data(t, f, b.data, b.len, e);
		buf_clear(&b);
	}
	if (r < 0)
		return r;
	if (n < 0)
		return err_sys(e, (int)-n, "cannot read %s", f->host_path);
	hash_final(TAKE_PTR(h), sha256);
	return streq(sha256, f->sha256)
		       ? 0
		       : err_set(e, -ESTALE, "%s changed while it was packed", f->host_path);
}

/* The folders above PATH that the last one, LAST, did not bring. */
static int write_folders(struct tar *t, const char *path, const char *last, struct err *e)
{
	int r = 0;

	for (const char *p = path; r == 0 && (p = strchr(p, '/')); p++) {
		_cleanup_free_ char *folder = xstrndup(path, (size_t)(p - path) + 1);

		if (!last || !str_starts(last, folder))
			r = write_header(t, folder, S_IFDIR | 0755, 0, e);
	}
	return r;
}

static int write_files(struct tar *t, const struct pack *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct pack_file *f = &p->files[i];

		r = write_folders(t, f->path, i ? p->files[i - 1].path : NULL, e);
		if (r == 0)
			r = write_header(t, f->path, S_IFREG | (f->exec ? 0755 : 0644), f->size, e);
		if (r == 0 && f->host_path)
			r = write_content(t, f, e);
		else if (r == 0 && f->size)
			r = write_data(t, f, f->data, f->size, e);
	}
	if (r == 0 && archive_write_close(t->a) != ARCHIVE_OK)
		r = failed(t, "the archive's end", e);
	return r;
}

int pack_write(const struct pack *p, enum pack_compression c, int level, int fd,
	struct pack_result *ret, struct err *e)
{
	__attribute__((cleanup(tar_release))) struct tar t = { .a = archive_write_new(),
		.entry = archive_entry_new(),
		.squeeze = squeeze_new(c, level, fd),
		.progress = p->progress };
	int r;

	for (size_t i = 0; i < p->n; i++)
		t.total += p->files[i].size;
	/* "Restricted": extended headers only where a name or a size needs one. */
	if (archive_write_set_format_pax_restricted(t.a) != ARCHIVE_OK ||
		archive_write_add_filter_none(t.a) != ARCHIVE_OK ||
		archive_write_open(t.a, &t, NULL, to_squeeze, NULL) != ARCHIVE_OK)
		return failed(&t, "the archive", e);
	r = write_files(&t, p, e);
	if (r < 0)
		return r;
	r = squeeze_finish(t.squeeze, ret);
	return r < 0 ? err_sys(e, -r, "cannot write the archive") : 0;
}

int pack_zstd(const char *src, int level, int fd, const struct pack_progress *progress,
	struct pack_result *ret, struct err *e)
{
	_cleanup_close_ int in = file_open(src, O_RDONLY, e);
	_cleanup_squeeze_ struct squeeze *s = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st = { 0 };
	uint64_t done = 0;
	ssize_t n;
	int r = 0;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0)
		return err_sys(e, errno, "cannot read the size of %s", src);
	s = squeeze_new(PACKED_ZSTD, level, fd);
	while (r == 0 && (n = buf_read(&b, in, CHUNK)) > 0) {
		r = squeeze_add(s, b.data, b.len);
		done += b.len;
		tell(progress, done, (uint64_t)st.st_size);
		buf_clear(&b);
	}
	if (r == 0 && n < 0)
		return err_sys(e, (int)-n, "cannot read %s", src);
	if (r == 0)
		r = squeeze_finish(s, ret);
	return r < 0 ? err_sys(e, -r, "cannot write what %s is packed to", src) : 0;
}
