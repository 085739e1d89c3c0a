/* SPDX-License-Identifier: MIT */
#include "disk/inspect.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"

#define CHAIN_MAX 8
#define GUEST_MS  60000

static const struct {
	const char *name;
	uint64_t at;
	const char *magic;
	size_t len;
	int (*inspect)(struct inspection *i, struct err *e);
} formats[] = {
	[DISK_RAW] = { "raw" },
	[DISK_ISO] = { "raw" },
	[DISK_QCOW2] = { "qcow2", 0, "QFI\xfb", 4, inspect_qcow2 },
	[DISK_VMDK] = { "vmdk", 0, "KDMV", 4, inspect_vmdk },
	[DISK_VDI] = { "vdi", 64, "\x7f\x10\xda\xbe", 4, inspect_vdi },
	[DISK_VHDX] = { "vhdx", 0, "vhdxfile", 8 },
	[DISK_VPC] = { "vpc", 0, "conectix", 8 },
};

const char *disk_format_name(enum disk_format f)
{
	return formats[f].name;
}

const char *disk_table_name(enum disk_table t)
{
	static const char *const names[] = { "none", "mbr", "gpt", "unknown" };

	return names[t];
}

void disk_info_release(struct disk_info *i)
{
	free(i->label);
	strv_release(&i->backing);
	*i = (struct disk_info){ 0 };
}

int inspect_read(const struct inspection *i, void *to, size_t len, uint64_t at, const char *what,
	struct err *e)
{
	char *p = to;

	if (at > i->info->size || len > i->info->size - at)
		return err_set(e, -EBADMSG, "%s is cut short: it ends within %s", i->path, what);
	while (len) {
		ssize_t n = pread(i->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, n ? errno : EIO, "cannot read %s", i->path);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static enum disk_format detect(const unsigned char *data, size_t len)
{
	static const char descriptor[] = "# Disk DescriptorFile";

	for (size_t f = DISK_QCOW2; f < ARRAY_SIZE(formats); f++)
		if (len >= formats[f].at + formats[f].len &&
			memcmp(data + formats[f].at, formats[f].magic, formats[f].len) == 0)
			return (enum disk_format)f;
	if (len >= sizeof(descriptor) && memcmp(data, descriptor, sizeof(descriptor) - 1) == 0)
		return DISK_VMDK;
	return DISK_RAW;
}

/* What a guest sees of an image that is not raw: by qemu-img, into memory. */
static void read_guest(const struct inspection *i)
{
	_cleanup_free_ char *in = xasprintf("if=%s", i->path);
	_cleanup_close_ int fd = fd_memfd("image-head", "", 0);
	const char *argv[] = { "qemu-img", "dd", "-U", "-f", disk_format_name(i->info->format),
		"-O", "raw", "bs=4096", "count=17", in, "of=/dev/fd/1", NULL };
	struct proc_fd out = { fd, 1 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proc p = PROC_INIT;
	struct pollfd wait = { .events = POLLIN };
	int status = -1;

	if (fd < 0 || proc_spawn(&(struct proc_spec){ .argv = argv, .fds = &out, .n_fds = 1 }, &p,
			      NULL) < 0)
		return;
	wait.fd = p.pidfd;
	if (poll(&wait, 1, GUEST_MS) > 0)
		proc_reap(&p, &status);
	proc_kill(&p);
	if (status == 0 && lseek(fd, 0, SEEK_SET) == 0 && buf_read_all(&b, fd, 1 << 20) >= 0)
		inspect_content((const unsigned char *)buf_str(&b), b.len, i->info);
}

/* An image may name one in its own folder, by its name alone. */
static int follow(struct inspection *i, bool allowed, char **ret_next, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!i->backing)
		return 0;
	text_clean(&b, i->backing, strlen(i->backing));
	if (!allowed)
		return err_set(e, -EPERM, "%s lies over another file, '%s'", i->path, buf_str(&b));
	if (strpbrk(i->backing, "/:"))
		return err_set(e, -EPERM, "%s lies over '%s', which is not in its folder", i->path,
			buf_str(&b));
	dir = path_dir(i->path);
	*ret_next = path_join(dir, i->backing);
	return 0;
}

static int inspect_open(struct inspection *i, struct err *e)
{
	_cleanup_free_ unsigned char *head = xcalloc(1, INSPECT_CONTENT_LEN);
	size_t len;
	struct stat st;
	int r;

	if (fstat(i->fd, &st) < 0)
		return err_sys(e, errno, "cannot read %s", i->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is no file", i->path);
	i->info->size = (uint64_t)st.st_size;
	if (!st.st_size)
		return err_set(e, -EBADMSG, "%s is empty", i->path);
	len = st.st_size < INSPECT_CONTENT_LEN ? (size_t)st.st_size : INSPECT_CONTENT_LEN;
	r = inspect_read(i, head, len, 0, "its beginning", e);
	if (r < 0)
		return r;
	i->info->format = detect(head, len);
	i->info->table = DISK_TABLE_UNKNOWN;
	if (i->info->format == DISK_RAW) {
		i->info->virtual_size = i->info->size;
		inspect_content(head, len, i->info);
		return 0;
	}
	return formats[i->info->format].inspect ? formats[i->info->format].inspect(i, e) : 0;
}

/* One image of a chain; RET_NEXT is the one it lies over. */
static int inspect_one(
	const char *path, bool backing, struct disk_info *ret, char **ret_next, struct err *e)
{
	/* Not a FIFO that nobody writes to, nor a link: what it leads to is another file. */
	_cleanup_close_ int fd = file_open(path, O_RDONLY | O_NONBLOCK, e);
	struct inspection i = { .fd = fd, .path = path, .info = ret };
	int r = fd;

	if (r >= 0)
		r = inspect_open(&i, e);
	if (r == 0)
		r = follow(&i, backing, ret_next, e);
	free(i.backing);
	return r;
}

static int inspect_chain(struct disk_info *ret, char *next, struct err *e)
{
	int r = 0;

	while (r == 0 && next) {
		_cleanup_free_ char *path = next;
		struct disk_info below = { 0 };
		struct stat st;

		next = NULL;
		if (ret->backing.n == CHAIN_MAX || strv_has(&ret->backing, path))
			return err_set(
				e, -EPERM, "%s: the chain of backing files has no end", path);
		strv_add(&ret->backing, path);
		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			return err_set(e, -EPERM, "%s is a link, which may lead outside", path);
		r = inspect_one(path, true, &below, &next, e);
		disk_info_release(&below);
	}
	free(next);
	return r;
}

int disk_inspect(const char *path, bool backing, struct disk_info *ret, struct err *e)
{
	_cleanup_free_ char *absolute = path_absolute(path, NULL), *next = NULL;
	struct disk_info info = { 0 };
	int r = inspect_one(absolute, backing, &info, &next, e);

	if (r == 0)
		r = inspect_chain(&info, TAKE_PTR(next), e);
	if (r == 0 && info.table == DISK_TABLE_UNKNOWN && info.format != DISK_RAW) {
		struct inspection i = { .path = absolute, .info = &info };

		read_guest(&i);
	}
	if (r < 0)
		disk_info_release(&info);
	else
		*ret = info;
	return r;
}
