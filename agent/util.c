/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int read_text(int dirfd, const char *path, char *ret, size_t size)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	while (n > 0 && strchr(" \t\n", ret[n - 1]))
		n--;
	ret[n] = '\0';
	return 0;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

int make_path(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		/* Asked first: on a read-only file system mkdir of what exists may fail with EROFS. */
		if (stat(part, &st) < 0 && mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int poll_add(struct poll_set *set, int fd, short events)
{
	if (fd < 0)
		return -1;
	set->fds[set->n] = (struct pollfd){ .fd = fd, .events = events };
	return (int)set->n++;
}

short poll_got(const struct poll_set *set, int place)
{
	return place < 0 ? 0 : set->fds[place].revents;
}

void poll_by(struct poll_set *set, uint64_t deadline_us)
{
	if (deadline_us < set->until_us)
		set->until_us = deadline_us;
}

int poll_run(struct poll_set *set)
{
	struct timespec wait, *timeout = NULL;
	int r;

	if (set->until_us != UINT64_MAX) {
		uint64_t now = now_us(), us = set->until_us > now ? set->until_us - now : 0;

		wait = (struct timespec){ .tv_sec = (time_t)(us / 1000000),
			.tv_nsec = (long)(us % 1000000) * 1000 };
		timeout = &wait;
	}
	r = ppoll(set->fds, set->n, timeout, NULL);
	return r < 0 && errno == EINTR ? 0 : r;
}
