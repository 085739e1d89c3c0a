/* SPDX-License-Identifier: MIT */
/*
 * Artifacts: files of the guest, written below one host folder. The guest names them, so every path is
 * taken apart and refused when it could leave the folder; no link is followed or made, what is there is not
 * replaced, and the sum of bytes is bounded. A name that is taken (globs may overlap) costs its file, which is
 * told as trouble, and nothing more.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "guest/job.h"

#define ARTIFACTS_MAX_DEFAULT (1ull << 30)
#define ARTIFACT_FILES_MAX    10000

struct job_file {
	int fd; /* owned; -1: not kept */
	char *path; /* owned: relative, as told */
};

static uint64_t max_bytes(const struct job *j)
{
	return j->spec.artifacts_max ? j->spec.artifacts_max : ARTIFACTS_MAX_DEFAULT;
}

bool job_pull_start(struct job *j)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct wire_enc e = { .cap = WIRE_PAYLOAD_MAX };

	if (!j->spec.n_artifacts || !j->report.exits[j->current].started)
		return false;
	data = xmalloc(e.cap);
	e.data = data;
	enc_u32(&e, ID_PULL);
	enc_str(&e, j->spec.commands[j->current].cwd);
	enc_strv(&e, (char *const *)(uintptr_t)j->spec.artifacts, j->spec.n_artifacts);
	enc_u64(&e, max_bytes(j));
	if (e.overflow) {
		job_fail(j, "the list of artifacts is larger than %d bytes", WIRE_PAYLOAD_MAX);
		return true;
	}
	job_request(j, WIRE_PULL, &e);
	return true;
}

static bool path_safe(const char *path)
{
	if (*path == '\0' || *path == '/' || strlen(path) > 1024)
		return false;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || n > 255 || (n == 1 && p[0] == '.') ||
			(n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (*p == '/' && *++p == '\0')
			return false;
	}
	return true;
}

static int open_below(const struct job *j, const char *path, struct err *e)
{
	_cleanup_free_ char *full = path_join(j->spec.artifacts_dir, path), *dir = path_dir(full);
	int r = dir_make(dir, 0755, e);

	if (r < 0)
		return r;
	return file_open(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, e);
}

/* The guest's choice of names is in the way, not the host. */
static bool name_taken(int r)
{
	return r == -EEXIST || r == -ENOTDIR || r == -EISDIR || r == -ENAMETOOLONG;
}

/* The descriptor, or -1 when the file is to be passed over, or when the job has failed. */
static int begin_file(struct job *j, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct err e = ERR_INIT;
	int r = dir_make(j->spec.artifacts_dir, 0755, &e);
	bool there = r == 0;

	if (there && j->report.artifacts.n >= ARTIFACT_FILES_MAX)
		r = err_set(&e, -E2BIG, "there are %d others", ARTIFACT_FILES_MAX);
	else if (there)
		r = open_below(j, path, &e);
	if (r >= 0)
		return r;
	if (there && (name_taken(r) || r == -E2BIG)) {
		text = xasprintf("artifact %s is not kept: %s", path, err_text(&e));
		job_trouble(j, text);
	} else {
		job_fail(j, "cannot write an artifact: %s", err_text(&e));
	}
	err_release(&e);
	return -1;
}

static void begin(struct job *j, const struct wire_frame *f)
{
	struct wire_dec d;
	_cleanup_free_ char *path = NULL;
	uint64_t size;
	int fd;

	dec_init(&d, f);
	dec_u32(&d); /* id: there is one request at a time */
	path = dec_str(&d);
	dec_u32(&d); /* mode: the host's umask decides */
	size = dec_u64(&d);
	if (dec_end(&d) < 0 || j->file || !path || !path_safe(path) ||
		size > max_bytes(j) - j->artifact_bytes) {
		j->report.broken =
			xasprintf("an artifact that is not acceptable: %.200s", path ? path : "?");
		job_end(j);
		return;
	}
	fd = begin_file(j, path);
	if (j->state != JOB_PULLING)
		return;
	j->file = xcalloc(1, sizeof(*j->file));
	*j->file = (struct job_file){ .fd = fd, .path = TAKE_PTR(path) };
}

static void file_close(struct job *j)
{
	fd_close(j->file->fd);
	free(j->file->path);
	free(j->file);
	j->file = NULL;
}

/* It may be more or less than was announced: files grow and shrink, and those of /proc have no size. */
static void data(struct job *j, const struct wire_frame *f)
{
	struct wire_dec d;
	const uint8_t *p;
	size_t len;
	int r;

	dec_init(&d, f);
	dec_u32(&d);
	p = dec_rest(&d, &len);
	if (d.bad || !j->file || len > max_bytes(j) - j->artifact_bytes) {
		j->report.broken = xstrdup("artifact data that was not asked for");
		job_end(j);
		return;
	}
	if (len == 0) {
		if (j->file->fd >= 0)
			strv_add(&j->report.artifacts, j->file->path);
		file_close(j);
		return;
	}
	j->artifact_bytes += len;
	r = j->file->fd >= 0 ? fd_write_all(j->file->fd, p, len) : 0;
	if (r < 0)
		job_fail(j, "cannot write artifact %s: %s", j->file->path, strerror(-r));
}

void job_pull_frame(struct job *j, const struct wire_frame *f)
{
	if (f->type == WIRE_FILE)
		begin(j, f);
	else
		data(j, f);
}

void job_pull_end(struct job *j)
{
	if (!j->file)
		return;
	_cleanup_free_ char *full = path_join(j->spec.artifacts_dir, j->file->path);

	if (j->file->fd >= 0) /* else PATH is another file's */
		unlink(full);
	file_close(j);
}
