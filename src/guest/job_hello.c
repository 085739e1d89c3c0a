/* SPDX-License-Identifier: MIT */
/* From the agent's HELLO to the moment at which commands can run: what the guest is given of its own, and its mounts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "guest/job.h"

#define HEARTBEAT_MS    1000
#define ENTROPY_SIZE    64
#define MACHINE_ID_SIZE 16

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

bool job_mounts_due(const struct job *j)
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
		job_broken(j, "malformed", f);
		return;
	}
	r->connected = true;
	j->state = JOB_MOUNTING;
	job_send_welcome(j);
	send_mounts(j);
	if (!job_mounts_due(j))
		mounted(j);
}

/* The answers come in the order of the requests, each once. */
void job_mount_done(
	struct job *j, uint32_t id, int error, const char *text, const struct wire_frame *f)
{
	bool root = j->mount == 0;

	if (id != (root ? (uint32_t)ID_ROOT : ID_SHARE + (uint32_t)(j->mount - 1))) {
		job_broken(j, "for a mount that is not its turn", f);
		return;
	}
	if (error) {
		job_fail(j, "the guest cannot mount %s: %s (%s)",
			root ? "the root" : j->plan->mounts[j->mount - 1].guest,
			*text ? text : "no reason told", strerror(-error));
		return;
	}
	j->mount = next_mount(j, j->mount + 1);
	if (!job_mounts_due(j)) {
		job_step(j, STEP_ROOT);
		mounted(j);
	}
}
