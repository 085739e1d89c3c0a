/* SPDX-License-Identifier: MIT */
/*
 * FUSE over a virtio-serial port. The host is the FUSE server; here two threads carry whole messages
 * between /dev/fuse and the port, one for each direction, so neither waits for the other. A message
 * has its length in its first four bytes, both ways (struct fuse_in_header, fuse_out_header).
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* 128 KiB of data, the most that one request carries by default, and a page for the headers. The host
 * answers INIT with max_write and max_pages within this. */
#define MESSAGE_MAX    (128 * 1024 + 4096)
#define OUT_HEADER_MIN 16
#define STACK_SIZE     (64 * 1024)

struct relay {
	int fuse_fd, port_fd; /* owned */
	atomic_bool over; /* fuse_fd is closed, and its number may be another file's */
	uint8_t request[MESSAGE_MAX], reply[MESSAGE_MAX];
};

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n < 0 && (errno == ENOMEM || errno == EAGAIN)) {
			usleep(1000); /* the driver copies into memory that it must get first */
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool read_all(int fd, uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			return false; /* the host hung up */
		}
	}
	return true;
}

static void *carry_requests(void *arg)
{
	struct relay *r = arg;

	while (!atomic_load(&r->over)) {
		ssize_t n = read(r->fuse_fd, r->request, sizeof(r->request));

		/* ENOENT: the request was interrupted before we had it. ENODEV: unmounted. */
		if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (n <= 0 || !write_all(r->port_fd, r->request, (size_t)n))
			break;
	}
	return NULL;
}

static void *carry_replies(void *arg)
{
	struct relay *r = arg;
	uint32_t len;

	while (read_all(r->port_fd, r->reply, sizeof(len))) {
		memcpy(&len, r->reply, sizeof(len));
		if (len < OUT_HEADER_MIN || len > sizeof(r->reply) ||
			!read_all(r->port_fd, r->reply + sizeof(len), len - sizeof(len)))
			break;
		/* ENOENT: nobody waits for this answer any more. */
		if (write(r->fuse_fd, r->reply, len) < 0 && errno == ENODEV)
			return NULL;
	}
	/* Without a server each access would hang for ever; this makes them fail with ENOTCONN once
	 * the other thread lets go of the device as well, which the next request makes it do. */
	atomic_store(&r->over, true);
	dprintf(STDERR_FILENO, "vmrig-agent: the file server of the host hung up\n");
	close(r->fuse_fd);
	return NULL;
}

static int start(void *(*run)(void *), struct relay *relay)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &attr, run, relay);
	pthread_attr_destroy(&attr);
	return r;
}

int fuse_mount(const char *port, const char *where, bool writable)
{
	struct relay *relay = malloc(sizeof(*relay));
	char options[128];
	int r;

	if (!relay)
		return -ENOMEM;
	atomic_init(&relay->over, false);
	relay->fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	r = relay->fuse_fd < 0 ? -errno : 0;
	relay->port_fd = r < 0 ? -1 : port_open(port);
	if (r == 0 && relay->port_fd < 0)
		r = relay->port_fd;
	if (r < 0)
		goto fail;

	snprintf(options, sizeof(options),
		"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
		relay->fuse_fd);
	if (mount(port, where, "fuse", writable ? 0 : MS_RDONLY, options) < 0) {
		r = -errno;
		goto fail;
	}
	r = start(carry_requests, relay);
	if (r == 0)
		r = start(carry_replies, relay);
	if (r == 0)
		return 0;
	umount2(where, MNT_DETACH); /* ends the first thread, which may use the relay until then */
	return r;
fail:
	if (relay->fuse_fd >= 0)
		close(relay->fuse_fd);
	if (relay->port_fd >= 0)
		close(relay->port_fd);
	free(relay);
	return r;
}
