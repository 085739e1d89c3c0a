/* SPDX-License-Identifier: MIT */
/* What the agent says. A message that does not fit the state or its own form breaks the channel. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "guest/job.h"

#define PENDING_MAX (32 * WIRE_STDIN_WINDOW) /* the window in frames of one byte, and to spare */
#define ERRNO_MAX   4095 /* Linux: include/linux/err.h */

void job_broken(struct job *j, const char *what, const struct wire_frame *f)
{
	const char *name = wire_type_name(f->type);

	if (!j->report.broken)
		j->report.broken = xasprintf("%s: %s (frame %u)", name ? name : "unknown message",
			what, (unsigned)f->seq);
	job_end(j);
}

/* ---- commands ---- */

/* The exit that a message about the running command belongs to; NULL breaks the channel. */
static struct job_exit *running(struct job *j, uint32_t id, const struct wire_frame *f)
{
	if (j->state == JOB_DIAGNOSING)
		return NULL; /* too late to count; not the agent's fault */
	if (j->state != JOB_RUNNING || id != j->first_id + j->current ||
		j->report.exits[j->current].ended) {
		job_broken(j, "for a command that does not run", f);
		return NULL;
	}
	return &j->report.exits[j->current];
}

static void exec_failed(
	struct job *j, uint32_t id, int error, const char *text, const struct wire_frame *f)
{
	struct job_exit *x = running(j, id, f);

	if (!x)
		return;
	if (x->started || error >= 0) {
		job_broken(j, "for a command that was started", f);
		return;
	}
	x->exec_error = -error;
	x->exec_text = xstrdup(text);
	job_limits_no_command(j);
	job_next(j);
}

static void on_done(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	uint32_t id = dec_u32(d);
	int error = (int32_t)dec_u32(d);
	_cleanup_free_ char *text = dec_str(d);

	if (dec_end(d) < 0 || !text || error > 0 || error < -ERRNO_MAX)
		job_broken(j, "malformed", f);
	else if (j->state == JOB_MOUNTING && job_mounts_due(j))
		job_mount_done(j, id, error, text, f);
	else if (j->state == JOB_PULLING && id == ID_PULL) {
		if (error)
			strv_addf(&j->report.trouble, "artifacts: %s (%s)", text, strerror(-error));
		job_pull_end(j);
		job_next(j);
	} else if (j->state == JOB_PARKING && id == ID_PARK && !error)
		job_park_done(j);
	else
		exec_failed(j, id, error, text, f);
}

static void on_started(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	struct job_exit *x = running(j, dec_u32(d), f);

	dec_u32(d); /* pid */
	if (!x)
		return;
	if (dec_end(d) < 0 || x->started) {
		job_broken(j, "malformed", f);
		return;
	}
	x->started = true;
	job_step(j, STEP_COMMAND);
	job_limits_command(j);
	if (j->h.started)
		j->h.started(j->h.arg, j->current);
	if (j->spec.commands[j->current].has_stdin) {
		j->stdin_room = WIRE_STDIN_WINDOW;
		if (j->h.stdin_room)
			j->h.stdin_room(j->h.arg, j->stdin_room);
	}
}

static void on_stream(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	struct job_exit *x = running(j, dec_u32(d), f);
	size_t len;
	const uint8_t *data = dec_rest(d, &len);

	if (!x)
		return;
	if (!x->started) {
		job_broken(j, "for a command that has not started", f);
		return;
	}
	if (len == 0)
		return;
	job_step(j, STEP_OUTPUT);
	job_limits_alive(j);
	if (j->h.output)
		j->h.output(j->h.arg, j->current, f->type == WIRE_STDOUT ? 1 : 2,
			(const char *)data, len);
}

static bool end_possible(uint8_t signalled, uint32_t code)
{
	return signalled ? signalled == 1 && code > 0 && code < NSIG : code <= 255;
}

static void on_exited(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	struct job_exit *x = running(j, dec_u32(d), f);
	uint8_t signalled = dec_u8(d);
	uint32_t code = dec_u32(d);
	uint64_t wall = dec_u64(d), user = dec_u64(d), sys = dec_u64(d), rss = dec_u64(d);
	uint32_t leftover = dec_u32(d);

	if (!x)
		return;
	if (dec_end(d) < 0 || !x->started || !end_possible(signalled, code) ||
		(wall | user | sys | rss) > INT64_MAX) {
		job_broken(j, "malformed", f);
		return;
	}
	x->ended = true;
	job_step(j, STEP_EXIT);
	x->signalled = signalled;
	x->code = (int)code;
	x->wall_us = (int64_t)wall;
	x->user_us = (int64_t)user;
	x->sys_us = (int64_t)sys;
	x->maxrss_kib = (int64_t)rss;
	x->leftover = leftover;
	job_limits_no_command(j);
	if (!job_save(j, MOMENT_FAILED, job_next))
		job_next(j);
}

static void on_credit(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	uint32_t id = dec_u32(d), bytes = dec_u32(d);

	if (dec_end(d) < 0) {
		job_broken(j, "malformed", f);
		return;
	}
	if (j->state != JOB_RUNNING || id != j->first_id + j->current)
		return; /* late, for a command that has ended */
	if (!job_takes_stdin(j)) {
		job_broken(j, "for a command that takes no input", f);
		return;
	}
	if (j->stdin_room + bytes > WIRE_STDIN_WINDOW ||
		channel_pending(j->channel) > PENDING_MAX) {
		job_broken(j, "more credit than was used", f);
		return;
	}
	j->stdin_room += bytes;
	if (j->h.stdin_room)
		j->h.stdin_room(j->h.arg, j->stdin_room);
}

/* ---- the kernel's log ---- */

/* "PRIO,SEQ,TIME,FLAGS;TEXT\n": facility 0 (PRIO < 8) is the kernel's own, and userspace cannot claim it
 * (Documentation/ABI/testing/dev-kmsg). Continuation lines (" KEY=value") are left out. */
static void kmsg_record(struct job *j, const char *line, size_t len)
{
	const char *text = memchr(line, ';', len);
	unsigned prio = 0;
	unsigned long long seq, time_us;
	char head[80];

	if (!text || line[0] == ' ' || (size_t)(text - line) >= sizeof(head))
		return;
	memcpy(head, line, (size_t)(text - line));
	head[text - line] = '\0';
	if (sscanf(head, "%u,%llu,%llu", &prio, &seq, &time_us) != 3)
		return;
	j->kmsg_cut |= seq != j->kmsg_next;
	j->kmsg_next = seq + 1;
	text++;
	if (prio < 8) { /* as it is: a record of several lines is told by its escapes */
		splats_feed(j->kmsg, line, len);
		splats_feed(j->kmsg, "\n", 1);
	}
	if (j->kmsg_fd >= 0 && j->kmsg_bytes < j->spec.file_max) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		int r;

		buf_addf(&b, "<%u>[%5llu.%06llu] ", prio, time_us / 1000000, time_us % 1000000);
		buf_add(&b, text, len - (size_t)(text - line));
		buf_addc(&b, '\n');
		j->kmsg_bytes += b.len;
		r = fd_write_all(j->kmsg_fd, b.data, b.len);
		if (r < 0) {
			j->kmsg_fd = fd_close(j->kmsg_fd);
			job_fail(j, "cannot write the kernel log: %s", strerror(-r));
		}
	}
}

static void on_kmsg(struct job *j, struct wire_dec *d)
{
	size_t len;
	const char *p = (const char *)dec_rest(d, &len);

	while (len) {
		const char *nl = memchr(p, '\n', len);
		size_t n = nl ? (size_t)(nl - p) : len;

		kmsg_record(j, p, n);
		n += nl != NULL;
		p += n;
		len -= n;
	}
}

static void on_trouble(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	_cleanup_free_ char *text = dec_str(d);

	if (dec_end(d) < 0 || !text)
		job_broken(j, "malformed", f);
	else
		job_trouble(j, text);
}

static void on_bye(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	uint64_t tainted = dec_u64(d);

	if (!j->leaving) {
		job_broken(j, "before it was asked to leave", f);
		return;
	}
	if (dec_end(d) < 0) {
		job_broken(j, "malformed", f);
		return;
	}
	j->report.tainted = tainted;
	j->report.bye = true;
	job_end(j);
}

/* About what was asked for before the guest was saved. */
static bool is_of_before(const struct job *j, const struct wire_frame *f)
{
	struct wire_dec d;

	if (!j->spec.resume || f->type == WIRE_HELLO || f->type == WIRE_HEARTBEAT ||
		f->type == WIRE_KMSG || f->type == WIRE_BYE || f->type == WIRE_TROUBLE)
		return false;
	dec_init(&d, f);
	return dec_u32(&d) < j->first_id;
}

void job_frame(struct job *j, const struct wire_frame *f)
{
	struct wire_dec d;

	if (j->state >= JOB_ENDING && f->type != WIRE_KMSG)
		return;
	if (is_of_before(j, f))
		return;
	dec_init(&d, f);
	if ((f->type == WIRE_HELLO) == j->report.connected) {
		job_broken(j, "out of order", f);
		return;
	}
	if (j->state == JOB_PREPARING) {
		job_prepare_frame(j, f);
		return;
	}
	if (j->report.boot_ms < 0)
		j->report.boot_ms = clock_ms() - j->engine_ms;
	job_step(j, STEP_AGENT);
	job_limits_beat(j);
	if (j->state == JOB_DIAGNOSING)
		j->report.lived_on = true;
	switch (f->type) {
	case WIRE_HELLO:
		if (j->state == JOB_PARKING)
			job_park_hello(j, f);
		if (j->state != JOB_BOOTING)
			break; /* it comes after the limit on booting */
		if (j->making)
			job_template_hello(j, f);
		else
			job_hello(j, f);
		break;
	case WIRE_DONE:
		on_done(j, &d, f);
		break;
	case WIRE_STARTED:
		on_started(j, &d, f);
		break;
	case WIRE_STDOUT:
	case WIRE_STDERR:
		on_stream(j, &d, f);
		break;
	case WIRE_EXITED:
		on_exited(j, &d, f);
		break;
	case WIRE_CREDIT:
		on_credit(j, &d, f);
		break;
	case WIRE_HEARTBEAT:
		dec_u64(&d); /* uptime_us */
		dec_u64(&d); /* memory_available_kib */
		if (dec_end(&d) < 0)
			job_broken(j, "malformed", f);
		break;
	case WIRE_KMSG:
		on_kmsg(j, &d);
		break;
	case WIRE_FILE:
	case WIRE_FILE_DATA:
		if (j->state == JOB_PULLING)
			job_pull_frame(j, f);
		else if (j->state < JOB_DIAGNOSING)
			job_broken(j, "nothing was asked for", f);
		break;
	case WIRE_BYE:
		on_bye(j, &d, f);
		break;
	case WIRE_TROUBLE:
		on_trouble(j, &d, f);
		break;
	default:
		job_broken(j, "not a message of the guest", f);
	}
}
