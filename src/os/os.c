/* SPDX-License-Identifier: MIT */
/*
 * A run: the machine is started on files of its own, the serial ports are heard, the steps go on, until nothing more is
 * to be waited for. Then it is ended, and what was seen is told.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/saved.h"

/* For last words after a failure or a panic: until it is quiet, at most so long. A guest with an exit port may take all
 * of it to get there. */
#define LINGER_QUIET_MS 250
#define LINGER_MS       2000

int64_t os_elapsed_ms(const struct os *o)
{
	return clock_ms() - o->start_ms;
}

bool os_preparing(const struct os *o)
{
	return o->step < o->n_prepare || os_save_due(o) || o->state == OS_SAVING;
}

void os_step_heard(struct os *o)
{
	if (o->report.boot_ms >= 0 || (o->spec.grammar->start && !o->report.start.line))
		return;
	o->report.boot_ms = os_elapsed_ms(o);
	o->boot_deadline = CLOCK_NEVER;
	os_limits_update(o);
	if (o->h.booted)
		o->h.booted(o->h.arg);
}

void os_prepared(struct os *o)
{
	for (unsigned i = 0; i < o->n_serials; i++)
		os_text_skip(&o->serials[i].text);
	os_limits_prepared(o);
}

/* ---- whether there is more to wait for ---- */

static bool awaits_words(const struct os *o)
{
	const struct os_grammar *g = o->spec.grammar;
	const struct os_report *r = &o->report;

	return (g->pass && !r->pass.line && !r->fail.line) || (g->end && !r->end_said.line) ||
	       (o->spec.report_serial && !g->end) || o->spec.exit_port->port;
}

static bool went_wrong(const struct os *o)
{
	return o->report.panic.line || o->report.fail.line;
}

static void linger(struct os *o)
{
	int64_t now = clock_ms();

	if (o->state == OS_RUNNING) {
		o->state = OS_LINGERING;
		o->linger_end = now + LINGER_MS;
	}
	if (o->spec.exit_port->port || now + LINGER_QUIET_MS > o->linger_end)
		loop_timer_set(o->linger, o->linger_end);
	else
		loop_timer_set(o->linger, now + LINGER_QUIET_MS);
}

static void on_next(void *arg)
{
	struct os *o = arg;

	if (o->again) {
		o->again = false;
		os_begin_again(o);
		return;
	}
	if (o->state > OS_LINGERING || o->loading)
		return;
	if (os_save_due(o) && !went_wrong(o)) {
		os_save(o);
		return;
	}
	if (o->state == OS_RUNNING)
		os_steps_next(o);
	if (os_steps_failed(o))
		os_collect(o);
	else if (went_wrong(o))
		linger(o);
	else if (os_steps_over(o) && !awaits_words(o))
		os_end(o, true);
}

void os_go_on(struct os *o)
{
	if (o->next && o->state <= OS_LINGERING)
		loop_timer_set(o->next, clock_ms());
}

/* The open line, once it stands: a prompt is none of the grammar's, but a last word without a line's end is. */
static void on_quiet(void *arg)
{
	struct os *o = arg;
	const struct os_text *t = &o->serials[o->spec.grammar->serial].text;
	size_t len;
	const char *line = os_text_open_line(t, &len);

	if (len)
		os_grammar_open_line(o, line, len);
	os_go_on(o);
}

/* ---- the machine ---- */

void os_on_console(void *arg, const char *data, size_t len)
{
	struct os *o = arg;

	os_serial_feed(&o->serials[0], data, len);
}

static void on_finish(void *arg)
{
	struct os *o = arg;

	o->h.done(o->h.arg, &o->report);
}

void os_over(struct os *o)
{
	struct os_report *r = &o->report;

	o->state = OS_OVER;
	loop_timer_set(o->limits, CLOCK_NEVER);
	loop_timer_set(o->next, CLOCK_NEVER);
	loop_timer_set(o->quiet, CLOCK_NEVER);
	loop_timer_set(o->linger, CLOCK_NEVER);
	splats_end(console_splats(o->serials[0].log));
	r->splats = console_splats(o->serials[0].log);
	r->total_ms = os_elapsed_ms(o);
	loop_timer_set(o->finish, clock_ms());
}

/* What was sent to it before is lost. */
void os_on_loaded(void *arg)
{
	struct os *o = arg;

	o->loading = false;
	os_go_on(o);
}

void os_on_ended(void *arg, enum machine_end end, const char *why)
{
	struct os *o = arg;
	struct os_report *r = &o->report;

	os_serials_drain(o);
	if (o->state == OS_SAVING && o->kept && !r->cancelled && r->limit == OS_LIMIT_NONE) {
		o->again = true;
		loop_timer_set(o->next, clock_ms());
		return;
	}
	r->by_itself = r->rung == OS_RUNG_NONE && !r->cancelled && r->limit != OS_LIMIT_TOTAL;
	r->end = end;
	r->end_why = xstrdup(why);
	r->exit_value = machine_exit_value(o->machine);
	os_serials_end(o);
	os_steps_lost(o);
	os_take_usage(o);
	os_over(o);
}

/* ---- the start ---- */

static void add_steps(struct os *o, const struct os_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		o->steps[o->n_steps++] = steps->v[i];
}

static void make_steps(struct os *o)
{
	const struct os_steps *prepare = o->spec.from ? NULL : o->spec.prepare;

	o->n_prepare = prepare ? prepare->n : 0;
	o->steps = xcalloc(o->n_prepare + o->spec.steps->n + 1, sizeof(*o->steps));
	if (prepare)
		add_steps(o, prepare);
	add_steps(o, o->spec.steps);
}

static void make_results(struct os *o)
{
	struct os_report *r = &o->report;

	r->n_steps = o->n_steps;
	r->steps = xcalloc(r->n_steps + 1, sizeof(*r->steps));
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct os_step *s = o->steps[i];

		r->steps[i].ms = -1;
		r->steps[i].prepares = i < o->n_prepare;
		r->steps[i].what = s->text   ? xasprintf("%s %s", s->kind->name, s->text)
				   : s->user ? xasprintf("%s %s", s->kind->name, s->user)
					     : xstrdup(s->kind->name);
	}
}

int os_start(struct loop *loop, const struct os_spec *spec, const struct os_handlers *h,
	struct os **ret, struct err *e)
{
	struct os *o = xcalloc(1, sizeof(*o));
	int r;

	o->loop = loop;
	o->spec = *spec;
	o->dir = xstrdup(spec->dir);
	o->spec.dir = o->dir;
	o->h = *h;
	o->report.boot_ms = -1;
	o->start_ms = clock_ms();
	o->start_us = clock_us();
	o->n_serials = spec->plan->os.serials;
	o->from = spec->from;
	o->report.cloned = o->from;
	if (o->from)
		strv_addv(&o->host_keys, &o->from->host_keys);
	make_steps(o);
	make_results(o);
	strv_addv(&o->report.trouble, &spec->plan->said);
	r = os_serials_open(o, e);
	if (r >= 0)
		r = os_grammar_start(o, e);
	if (r >= 0)
		os_save_prepare(o);
	if (r >= 0)
		r = os_machine_start(o, e);
	o->from = NULL;
	if (r < 0) {
		os_free(o);
		return r;
	}
	o->next = loop_timer_add(loop, clock_ms(), on_next, o);
	o->quiet = loop_timer_add(loop, CLOCK_NEVER, on_quiet, o);
	o->linger = loop_timer_add(loop, CLOCK_NEVER, os_on_linger, o);
	o->finish = loop_timer_add(loop, CLOCK_NEVER, on_finish, o);
	os_serials_attach(o);
	os_limits_start(o);
	*ret = o;
	return 0;
}

void os_cancel(struct os *o)
{
	if (o->state == OS_OVER)
		return;
	o->report.cancelled = true;
	if (o->again)
		os_over(o);
	else
		machine_stop(o->machine);
}

static void report_release(struct os_report *r)
{
	struct os_said *const said[] = { &r->start, &r->pass, &r->fail, &r->panic, &r->end_said };

	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		free(said[i]->line);
	for (size_t i = 0; i < r->n_steps; i++) {
		free(r->steps[i].what);
		free(r->steps[i].why);
	}
	free(r->steps);
	for (size_t i = 0; i < r->n_cases; i++)
		free(r->cases[i].name);
	free(r->cases);
	free(r->end_why);
	free(r->infra);
	free(r->not_saved);
	strv_release(&r->trouble);
	strv_release(&r->artifacts);
}

void os_free(struct os *o)
{
	if (!o)
		return;
	os_serials_stop(o);
	machine_free(o->machine);
	loop_timer_remove(o->limits);
	loop_timer_remove(o->next);
	loop_timer_remove(o->quiet);
	loop_timer_remove(o->linger);
	loop_timer_remove(o->finish);
	os_steps_drop(o);
	os_ssh_stop(o);
	os_serials_release(o);
	os_grammar_release_run(o);
	report_release(&o->report);
	os_saved_free(o->making);
	strv_release(&o->host_keys);
	free(o->steps);
	free(o->dir);
	free(o);
}
