/* SPDX-License-Identifier: MIT */
#include "disk/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"

#define BLOCK     (256 * 1024)
#define HOLE      4096
#define IMAGE_MIN (64 * 1024) /* what is smaller in a tar archive is a note about the image */

static const struct {
	const char *magic;
	size_t len;
} packed[] = { { "\x1f\x8b", 2 },
	{ "\xfd"
	  "7zXZ",
		6 },
	{ "\x28\xb5\x2f\xfd", 4 }, { "BZh", 3 } };

static bool is_packed(const char *head, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(packed); i++)
		if (len >= packed[i].len && memcmp(head, packed[i].magic, packed[i].len) == 0)
			return true;
	return false;
}

static struct archive *reader(bool tar)
{
	struct archive *a = archive_read_new();

	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_bzip2(a);
	if (tar)
		archive_read_support_format_tar(a);
	else
		archive_read_support_format_raw(a);
	return a;
}

static int damaged(struct archive *a, const char *src, struct err *e)
{
	const char *why = archive_error_string(a);
	int code = archive_errno(a);

	return err_set(e, code == ENOSPC ? -ENOSPC : -EBADMSG, "%s is damaged: %s", path_base(src),
		why ? why : "it does not unpack");
}

/* A raw image may begin with zeros, which libarchive would take for an empty tar archive. */
static int holds_tar(const char *src, bool *ret, struct err *e)
{
	struct archive *a = reader(false);
	struct archive_entry *entry;
	char head[512] = { 0 };
	la_ssize_t n = -1;
	int r = 0;

	if (archive_read_open_filename(a, src, BLOCK) == ARCHIVE_OK &&
		archive_read_next_header(a, &entry) == ARCHIVE_OK)
		n = archive_read_data(a, head, sizeof(head));
	if (n < 0)
		r = damaged(a, src, e);
	*ret = n == (la_ssize_t)sizeof(head) && memcmp(head + 257, "ustar", 5) == 0;
	archive_read_free(a);
	return r;
}

static bool is_zero(const char *p, size_t n)
{
	return n && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static int write_sparse(int fd, const char *p, size_t len, int64_t at)
{
	while (len) {
		size_t n = HOLE - (size_t)(at % HOLE);
		ssize_t done;

		n = n < len ? n : len;
		done = is_zero(p, n) ? (ssize_t)n : pwrite(fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

static int too_much(const char *src, int64_t max, struct err *e)
{
	err_set(e, -EFBIG, "%s unpacks to more than %lld MiB", path_base(src),
		(long long)(max >> 20));
	return err_hint(e, "--size-max allows more.");
}

static int write_entry(
	struct archive *a, const char *src, const char *dst, int64_t max, struct err *e)
{
	_cleanup_close_ int fd = open(dst, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const void *data;
	la_int64_t at;
	int64_t end = 0;
	size_t len;
	int ar, r = 0;

	if (fd < 0)
		return err_sys(e, errno, "cannot write %s", dst);
	while (r == 0 && (ar = archive_read_data_block(a, &data, &len, &at)) == ARCHIVE_OK) {
		if (at < 0 || at > max || (int64_t)len > max - at)
			return too_much(src, max, e);
		r = write_sparse(fd, data, len, at);
		end = at + (int64_t)len > end ? at + (int64_t)len : end;
	}
	if (r == 0 && ar != ARCHIVE_EOF)
		return damaged(a, src, e);
	if (r == 0 && ftruncate(fd, end) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, -r, "cannot unpack %s", path_base(src)) : 0;
}

static int unpack_raw(const char *src, const char *dst, int64_t max, struct err *e)
{
	struct archive *a = reader(false);
	struct archive_entry *entry;
	int r;

	if (archive_read_open_filename(a, src, BLOCK) != ARCHIVE_OK ||
		archive_read_next_header(a, &entry) != ARCHIVE_OK)
		r = damaged(a, src, e);
	else
		r = write_entry(a, src, dst, max, e);
	archive_read_free(a);
	return r;
}

static int unpack_tar_image(const char *src, const char *dst, int64_t max, struct err *e)
{
	struct archive *a = reader(true);
	struct archive_entry *entry;
	int ar = archive_read_open_filename(a, src, BLOCK), r = 0, n = 0;
	int64_t passed = 0;

	while (r == 0 && ar == ARCHIVE_OK &&
		(ar = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		if (archive_entry_filetype(entry) != AE_IFREG)
			continue;
		if (archive_entry_size(entry) < IMAGE_MIN) {
			passed += archive_entry_size(entry) + 512;
			r = passed > max ? too_much(src, max, e) : 0;
		} else if (n++) {
			r = err_set(e, -EINVAL, "%s holds more than one image", path_base(src));
		} else {
			r = write_entry(a, src, dst, max, e);
		}
	}
	if (r == 0 && ar != ARCHIVE_EOF)
		r = damaged(a, src, e);
	if (r == 0 && n == 0)
		r = err_set(e, -EINVAL, "%s holds no image", path_base(src));
	archive_read_free(a);
	return r;
}

int disk_unpack(const char *src, const char *dst, int64_t max, struct err *e)
{
	_cleanup_close_ int fd = file_open(src, O_RDONLY, e);
	_cleanup_buf_ struct buf head = BUF_INIT;
	bool tar = false;
	int r;

	if (fd < 0)
		return fd;
	if (buf_read(&head, fd, 512) < 0)
		return err_sys(e, EIO, "cannot read %s", src);
	if (!is_packed(buf_str(&head), head.len)) {
		tar = head.len == 512 && memcmp(head.data + 257, "ustar", 5) == 0;
		if (!tar)
			return 0;
	} else {
		r = holds_tar(src, &tar, e);
		if (r < 0)
			return r;
	}
	r = (tar ? unpack_tar_image : unpack_raw)(src, dst, max, e);
	return r < 0 ? r : 1;
}

int disk_convert(const char *src, const char *from, const char *dst, const char *to, struct err *e)
{
	const char *argv[] = { "qemu-img", "convert", "-f", from, "-O", to, src, dst, NULL };
	_cleanup_buf_ struct buf said = BUF_INIT, clean = BUF_INIT;
	int status, r = proc_capture(argv, NULL, NULL, &said, 0, &status, e);

	if (r == -ENOENT)
		return err_hint(e, "Debian has qemu-img in the package qemu-utils.");
	if (r < 0 || status == 0)
		return r;
	text_clean(&clean, buf_str(&said), said.len);
	return err_set(
		e, -EIO, "qemu-img cannot convert it from %s to %s: %s", from, to, buf_str(&clean));
}
