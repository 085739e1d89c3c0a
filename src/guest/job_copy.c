/* SPDX-License-Identifier: MIT */
/*
 * A guest that others are copied from. It is a clone that goes further than its template: the root and the folders
 * that are only read are mounted, a few programs have run, so that what every guest does is translated. Then the
 * agent is taken back to its HELLO and the machine stands still. A copy of it begins with a WELCOME of its own, and
 * mounts what may be written to. No test runs in the guest that is copied.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "guest/job.h"

bool job_can_park(const struct guest_plan *p)
{
	/* The server of a root over FUSE is ours, and knows one guest; a UART may hold what was not taken yet. */
	return p->root != WIRE_SHARE_FUSE && p->spec.channel == CHANNEL_VIRTIO &&
	       machine_can_copy(&p->spec, NULL) == 0;
}

bool job_mounts(const struct job *j, size_t at)
{
	bool writable = at > 0 && j->plan->mounts[at - 1].writable;

	if (j->spec.park)
		return !writable;
	return !j->copied || writable;
}

/* ---- the one that is copied ---- */

bool job_park(struct job *j)
{
	if (!j->spec.park || j->report.isolate != ISOLATE_CLONE)
		return false;
	j->state = JOB_PARKING;
	job_send_park(j);
	return true;
}

void job_park_done(struct job *j)
{
	channel_restart(j->channel);
	j->report.connected = false;
}

static void on_paused(void *arg, const char *error)
{
	struct job *j = arg;

	if (j->state != JOB_PARKING)
		return;
	if (error) {
		job_fail(j, "the guest cannot be stopped: %s", error);
		return;
	}
	job_limits_stop(j);
	j->state = JOB_PARKED;
	j->report.kept = true;
	job_finish(j);
}

void job_park_hello(struct job *j, const struct wire_frame *f)
{
	j->report.connected = true;
	buf_clear(&j->template.hello);
	buf_add(&j->template.hello, f->payload, f->len);
	machine_pause(j->machine, on_paused, j);
}

bool job_parked(const struct job *j)
{
	return j->state == JOB_PARKED && j->channel;
}

/* ---- copies ---- */

/* As if it had just said HELLO. */
static void on_copied(void *arg)
{
	struct job *j = arg;

	if (j->state == JOB_BOOTING)
		job_as_said(j);
}

int job_copy(struct job *j, struct err *e)
{
	struct job *from = j->spec.copy_of;
	struct machine_handlers h = job_machine_handlers;
	struct machine_spec spec = j->plan->spec;
	int r;

	BUG_ON(from->plan != j->plan);
	h.arg = j;
	spec.name = j->spec.name;
	j->engine_ms = clock_ms();
	r = machine_copy(j->loop, from->machine, &spec, &h, &j->machine, e);
	if (r < 0) { /* nor will it the next time, which may cost as much waiting */
		job_end(from);
		return r;
	}
	r = job_attach(j, e);
	if (r < 0)
		return r;
	j->state = JOB_BOOTING;
	j->copied = true;
	j->report.isolate = ISOLATE_CLONE;
	buf_add(&j->template.hello, from->template.hello.data, from->template.hello.len);
	j->look = loop_timer_add(j->loop, clock_ms(), on_copied, j);
	job_limits_boot(j);
	return 0;
}
