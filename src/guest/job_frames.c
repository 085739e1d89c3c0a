/* SPDX-License-Identifier: MIT */
/* What the agent says. A message that does not fit the state or its own form breaks the channel. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "guest/job.h"

#define HEARTBEAT_MS    1000
#define ENTROPY_SIZE    64
#define MACHINE_ID_SIZE 16
#define PENDING_MAX     (32 * WIRE_STDIN_WINDOW) /* the window in frames of one byte, and to spare */
#define ERRNO_MAX       4095 /* Linux: include/linux/err.h */

static void broken(struct job *j, const char *what, const struct wire_frame *f)
{
	const char *name = wire_type_name(f->type);

	if (!j->report.broken)
		j->report.broken = xasprintf("%s: %s (frame %u)", name ? name : "unknown message",
			what, (unsigned)f->seq);
	job_end(j);
}

/* ---- HELLO to ready ---- */

/* What sets a guest apart from those that came of the same template. */
struct own {
	uint8_t entropy[ENTROPY_SIZE];
	size_t entropy_len;
	int64_t wall_ns; /* 0: the template's goes on */
	char machine_id[2 * MACHINE_ID_SIZE + 1];
};

static int draw_own(struct own *o)
{
	uint8_t id[MACHINE_ID_SIZE];

	o->entropy_len = sizeof(o->entropy);
	if (getrandom(o->entropy, sizeof(o->entropy), 0) != sizeof(o->entropy) ||
		getrandom(id, sizeof(id), 0) != sizeof(id))
		return -errno;
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(o->machine_id + 2 * i, 3, "%02x", id[i]);
	o->wall_ns = clock_wall_ns();
	return 0;
}

/* The template's key is as good a number as any that is drawn, and the same for all its clones. */
static void share_own(const struct job *j, struct own *o)
{
	snprintf(o->machine_id, sizeof(o->machine_id), "%s", j->plan->template_key);
}

void job_send_welcome(struct job *j)
{
	uint8_t data[512];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };
	struct own own = { 0 };
	uint64_t key;
	int r = getrandom(&key, sizeof(key), 0) == sizeof(key) ? 0 : -errno;

	if (j->report.deterministic)
		share_own(j, &own);
	else if (r == 0)
		r = draw_own(&own);
	if (r < 0) {
		job_fail(j, "cannot get random bytes for the session: %s", strerror(-r));
		return;
	}
	own.machine_id[12] = '4'; /* machine-id(5): a UUID of version 4 */
	own.machine_id[16] = 'a';
	enc_u16(&e, WIRE_VERSION);
	enc_u64(&e, key);
	enc_u64(&e, (uint64_t)own.wall_ns);
	enc_bytes(&e, own.entropy, own.entropy_len);
	enc_str(&e, j->spec.hostname ? j->spec.hostname : "vmrig");
	enc_str(&e, own.machine_id);
	enc_u32(&e, HEARTBEAT_MS);
	enc_u8(&e, 1);
	job_request(j, WIRE_WELCOME, &e);
	if (j->channel)
		channel_set_key(j->channel, key);
}

static void send_root(struct job *j)
{
	uint8_t data[256];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };

	enc_u32(&e, ID_ROOT);
	enc_u8(&e, (uint8_t)j->plan->root);
	enc_str(&e, j->plan->root == WIRE_SHARE_9P ? j->plan->shares[0].tag : WIRE_PORT_FS);
	enc_strv(&e, NULL, 0);
	job_request(j, WIRE_ROOT, &e);
}

static void send_share(struct job *j, size_t i)
{
	_cleanup_free_ uint8_t *data = xmalloc(8192);
	struct wire_enc e = { .data = data, .cap = 8192 };

	enc_u32(&e, ID_SHARE + (uint32_t)i);
	enc_u8(&e, (uint8_t)j->plan->root);
	enc_str(&e, j->plan->root == WIRE_SHARE_9P ? j->plan->shares[i + 1].tag : WIRE_PORT_FS2);
	enc_str(&e, j->plan->mounts[i].guest);
	enc_u8(&e, j->plan->mounts[i].writable);
	BUG_ON(e.overflow); /* paths are at most PATH_MAX */
	job_request(j, WIRE_SHARE, &e);
}

/* The first from AT on that this job mounts; n_mounts + 1: none. */
static size_t next_mount(const struct job *j, size_t at)
{
	while (at <= j->plan->n_mounts && !job_mounts(j, at))
		at++;
	return at;
}

static bool mounts_due(const struct job *j)
{
	return j->mount <= j->plan->n_mounts;
}

static void send_mounts(struct job *j)
{
	for (size_t at = next_mount(j, 0); at <= j->plan->n_mounts; at = next_mount(j, at + 1)) {
		if (at == 0)
			send_root(j);
		else
			send_share(j, at - 1);
	}
	j->mount = next_mount(j, 0);
}

static void mounted(struct job *j)
{
	j->report.ready = true;
	j->report.ready_ms = clock_ms() - j->engine_ms;
	job_limits_ready(j);
	if (j->h.ready)
		j->h.ready(j->h.arg);
	if (j->state == JOB_MOUNTING)
		job_next(j);
}

void job_hello(struct job *j, const struct wire_frame *f)
{
	struct job_report *r = &j->report;
	struct wire_dec hello, *d = &hello;
	uint16_t version;
	size_t n = 0;

	dec_init(d, f);
	version = dec_u16(d);

	/* First, for of another version nothing else can be read. */
	if (!d->bad && version != WIRE_VERSION) {
		job_fail(j, "the agent speaks version %u of the protocol, this program version %d",
			version, WIRE_VERSION);
		return;
	}
	free(r->agent);
	free(r->release);
	r->agent = dec_str(d);
	r->release = dec_str(d);
	free(dec_str(d)); /* machine: the plan knows */
	dec_u64(d); /* uptime_us */
	dec_u32(d); /* cpus */
	dec_u64(d); /* memory_kib */
	char **trouble = dec_strv(d, &n);

	for (size_t i = 0; trouble && i < n; i++) {
		job_trouble(j, trouble[i]);
		free(trouble[i]);
	}
	free(trouble);
	if (dec_end(d) < 0) {
		broken(j, "malformed", f);
		return;
	}
	r->connected = true;
	j->state = JOB_MOUNTING;
	job_send_welcome(j);
	send_mounts(j);
	if (!mounts_due(j))
		mounted(j);
}

/* The answers come in the order of the requests, each once. */
static void mount_done(
	struct job *j, uint32_t id, int error, const char *text, const struct wire_frame *f)
{
	bool root = j->mount == 0;

	if (id != (root ? (uint32_t)ID_ROOT : ID_SHARE + (uint32_t)(j->mount - 1))) {
		broken(j, "for a mount that is not its turn", f);
		return;
	}
	if (error) {
		job_fail(j, "the guest cannot mount %s: %s (%s)",
			root ? "the root" : j->plan->mounts[j->mount - 1].guest,
			*text ? text : "no reason told", strerror(-error));
		return;
	}
	j->mount = next_mount(j, j->mount + 1);
	if (!mounts_due(j)) {
		job_step(j, STEP_ROOT);
		mounted(j);
	}
}

/* ---- commands ---- */

/* The exit that a message about the running command belongs to; NULL breaks the channel. */
static struct job_exit *running(struct job *j, uint32_t id, const struct wire_frame *f)
{
	if (j->state == JOB_DIAGNOSING)
		return NULL; /* too late to count; not the agent's fault */
	if (j->state != JOB_RUNNING || id != j->first_id + j->current ||
		j->report.exits[j->current].ended) {
		broken(j, "for a command that does not run", f);
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
		broken(j, "for a command that was started", f);
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
		broken(j, "malformed", f);
	else if (j->state == JOB_MOUNTING && mounts_due(j))
		mount_done(j, id, error, text, f);
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
		broken(j, "malformed", f);
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
		broken(j, "for a command that has not started", f);
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
		broken(j, "malformed", f);
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
		broken(j, "malformed", f);
		return;
	}
	if (j->state != JOB_RUNNING || id != j->first_id + j->current)
		return; /* late, for a command that has ended */
	if (!job_takes_stdin(j)) {
		broken(j, "for a command that takes no input", f);
		return;
	}
	if (j->stdin_room + bytes > WIRE_STDIN_WINDOW ||
		channel_pending(j->channel) > PENDING_MAX) {
		broken(j, "more credit than was used", f);
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
		broken(j, "malformed", f);
	else
		job_trouble(j, text);
}

static void on_bye(struct job *j, struct wire_dec *d, const struct wire_frame *f)
{
	uint64_t tainted = dec_u64(d);

	if (!j->leaving) {
		broken(j, "before it was asked to leave", f);
		return;
	}
	if (dec_end(d) < 0) {
		broken(j, "malformed", f);
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
		broken(j, "out of order", f);
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
			broken(j, "malformed", f);
		break;
	case WIRE_KMSG:
		on_kmsg(j, &d);
		break;
	case WIRE_FILE:
	case WIRE_FILE_DATA:
		if (j->state == JOB_PULLING)
			job_pull_frame(j, f);
		else if (j->state < JOB_DIAGNOSING)
			broken(j, "nothing was asked for", f);
		break;
	case WIRE_BYE:
		on_bye(j, &d, f);
		break;
	case WIRE_TROUBLE:
		on_trouble(j, &d, f);
		break;
	default:
		broken(j, "not a message of the guest", f);
	}
}
