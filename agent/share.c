/* SPDX-License-Identifier: MIT */
/* Folders of the host, mounted in the guest. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITABLE_MAX 16

static char *writable_paths[WRITABLE_MAX]; /* owned */
static size_t n_writable;

static int mount_9p(const char *tag, const char *where, bool writable)
{
	char options[160];

	/* The largest request that the virtio transport takes. A share that is only read may be
	 * cached without asking again; where we write, the host is to see each write at once. */
	snprintf(options, sizeof(options),
		"trans=virtio,version=9p2000.L,msize=512000,access=any,cache=%s",
		writable ? "mmap" : "loose");
	return mount(tag, where, "9p", writable ? 0 : MS_RDONLY, options) < 0 ? -errno : 0;
}

int share_mount(uint8_t kind, const char *tag, const char *where, bool writable)
{
	switch (kind) {
	case WIRE_SHARE_9P:
		return mount_9p(tag, where, writable);
	case WIRE_SHARE_FUSE:
		/* Each connection needs a port of its own: a tag that names one is taken as its name. */
		return fuse_mount(
			strncmp(tag, WIRE_PORT_FS, strlen(WIRE_PORT_FS)) == 0 ? tag : WIRE_PORT_FS,
			where, writable);
	default:
		return -EINVAL;
	}
}

const char *share_reason(uint8_t kind, int error)
{
	if (error == -ENODEV)
		return kind == WIRE_SHARE_9P ? "the kernel has no 9p" : "the kernel has no FUSE";
	return strerror(-error);
}

void share_add(uint32_t id, uint8_t kind, const char *tag, const char *path, bool writable)
{
	int r = 0;

	if (path[0] != '/')
		r = -EINVAL;
	if (r == 0 && writable && n_writable == WRITABLE_MAX)
		r = -ENOSPC;
	if (r == 0)
		r = make_path(path);
	if (r == 0)
		r = share_mount(kind, tag, path, writable);
	if (r < 0) {
		send_done(
			id, r, "cannot mount share %s on %s: %s", tag, path, share_reason(kind, r));
		return;
	}
	if (writable)
		writable_paths[n_writable++] = strdup(path);
	send_done(id, 0, "%s", "");
}

void shares_unmount(void)
{
	while (n_writable > 0) {
		char *path = writable_paths[--n_writable];

		/* What a test did to the mount must not keep the rest from being written. */
		if (path && umount(path) < 0) {
			sync();
			umount2(path, MNT_DETACH);
		}
		free(path);
	}
}
