/* SPDX-License-Identifier: MIT */
/*
 * The screen by QEMU's screendump, which writes to a file that it opens by name: the name is that of a descriptor
 * set (/dev/fdset/N), and the file in it one without a name that we hold as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "qemu/private.h"

#define DUMP_MAX (256 * 1024 * 1024)

struct qemu_dump {
	struct qemu_dump **list; /* borrowed: where it stands */
	struct qemu *qemu; /* borrowed */
	int fd; /* owned: to read from */
	int out; /* owned: the same file, for QEMU */
	int set;
	qemu_screen_cb cb;
	void *arg; /* borrowed */
	struct qemu_dump *next;
};

static void dump_free(struct qemu_dump *d)
{
	for (struct qemu_dump **p = d->list; *p; p = &(*p)->next)
		if (*p == d) {
			*p = d->next;
			break;
		}
	fd_close(d->fd);
	fd_close(d->out);
	free(d);
}

static void finish(struct qemu_dump *d, const char *error)
{
	_cleanup_buf_ struct buf image = BUF_INIT;
	qemu_screen_cb cb = d->cb;
	void *arg = d->arg;
	int r = error ? 0 : buf_read_all(&image, d->fd, DUMP_MAX);

	qemu_command(d->qemu, "remove-fd", json_pack("{s:i}", "fdset-id", d->set), NULL, NULL);
	dump_free(d);
	cb(arg, buf_str(&image), image.len, r < 0 ? strerror(-r) : error);
}

static void on_dumped(void *arg, json_t *ret, const struct qmp_error *error)
{
	finish(arg, error ? error->desc : NULL);
}

static void on_added(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu_dump *d = arg;
	_cleanup_free_ char *name = xasprintf("/dev/fdset/%d", d->set);

	if (error)
		finish(d, error->desc);
	else
		qemu_command(
			d->qemu, "screendump", json_pack("{s:s}", "filename", name), on_dumped, d);
}

/* The monitor is open: before its greeting nothing can be sent that has a descriptor beside it. */
static void on_open(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct qemu_dump *d = arg;

	if (error)
		finish(d, error->desc);
	else
		qemu_command_fd(d->qemu, "add-fd", json_pack("{s:i}", "fdset-id", d->set), d->out,
			on_added, d);
}

/* QEMU wants a descriptor of exactly the mode that it opens the name with. */
static int open_file(int *ret_write)
{
	_cleanup_close_ int fd = fd_memfd("screen", "", 0);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

	if (fd < 0)
		return fd;
	*ret_write = open(path, O_WRONLY | O_CLOEXEC);
	return *ret_write < 0 ? -errno : TAKE_FD(fd);
}

void qemu_dump(struct qemu_dump **list, struct qemu *q, qemu_screen_cb cb, void *arg)
{
	static int last_set;
	int out = -1, fd = open_file(&out);
	struct qemu_dump *d;

	if (fd < 0) {
		cb(arg, NULL, 0, strerror(-fd));
		return;
	}
	d = xcalloc(1, sizeof(*d));
	*d = (struct qemu_dump){ list, q, fd, out, ++last_set, cb, arg, *list };
	*list = d;
	qemu_command(q, "query-status", NULL, on_open, d);
}

void qemu_dumps_free(struct qemu_dump **list)
{
	while (*list)
		dump_free(*list);
}
