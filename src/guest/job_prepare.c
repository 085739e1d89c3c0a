/* SPDX-License-Identifier: MIT */
/*
 * What comes before a template is kept, so that every clone has it behind it: the agent has had a session, and the
 * kernel's clock is the one that stays; a command was run, where there is one. Where it fails, or the guest dies of it,
 * there is no template: the guest boots, and the command is run there and fails for all to see.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "guest/job.h"

#define TAIL_MAX 400

bool job_prepares(const struct job *j)
{
	return j->spec.n_commands && j->spec.commands[0].prepares;
}

static size_t count(const char *const *v)
{
	size_t n = 0;

	while (v[n])
		n++;
	return n;
}

static void send_prepare(struct job *j)
{
	const struct job_command *c = &j->spec.commands[0];
	const struct guest_plan *p = j->plan;
	_cleanup_free_ uint8_t *data = xmalloc(WIRE_PAYLOAD_MAX);
	_cleanup_strv_ struct strv shares = STRV_INIT;
	struct wire_enc e = { .data = data, .cap = WIRE_PAYLOAD_MAX };

	for (size_t i = 0; i < p->n_mounts; i++) {
		if (p->mounts[i].writable)
			continue;
		strv_add(&shares, p->shares[i + 1].tag);
		strv_add(&shares, p->mounts[i].guest);
	}
	enc_u32(&e, ID_PREPARE);
	enc_u8(&e, (uint8_t)p->root);
	enc_str(&e, p->root == WIRE_SHARE_9P ? p->shares[0].tag : "");
	enc_strv(&e, shares.v, shares.n);
	enc_strv(&e, (char *const *)(uintptr_t)c->argv, count(c->argv));
	enc_strv(&e, (char *const *)(uintptr_t)c->env, count(c->env));
	enc_str(&e, c->cwd);
	if (e.overflow)
		job_fail(j, "%s: command line and environment are larger than %d bytes", c->name,
			WIRE_PAYLOAD_MAX);
	else
		job_request(j, WIRE_PREPARE, &e);
}

void job_prepare(struct job *j)
{
	j->state = JOB_PREPARING;
	j->report.connected = true;
	job_send_welcome(j);
	if (job_prepares(j))
		send_prepare(j);
	else
		job_send_park(j);
}

/* The machine's end brings a boot. */
static void failed(struct job *j, char *why)
{
	size_t len;
	const char *last = text_last_lines(buf_str(&j->prepare_tail), j->prepare_tail.len, 1, &len);
	_cleanup_buf_ struct buf clean = BUF_INIT;

	text_clean(&clean, last, len);
	while (clean.len && clean.data[clean.len - 1] == '\n')
		buf_truncate(&clean, clean.len - 1);
	free(j->report.isolate_why);
	j->report.isolate_why = xasprintf("%s: %s%s%s",
		job_prepares(j) ? j->spec.commands[0].name : "no template could be made", why,
		clean.len ? ": " : "", buf_str(&clean));
	free(why);
	machine_stop(j->machine);
}

void job_send_park(struct job *j)
{
	uint8_t data[4];
	struct wire_enc e = { .data = data, .cap = sizeof(data) };

	enc_u32(&e, ID_PARK);
	job_request(j, WIRE_PARK, &e);
}

static void on_done(struct job *j, struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	int error = (int32_t)dec_u32(d);
	_cleanup_free_ char *text = dec_str(d);

	if (dec_end(d) < 0 || !text)
		failed(j, xstrdup("a message that does not read"));
	else if (error)
		failed(j, xstrdup(text));
	else if (id == ID_PARK) {
		channel_restart(j->channel);
		j->report.connected = false;
		j->prepared = true;
		j->state = JOB_BOOTING;
	}
}

static void on_exited(struct job *j, struct wire_dec *d)
{
	dec_u32(d);
	uint8_t signalled = dec_u8(d);
	uint32_t code = dec_u32(d);

	if (d->bad || signalled || code)
		failed(j, xasprintf("it ended by %s %u", signalled ? "signal" : "exit code", code));
	else
		job_send_park(j);
}

void job_prepare_frame(struct job *j, const struct wire_frame *f)
{
	struct wire_dec d;
	const uint8_t *p;
	size_t len;

	dec_init(&d, f);
	switch (f->type) {
	case WIRE_DONE:
		on_done(j, &d);
		break;
	case WIRE_STDOUT:
	case WIRE_STDERR:
		dec_u32(&d);
		p = dec_rest(&d, &len);
		buf_add(&j->prepare_tail, p, len);
		if (j->prepare_tail.len > TAIL_MAX)
			buf_consume(&j->prepare_tail, j->prepare_tail.len - TAIL_MAX);
		break;
	case WIRE_EXITED:
		on_exited(j, &d);
		break;
	default:
		break; /* the kernel's log comes again, from its beginning, in the clones */
	}
}
