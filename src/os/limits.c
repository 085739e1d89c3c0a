/* SPDX-License-Identifier: MIT */
/* The limits of a run: one timer at the nearest deadline. */
#include "base/clock.h"
#include "os/private.h"

const char *os_limit_name(enum os_limit l)
{
	static const char *const names[] = {
		[OS_LIMIT_BOOT] = "boot",
		[OS_LIMIT_STEP] = "step",
		[OS_LIMIT_TEST] = "test",
		[OS_LIMIT_IDLE] = "idle",
		[OS_LIMIT_TOTAL] = "total",
	};

	return names[l];
}

static int64_t deadline(int64_t ms)
{
	return ms ? clock_ms() + ms : CLOCK_NEVER;
}

static void ran_out(struct os *o, enum os_limit l, int64_t ms)
{
	o->report.limit = l;
	o->report.limit_ms = ms;
	os_steps_timeout(o);
	os_limits_stop(o);
	os_collect(o);
}

static void on_limit(void *arg)
{
	struct os *o = arg;
	int64_t now = clock_ms();

	if (o->state == OS_OVER)
		return;
	if (now >= o->total_deadline) {
		o->total_deadline = CLOCK_NEVER;
		if (o->report.limit == OS_LIMIT_NONE) {
			o->report.limit = OS_LIMIT_TOTAL;
			o->report.limit_ms = o->spec.total_ms;
		}
		os_limits_stop(o);
		machine_stop(o->machine);
	} else if (now >= o->step_deadline) {
		ran_out(o, OS_LIMIT_STEP, o->run.step->timeout_ms);
	} else if (now >= o->test_deadline) {
		ran_out(o, OS_LIMIT_TEST, o->spec.test_ms);
	} else if (now >= o->boot_deadline) {
		ran_out(o, OS_LIMIT_BOOT, o->spec.boot_ms);
	} else if (now >= o->idle_deadline) {
		ran_out(o, OS_LIMIT_IDLE, o->spec.idle_ms);
	}
	os_limits_update(o);
}

void os_limits_update(struct os *o)
{
	const int64_t all[] = { o->boot_deadline, o->step_deadline, o->test_deadline,
		o->idle_deadline, o->total_deadline };
	int64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] < next)
			next = all[i];
	if (o->limits)
		loop_timer_set(o->limits, next);
}

void os_limits_start(struct os *o)
{
	o->boot_deadline =
		o->spec.grammar->start && !o->n_prepare ? deadline(o->spec.boot_ms) : CLOCK_NEVER;
	o->step_deadline = CLOCK_NEVER;
	o->test_deadline = deadline(o->spec.test_ms);
	o->idle_deadline = deadline(o->spec.idle_ms);
	o->total_deadline = deadline(o->spec.total_ms);
	o->limits = loop_timer_add(o->loop, CLOCK_NEVER, on_limit, o);
	os_limits_update(o);
}

void os_limits_prepared(struct os *o)
{
	o->test_deadline = deadline(o->spec.test_ms);
	if (o->spec.grammar->start)
		o->boot_deadline = deadline(o->spec.boot_ms);
	os_limits_alive(o);
	os_limits_update(o);
}

void os_limits_alive(struct os *o)
{
	if (!o->spec.idle_ms || o->idle_deadline == CLOCK_NEVER)
		return;
	o->idle_deadline = clock_ms() + o->spec.idle_ms;
	os_limits_update(o);
}

/* But for the last one, which bounds the shutdown too. */
void os_limits_stop(struct os *o)
{
	o->boot_deadline = o->step_deadline = o->test_deadline = o->idle_deadline = CLOCK_NEVER;
	os_limits_update(o);
}
