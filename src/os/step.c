/* SPDX-License-Identifier: MIT */
/* The steps of a run, one after the other. */
#include "os/step.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "os/private.h"

/* Every kind of step. */
const struct os_step_kind *const os_step_kinds[] = {
	&os_step_expect,
	&os_step_send,
	&os_step_login,
	&os_step_shell,
	&os_step_qmp,
	&os_step_power,
	&os_step_ends,
	&os_step_key,
	&os_step_type,
	&os_step_screenshot,
	&os_step_screen,
	&os_step_ssh,
	&os_step_copy_in,
	&os_step_copy_out,
};
const size_t os_n_step_kinds = ARRAY_SIZE(os_step_kinds);

static struct os_step_result *result(struct os *o)
{
	return &o->report.steps[o->step];
}

bool os_steps_failed(const struct os *o)
{
	return o->step < o->n_steps && o->report.steps[o->step].state > OS_STEP_DONE;
}

bool os_steps_over(const struct os *o)
{
	return o->step == o->n_steps || os_steps_failed(o);
}

static bool running(const struct os *o)
{
	return o->step < o->n_steps && o->report.steps[o->step].state == OS_STEP_RUNNING;
}

void os_steps_drop(struct os *o)
{
	struct os_step_run *r = &o->run;

	if (!r->step)
		return;
	if (r->step->kind->release)
		r->step->kind->release(r);
	os_pattern_free(r->pattern);
	os_pattern_free(r->other);
	*r = (struct os_step_run){ 0 };
}

static void leave(struct os *o, enum os_step_state state)
{
	struct os_step_run *r = &o->run;

	result(o)->state = state;
	result(o)->ms = clock_ms() - r->started_ms;
	o->step_deadline = CLOCK_NEVER;
	os_limits_update(o);
	os_steps_drop(o);
	os_go_on(o);
}

void os_step_done(struct os *o)
{
	if (!running(o))
		return;
	leave(o, OS_STEP_DONE);
	if (++o->step == o->n_prepare && !o->making)
		os_prepared(o);
}

void os_step_fail(struct os *o, const char *fmt, ...)
{
	va_list ap;

	if (!running(o))
		return;
	va_start(ap, fmt);
	result(o)->why = xvasprintf(fmt, ap);
	va_end(ap);
	leave(o, OS_STEP_FAILED);
}

void os_step_refused(struct os *o, const char *error)
{
	if (machine_talks(o->machine))
		os_step_fail(o, "%s", error);
}

/* What was looked for, and what came in its place. */
static void explain(struct os *o)
{
	const struct os_step_run *r = &o->run;
	struct os_text *t = os_step_text(o);
	_cleanup_free_ char *tail = os_text_tail(t);
	struct buf b = BUF_INIT;

	if (r->step->kind->explain)
		r->step->kind->explain(o, r, &b);
	if (b.len)
		result(o)->why = buf_detach(&b);
	if (!r->step->kind->text)
		return;
	buf_addf(&b, "serial port %u says %s", r->step->serial, tail);
	if (t->dropped)
		buf_addf(&b, " (%llu bytes before that went unread)",
			(unsigned long long)t->dropped);
	if ((r->pattern && os_pattern_gave_up(r->pattern)) ||
		(r->other && os_pattern_gave_up(r->other)))
		buf_adds(&b,
			"; the pattern needs too many steps on some lines, which count as no match");
	result(o)->why = buf_detach(&b);
}

void os_steps_timeout(struct os *o)
{
	if (!running(o))
		return;
	explain(o);
	leave(o, OS_STEP_TIMEOUT);
}

void os_steps_lost(struct os *o)
{
	/* One may end, and the next begin, by the end of the machine. */
	while (running(o) && o->run.step->kind->ended) {
		size_t was = o->step;

		o->run.step->kind->ended(o, &o->run);
		if (o->step == was)
			break;
		os_steps_next(o);
	}
	if (!running(o))
		return;
	explain(o);
	leave(o, OS_STEP_LOST);
}

struct os_text *os_step_text(struct os *o)
{
	return &o->serials[o->run.step->serial].text;
}

void os_steps_text(struct os *o, unsigned serial)
{
	struct os_step_run *r = &o->run;

	if (running(o) && r->step->serial == serial && r->step->kind->text)
		r->step->kind->text(o, r);
}

void os_steps_next(struct os *o)
{
	const struct os_step *s;

	if (os_steps_over(o) || running(o))
		return;
	s = o->steps[o->step];
	o->run = (struct os_step_run){ .step = s, .started_ms = clock_ms() };
	result(o)->state = OS_STEP_RUNNING;
	if (s->timeout_ms) {
		o->step_deadline = clock_ms() + s->timeout_ms;
		os_limits_update(o);
	}
	os_text_retry(os_step_text(o));
	s->kind->start(o, &o->run);
	os_steps_text(o, s->serial);
}
