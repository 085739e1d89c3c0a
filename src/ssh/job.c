/* SPDX-License-Identifier: MIT */
/*
 *	PROBING ── it answers ──► RUNNING ── ended, it had begun ──► OVER
 *	   ▲                         │
 *	   └──── RESTING ◄───────────┘ not let in, cut off before it began
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"
#include "ssh/job.h"

#define REST_MIN_MS 250
#define REST_MAX_MS 4000
#define READ_MAX    65536
#define LOG_MAX     (1024 * 1024)
#define SAID_MAX    4096 /* of what scp prints, for the reason of its failure */
#define SSH_FAILURE 255
#define WATCH_MS    100 /* between two looks at how much a copy is */
#define WATCH_REST  10 /* times as long as a look takes there is none */

static void probe(struct ssh_job *j);

/* ---- the end of a try ---- */

static void stop_streams(struct ssh_job *j)
{
	for (int i = 0; i < 2; i++) {
		struct job_stream *s = &j->streams[i];

		loop_fd_remove(s->source);
		s->source = NULL;
		s->fd = fd_close(s->fd);
	}
	loop_fd_remove(j->child_source);
	j->child_source = NULL;
}

static void set_trouble(struct ssh_job *j, char *why)
{
	free(j->trouble);
	j->trouble = why;
}

static void rest(struct ssh_job *j)
{
	j->state = JOB_RESTING;
	loop_timer_set(j->timer, clock_ms() + j->rest_ms);
	j->rest_ms = j->rest_ms * 2 < REST_MAX_MS ? j->rest_ms * 2 : REST_MAX_MS;
}

/* From the loop, so that a caller gets its job before the end of it. */
static void finish(struct ssh_job *j, enum ssh_end end, int code)
{
	j->state = JOB_OVER;
	j->result = (struct ssh_result){ end, code, end == SSH_EXITED ? NULL : j->trouble };
	loop_timer_set(j->timer, 0);
}

static void read_log(struct ssh_job *j, struct buf *ret)
{
	if (j->log_fd >= 0 && lseek(j->log_fd, 0, SEEK_SET) == 0)
		buf_read_all(ret, j->log_fd, LOG_MAX);
	j->log_fd = fd_close(j->log_fd);
}

static void command_ended(struct ssh_job *j, int status, const char *log)
{
	enum ssh_fate fate = ssh_log_fate(log);
	char *reason = ssh_log_reason(log);

	if (WIFEXITED(status) && WEXITSTATUS(status) != SSH_FAILURE)
		fate = SSH_FATE_EXITED;
	switch (fate) {
	case SSH_FATE_EXITED:
		free(reason);
		finish(j, SSH_EXITED, WIFEXITED(status) ? WEXITSTATUS(status) : SSH_FAILURE);
		return;
	case SSH_FATE_SIGNALLED:
		free(reason);
		set_trouble(j, xstrdup("a signal ended the command in the guest"));
		finish(j, SSH_SIGNALLED, 0);
		return;
	case SSH_FATE_BROKEN:
		set_trouble(j, xasprintf("the connection broke while the command ran%s%s",
				       reason ? ": " : "", reason ? reason : ""));
		free(reason);
		finish(j, SSH_LOST, 0);
		return;
	case SSH_FATE_UNSENT:
		set_trouble(j, reason ? reason : xstrdup("ssh failed and did not say why"));
		rest(j);
		return;
	}
}

/* The guest says how much it sends, and may lie. */
static bool too_large(struct ssh_job *j)
{
	uint64_t mib = j->size_max >> 20;

	if (!j->size_max || ssh_measure(j->to, j->size_max) <= j->size_max)
		return false;
	dir_remove(j->to, NULL);
	set_trouble(
		j, xasprintf("it is larger than %llu %s",
			   (unsigned long long)(mib ? mib : j->size_max), mib ? "MiB" : "bytes"));
	finish(j, SSH_FAILED, 0);
	return true;
}

static void on_watch(void *arg)
{
	struct ssh_job *j = arg;
	int64_t began = clock_ms(), gap;

	if (j->state != JOB_RUNNING || j->checking)
		return;
	if (ssh_measure(j->to, j->size_max) > j->size_max) {
		stop_streams(j);
		proc_kill(&j->child);
		too_large(j);
		return;
	}
	gap = WATCH_REST * (clock_ms() - began);
	loop_timer_set(j->watch, clock_ms() + (gap > WATCH_MS ? gap : WATCH_MS));
}

static void copy_ended(struct ssh_job *j, int status)
{
	_cleanup_buf_ struct buf how = BUF_INIT;
	char *reason = ssh_log_reason(buf_str(&j->said));

	if (too_large(j)) {
		free(reason);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		free(reason);
		finish(j, SSH_EXITED, 0);
		return;
	}
	proc_describe_status(&how, status);
	set_trouble(j, reason ? reason : xasprintf("scp: %s", buf_str(&how)));
	finish(j, SSH_FAILED, 0);
}

static void start(struct ssh_job *j);

static void child_ended(struct ssh_job *j, int status)
{
	_cleanup_buf_ struct buf log = BUF_INIT;

	stop_streams(j);
	read_log(j, &log);
	if (j->checking) {
		command_ended(j, status, buf_str(&log));
		if (j->state != JOB_OVER)
			return;
		/* Whatever it exited with, we were let in. */
		loop_timer_set(j->timer, CLOCK_NEVER);
		j->checking = false;
		start(j);
	} else if (j->command) {
		command_ended(j, status, buf_str(&log));
	} else {
		copy_ended(j, status);
	}
	if (j->state == JOB_OVER)
		j->s->answered = true;
}

/* ---- what comes while it runs ---- */

static void take(struct job_stream *s, const char *data, size_t len)
{
	struct ssh_job *j = s->job;

	if (!j->command) {
		buf_add(&j->said, data, len);
		if (j->said.len > SAID_MAX)
			buf_consume(&j->said, j->said.len - SAID_MAX);
	}
	if (j->h.output && !j->checking)
		j->h.output(j->h.arg, s->number, data, len);
}

/* True while there may be more at once. */
static bool read_some(struct job_stream *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	ssize_t n = s->fd < 0 ? -EAGAIN : buf_read(&b, s->fd, READ_MAX);

	if (n > 0) {
		take(s, b.data, b.len);
		return true;
	}
	if (n == -EAGAIN)
		return false;
	loop_fd_remove(s->source);
	s->source = NULL;
	s->fd = fd_close(s->fd);
	return false;
}

static void on_stream(void *arg, int fd, uint32_t events)
{
	read_some(arg);
}

static void on_child(void *arg, int fd, uint32_t events)
{
	struct ssh_job *j = arg;
	int status;

	if (proc_reap(&j->child, &status) < 0)
		return;
	for (int i = 0; i < 2; i++)
		while (read_some(&j->streams[i])) {
		}
	child_ended(j, status);
}

/* ---- a try ---- */

static void start(struct ssh_job *j)
{
	struct err e = ERR_INIT;

	j->state = JOB_RUNNING;
	j->tries++;
	buf_clear(&j->said);
	if (ssh_job_spawn(j, &e) < 0) {
		stop_streams(j);
		set_trouble(j, xstrdup(err_text(&e)));
		err_release(&e);
		finish(j, SSH_FAILED, 0);
		return;
	}
	for (int i = 0; i < 2; i++)
		j->streams[i].source = loop_fd_add(
			j->s->loop, j->streams[i].fd, EPOLLIN, on_stream, &j->streams[i]);
	j->child_source = loop_fd_add(j->s->loop, j->child.pidfd, EPOLLIN, on_child, j);
	if (j->watch)
		loop_timer_set(j->watch, clock_ms() + WATCH_MS);
}

static void on_probe(void *arg, const char *why)
{
	struct ssh_job *j = arg;

	if (why)
		set_trouble(j, xstrdup(why));
	ssh_probe_free(j->probe);
	j->probe = NULL;
	if (why)
		rest(j);
	else
		start(j);
}

static void probe(struct ssh_job *j)
{
	j->state = JOB_PROBING;
	j->probe = ssh_probe_start(j->s->loop, j->s->port, on_probe, j);
}

static void on_timer(void *arg)
{
	struct ssh_job *j = arg;

	if (j->state == JOB_OVER)
		j->h.done(j->h.arg, &j->result);
	else
		probe(j);
}

/* ---- from outside ---- */

static struct ssh_job *job_new(struct ssh *s, const struct ssh_handlers *h)
{
	struct ssh_job *j = xcalloc(1, sizeof(*j));

	*j = (struct ssh_job){
		.s = s,
		.h = *h,
		.rest_ms = REST_MIN_MS,
		.child = PROC_INIT,
		.streams = { { j, 1, -1, NULL }, { j, 2, -1, NULL } },
		.log_fd = -1,
		.timer = loop_timer_add(s->loop, CLOCK_NEVER, on_timer, j),
	};
	return j;
}

static struct ssh_job *begin(struct ssh_job *j)
{
	j->checking = !j->command && !j->s->answered;
	if (j->s->answered)
		start(j);
	else
		probe(j);
	return j;
}

struct ssh_job *ssh_run(struct ssh *s, const char *command, const struct ssh_handlers *h)
{
	struct ssh_job *j = job_new(s, h);

	j->command = xstrdup(command);
	return begin(j);
}

struct ssh_job *ssh_copy_in(
	struct ssh *s, const char *from, const char *to, const struct ssh_handlers *h)
{
	struct ssh_job *j = job_new(s, h);

	j->from = xstrdup(from);
	j->to = xasprintf("%s:%s", s->host, to);
	return begin(j);
}

struct ssh_job *ssh_copy_out(struct ssh *s, const char *from, const char *to, uint64_t size_max,
	const struct ssh_handlers *h)
{
	struct ssh_job *j = job_new(s, h);

	j->from = xasprintf("%s:%s", s->host, from);
	j->to = xstrdup(to);
	j->size_max = size_max;
	if (size_max)
		j->watch = loop_timer_add(s->loop, CLOCK_NEVER, on_watch, j);
	return begin(j);
}

const char *ssh_job_trouble(const struct ssh_job *j)
{
	return j->trouble;
}

unsigned ssh_job_tries(const struct ssh_job *j)
{
	return j->tries;
}

void ssh_job_free(struct ssh_job *j)
{
	if (!j)
		return;
	ssh_probe_free(j->probe);
	loop_timer_remove(j->timer);
	loop_timer_remove(j->watch);
	stop_streams(j);
	proc_kill(&j->child);
	fd_close(j->log_fd);
	buf_release(&j->said);
	free(j->command);
	free(j->from);
	free(j->to);
	free(j->trouble);
	free(j);
}
