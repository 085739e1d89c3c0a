/* SPDX-License-Identifier: MIT */
/*
 * PULL: files from the guest to the host. The names are collected at once, the content is sent as the
 * outgoing queue has room. Symbolic links and special files are passed over: a test must not lead us
 * out of what was asked for, nor into a FIFO that blocks.
 */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 65536

static struct {
	bool active;
	uint32_t id;
	char **paths; /* owned, absolute */
	size_t n, next;
	size_t cwd_len; /* of the prefix that is cut off, with its '/' */
	char cwd[PATH_MAX];
	int fd; /* owned: the file on its way, or -1 */
	uint64_t left; /* of max_bytes */
} pull;

static void end(void)
{
	for (size_t i = 0; i < pull.n; i++)
		free(pull.paths[i]);
	free(pull.paths);
	if (pull.fd >= 0)
		close(pull.fd);
	pull.active = false;
	pull.paths = NULL;
	pull.n = pull.next = 0;
	pull.fd = -1;
}

static const char *told_name(const char *path)
{
	if (strncmp(path, pull.cwd, pull.cwd_len) == 0)
		return path + pull.cwd_len;
	while (*path == '/')
		path++;
	return path;
}

static int keep(const char *path)
{
	if (pull.n == FILES_MAX)
		return -E2BIG;
	if ((pull.n & (pull.n - 1)) == 0) {
		char **paths = realloc(pull.paths, (pull.n ? 2 * pull.n : 1) * sizeof(*paths));

		if (!paths)
			return -ENOMEM;
		pull.paths = paths;
	}
	pull.paths[pull.n] = strdup(path);
	if (!pull.paths[pull.n])
		return -ENOMEM;
	pull.n++;
	return 0;
}

/* PATH itself, or all that is below it. */
static int collect(const char *path)
{
	struct dirent *d;
	struct stat st;
	int r = 0;
	DIR *dir;

	if (lstat(path, &st) < 0)
		return 0; /* it was there a moment ago: a test tidies up */
	if (S_ISREG(st.st_mode))
		return keep(path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (r == 0 && (d = readdir(dir))) {
		char below[PATH_MAX];

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, d->d_name) >= (int)sizeof(below))
			r = -ENAMETOOLONG;
		else
			r = collect(below);
	}
	closedir(dir);
	return r;
}

static int collect_glob(const char *pattern)
{
	char whole[PATH_MAX];
	glob_t found;
	int r = 0;

	if (snprintf(whole, sizeof(whole), "%s%s", pattern[0] == '/' ? "" : pull.cwd, pattern) >=
		(int)sizeof(whole))
		return -ENAMETOOLONG;
	switch (glob(whole, 0, NULL, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		return 0;
	case GLOB_NOSPACE:
		return -ENOMEM;
	default:
		return -EIO;
	}
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		char *path = found.gl_pathv[i];
		size_t len = strlen(path);

		while (len > 1 && path[len - 1] == '/')
			path[--len] = '\0';
		r = collect(path);
	}
	globfree(&found);
	return r;
}

void pull_begin(uint32_t id, const char *cwd, char *const *globs, uint64_t max_bytes)
{
	size_t len = strlen(cwd);

	if (pull.active) {
		send_done(id, -EBUSY, "another PULL is on its way");
		return;
	}
	if ((len > 0 && cwd[0] != '/') || len + 2 > sizeof(pull.cwd)) {
		send_done(id, -EINVAL, "%s is no absolute path", cwd);
		return;
	}
	while (len > 0 && cwd[len - 1] == '/')
		len--;
	memcpy(pull.cwd, cwd, len);
	memcpy(pull.cwd + len, "/", 2);
	pull.cwd_len = len + 1;
	pull.active = true;
	pull.id = id;
	pull.fd = -1;
	pull.left = max_bytes;
	for (; *globs; globs++) {
		int r = collect_glob(*globs);

		if (r < 0) {
			send_done(id, r, "cannot list %s: %s", *globs, strerror(-r));
			end();
			return;
		}
	}
}

static void fail(int error, const char *path)
{
	send_done(pull.id, error, "%s: %s", path,
		error == -EFBIG ? "does not fit in what may be fetched" : strerror(-error));
	end();
}

static void begin_file(const char *path)
{
	struct wire_enc e;
	struct stat st;

	pull.fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (pull.fd < 0 && errno == ENOENT) {
		pull.next++;
		return;
	}
	if (pull.fd < 0 || fstat(pull.fd, &st) < 0) {
		fail(-errno, path);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		close(pull.fd);
		pull.fd = -1;
		pull.next++;
		return;
	}
	if ((uint64_t)st.st_size > pull.left) {
		fail(-EFBIG, path);
		return;
	}
	e = channel_message();
	enc_u32(&e, pull.id);
	enc_str(&e, told_name(path));
	enc_u32(&e, st.st_mode);
	enc_u64(&e, (uint64_t)st.st_size);
	channel_send_message(WIRE_FILE, &e);
}

static void send_data(const char *path)
{
	struct wire_enc e = channel_message();
	ssize_t n;

	enc_u32(&e, pull.id);
	n = read(pull.fd, e.data + e.len, WIRE_PAYLOAD_MAX - WIRE_HEADER_SIZE - e.len);
	if (n < 0 && errno == EINTR)
		return;
	if (n < 0) {
		fail(-errno, path);
		return;
	}
	if ((uint64_t)n > pull.left) { /* it grew */
		fail(-EFBIG, path);
		return;
	}
	channel_send(WIRE_FILE_DATA, e.len + (size_t)n);
	pull.left -= (uint64_t)n;
	if (n == 0) {
		close(pull.fd);
		pull.fd = -1;
		pull.next++;
	}
}

void pull_step(void)
{
	while (pull.active && channel_roomy()) {
		if (pull.next == pull.n) {
			send_done(pull.id, 0, "%s", "");
			end();
		} else if (pull.fd < 0) {
			begin_file(pull.paths[pull.next]);
		} else {
			send_data(pull.paths[pull.next]);
		}
	}
}

bool pull_pending(void)
{
	return pull.active;
}
