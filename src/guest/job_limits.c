/* SPDX-License-Identifier: MIT */
/*
 * Time limits, and what happens when one runs out: the state of every CPU is asked for before the kill.
 * First magic SysRq 'l' over the console, which a living kernel answers; then, when nothing came, an
 * NMI, which reaches a CPU that has interrupts off (the kernel panics on it and prints all CPUs); then
 * the end. A limit that runs out while the caller pauses us does not count.
 */
#include "base/clock.h"
#include "guest/job.h"

#define SYSRQ_WAIT_MS 1500
#define NMI_WAIT_MS   3000
#define QUIET_MS      250
#define DIAGNOSIS_MS  10000 /* in all: a guest may print for ever */

static int64_t after(int64_t ms)
{
	return ms > 0 ? clock_ms() + ms : CLOCK_NEVER;
}

/* ---- diagnosis ---- */

enum { STEP_SYSRQ, STEP_QUIET, STEP_NMI };

static void on_diagnosis(void *arg)
{
	struct job *j = arg;
	uint64_t seen = console_bytes(j->console);

	if (j->state != JOB_DIAGNOSING)
		return;
	if (seen != j->diagnosis_bytes &&
		clock_ms() < j->diagnosis_end) { /* it answers: let it finish its words */
		j->diagnosis_bytes = seen;
		if (j->diagnosis_step == STEP_SYSRQ)
			j->diagnosis_step = STEP_QUIET;
		loop_timer_set(j->diagnosis, clock_ms() + QUIET_MS);
		return;
	}
	if (j->diagnosis_step == STEP_SYSRQ && seen == j->diagnosis_bytes) {
		j->diagnosis_step = STEP_NMI;
		machine_inject_nmi(j->machine);
		loop_timer_set(j->diagnosis, clock_ms() + NMI_WAIT_MS);
		return;
	}
	job_end(j);
}

static void diagnose(struct job *j);

static void run_out(struct job *j, enum guest_limit limit, int64_t ms)
{
	struct job_report *r = &j->report;

	r->limit = limit;
	r->limit_ms = ms;
	if (j->state == JOB_RUNNING)
		r->limit_command = (int)j->current;
	splats_end(console_splats(j->console));
	r->n_console = splats_count(console_splats(j->console));
	job_limits_stop(j);
	if (j->state < JOB_MOUNTING || !job_save(j, MOMENT_LIMIT, diagnose))
		diagnose(j);
	else
		j->state = JOB_DIAGNOSING;
}

static void diagnose(struct job *j)
{
	j->state = JOB_DIAGNOSING;
	j->diagnosis_step = STEP_SYSRQ;
	j->diagnosis_bytes = console_bytes(j->console);
	j->diagnosis_end = clock_ms() + DIAGNOSIS_MS;
	machine_sysrq(j->machine, 'l');
	j->diagnosis = loop_timer_add(j->loop, clock_ms() + SYSRQ_WAIT_MS, on_diagnosis, j);
}

/* ---- deadlines ---- */

struct deadline {
	enum guest_limit limit;
	int64_t at, ms;
};

static void nearest(const struct job *j, struct deadline *ret)
{
	const struct job_spec *s = &j->spec;
	int64_t command_ms = s->n_commands ? s->commands[j->current].timeout_ms : 0;
	const struct deadline all[] = {
		{ LIMIT_TOTAL, j->total_deadline, s->total_ms },
		{ LIMIT_BOOT, j->boot_deadline, s->boot_ms },
		{ LIMIT_TEST, j->command_deadline, command_ms },
		{ LIMIT_IDLE, j->paused ? CLOCK_NEVER : j->idle_deadline, s->idle_ms },
		{ LIMIT_HEARTBEAT, j->paused ? CLOCK_NEVER : j->beat_deadline, s->heartbeat_ms },
	};

	*ret = all[0];
	for (size_t i = 1; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].at < ret->at)
			*ret = all[i];
}

static void on_limit(void *arg)
{
	struct job *j = arg;
	struct deadline d;

	nearest(j, &d);
	if (d.at > clock_ms())
		job_limits_update(j);
	else if (j->state < JOB_DIAGNOSING)
		run_out(j, d.limit, d.ms);
}

/* Deadlines that only move away (idle, heartbeat) need no new timer: it fires early and looks again. */
void job_limits_update(struct job *j)
{
	struct deadline d;

	if (!j->limits)
		return;
	nearest(j, &d);
	loop_timer_set(j->limits, d.at);
}

void job_limits_start(struct job *j)
{
	j->total_deadline = after(j->spec.total_ms);
	j->boot_deadline = j->command_deadline = j->idle_deadline = j->beat_deadline = CLOCK_NEVER;
	j->limits = loop_timer_add(j->loop, CLOCK_NEVER, on_limit, j);
	job_limits_update(j);
}

void job_limits_boot(struct job *j)
{
	j->boot_deadline = after(j->spec.boot_ms);
	job_limits_update(j);
}

void job_limits_ready(struct job *j)
{
	j->boot_deadline = CLOCK_NEVER;
	j->beat_deadline = after(j->spec.heartbeat_ms);
	job_limits_update(j);
}

/* Its limit runs from its start; but an exec may hang too, on the root for instance. */
void job_limits_exec(struct job *j)
{
	j->command_deadline = after(j->spec.commands[j->current].timeout_ms);
	job_limits_update(j);
}

void job_limits_command(struct job *j)
{
	j->command_deadline = after(j->spec.commands[j->current].timeout_ms);
	j->idle_deadline = after(j->spec.idle_ms);
	job_limits_update(j);
}

void job_limits_no_command(struct job *j)
{
	j->command_deadline = j->idle_deadline = CLOCK_NEVER;
	job_limits_update(j);
}

void job_limits_alive(struct job *j)
{
	if (j->idle_deadline != CLOCK_NEVER)
		j->idle_deadline = after(j->spec.idle_ms);
}

void job_limits_beat(struct job *j)
{
	if (j->beat_deadline != CLOCK_NEVER)
		j->beat_deadline = after(j->spec.heartbeat_ms);
}

void job_limits_pause(struct job *j, bool paused)
{
	if (!paused) {
		job_limits_alive(j);
		job_limits_beat(j);
	}
	job_limits_update(j);
}

void job_limits_wait(struct job *j, bool waits)
{
	if (j->limits && waits) {
		loop_timer_set(j->limits, CLOCK_NEVER);
	} else {
		job_limits_alive(j);
		job_limits_beat(j);
		job_limits_update(j);
	}
}

void job_limits_stop(struct job *j)
{
	loop_timer_remove(j->limits);
	loop_timer_remove(j->diagnosis);
	j->limits = j->diagnosis = NULL;
}
