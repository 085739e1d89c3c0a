/* SPDX-License-Identifier: MIT */
/*
 * A guest for several rows of commands, one after the other. It is kept only while nothing speaks against its
 * kernel: then the end of a row, with the kernel's log told up to it, is as good a proof as the goodbye. Where the
 * kernel complained, or a part of its log is lost, the guest leaves as ever, and its goodbye tells the rest.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "guest/job.h"

static bool clean(const struct job *j)
{
	return j->kmsg_next > 0 && !j->kmsg_cut && splats_count(j->kmsg) == 0 &&
	       splats_count(console_splats(j->console)) == 0;
}

bool job_keep(struct job *j)
{
	struct job_report *r = &j->report;

	if (!j->spec.keep)
		return false;
	splats_end(j->kmsg);
	splats_end(console_splats(j->console));
	if (!clean(j))
		return false;
	job_limits_stop(j);
	job_pull_end(j);
	j->state = JOB_KEPT;
	r->kept = r->bye = r->kmsg_whole = true;
	r->n_console = 0;
	r->total_ms = clock_ms() - j->start_ms;
	r->end = MACHINE_STOPPED;
	machine_usage(j->machine, &r->engine_cpu_us, &r->engine_maxrss_kib);
	job_finish(j);
	return true;
}

bool job_usable(const struct job *j)
{
	return j->state == JOB_KEPT && j->channel && clean(j);
}

void job_again(struct job *j, const struct job_spec *spec, const struct job_handlers *h)
{
	struct job_report before = j->report;
	struct job_report *r = &j->report;

	BUG_ON(!job_usable(j) || spec->plan != j->plan);
	console_free(j->console);
	splats_free(j->kmsg);
	fd_close(j->kmsg_fd);
	job_listen(j, spec);
	r->connected = r->ready = true;
	r->boot_ms = r->ready_ms = 0;
	r->release = TAKE_PTR(before.release);
	r->agent = TAKE_PTR(before.agent);
	r->isolate = before.isolate;
	job_report_release(&before);
	j->h = *h;
	machine_rename(j->machine, spec->name);
	j->pulled = j->paused = false;
	j->current = 0;
	j->used = true;
	j->artifact_bytes = 0;
	j->has_prepared = job_prepares(j);
	job_limits_start(j);
	job_limits_ready(j);
	j->state = JOB_MOUNTING;
	job_next(j);
}
