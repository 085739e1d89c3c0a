/* SPDX-License-Identifier: MIT */
#include "image/blob.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

int blob_open(const char *path, struct blob *ret, struct err *e)
{
	_cleanup_close_ int fd = file_open(path, O_RDONLY | O_NONBLOCK, e);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -ENOEXEC, "%s: not a regular file", path);
	*ret = (struct blob){ .fd = TAKE_FD(fd), .size = (uint64_t)st.st_size };
	return 0;
}

struct blob blob_memory(const void *data, size_t len)
{
	return (struct blob){ .fd = -1, .data = data, .size = len };
}

void blob_release(struct blob *b)
{
	b->fd = fd_close(b->fd);
}

int blob_read(const struct blob *b, uint64_t off, void *dst, size_t len)
{
	char *p = dst;

	if (off > b->size || len > b->size - off)
		return -EBADMSG;
	if (b->data) {
		memcpy(dst, b->data + off, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(b->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) /* it shrank since it was opened */
			return -EBADMSG;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
