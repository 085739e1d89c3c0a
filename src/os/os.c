/* SPDX-License-Identifier: MIT */
/*
 * A run: the machine is started on files of its own, the serial ports are heard, the steps go on, until nothing more is
 * to be waited for. Then it is ended, and what was seen is told.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "os/private.h"

/* For last words after a failure or a panic: until it is quiet, at most so long. A guest with an exit port may take all
 * of it to get there. */
#define LINGER_QUIET_MS 250
#define LINGER_MS       2000

int64_t os_elapsed_ms(const struct os *o)
{
	return clock_ms() - o->start_ms;
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

	if (o->state > OS_LINGERING)
		return;
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

static void on_console(void *arg, const char *data, size_t len)
{
	struct os *o = arg;

	os_serial_feed(&o->serials[0], data, len);
}

static void on_finish(void *arg)
{
	struct os *o = arg;

	o->h.done(o->h.arg, &o->report);
}

static void on_ended(void *arg, enum machine_end end, const char *why)
{
	struct os *o = arg;
	struct os_report *r = &o->report;

	r->by_itself = r->rung == OS_RUNG_NONE && !r->cancelled && r->limit != OS_LIMIT_TOTAL;
	r->end = end;
	r->end_why = xstrdup(why);
	r->exit_value = machine_exit_value(o->machine);
	os_serials_drain(o);
	os_steps_lost(o);
	o->state = OS_OVER;
	loop_timer_set(o->limits, CLOCK_NEVER);
	loop_timer_set(o->next, CLOCK_NEVER);
	loop_timer_set(o->quiet, CLOCK_NEVER);
	loop_timer_set(o->linger, CLOCK_NEVER);
	splats_end(console_splats(o->serials[0].log));
	r->splats = console_splats(o->serials[0].log);
	r->total_ms = os_elapsed_ms(o);
	machine_usage(o->machine, &r->engine_cpu_us, &r->engine_maxrss_kib);
	loop_timer_set(o->finish, clock_ms());
}

static const struct machine_handlers handlers = { .console = on_console, .ended = on_ended };

/* ---- the start ---- */

/* The descriptors are the engine's once it runs. */
struct own_files {
	struct machine_disk disks[MACHINE_DISKS_MAX];
	int vars;
};

static void own_files_release(struct own_files *f)
{
	for (size_t i = 0; i < MACHINE_DISKS_MAX; i++)
		if (f->disks[i].own > 0)
			fd_close(f->disks[i].own);
	if (f->vars > 0)
		fd_close(f->vars);
}

static int make_own_files(const struct os *o, struct own_files *f, struct err *e)
{
	const struct os_plan *p = o->spec.plan;
	int fd;

	for (size_t i = 0; i < p->os.n_disks; i++) {
		f->disks[i] = p->disks[i];
		if (p->disks[i].cdrom || p->media[i].only_read)
			continue;
		fd = p->disks[i].path ? os_media_overlay(o->spec.dir, p->media[i].virtual_size, e)
				      : os_media_empty(o->spec.dir, p->media[i].virtual_size, e);
		if (fd < 0)
			return fd;
		f->disks[i].own = fd;
	}
	if (!p->firmware_vars)
		return 0;
	fd = os_media_copy(o->spec.dir, p->firmware_vars, e);
	if (fd < 0)
		return fd;
	f->vars = fd;
	return 0;
}

static int start_machine(struct os *o, struct err *e)
{
	__attribute__((cleanup(own_files_release))) struct own_files files = { 0 };
	struct machine_spec spec = o->spec.plan->spec;
	struct machine_os os = o->spec.plan->os;
	struct machine_handlers h = handlers;
	int r = make_own_files(o, &files, e);

	if (r < 0)
		return r;
	os.disks = files.disks;
	os.firmware_vars = files.vars;
	spec.os = &os;
	spec.name = o->spec.name;
	h.arg = o;
	return machine_start(o->loop, &spec, &h, &o->machine, e);
}

static void make_results(struct os *o)
{
	struct os_report *r = &o->report;

	r->n_steps = o->spec.steps->n;
	r->steps = xcalloc(r->n_steps + 1, sizeof(*r->steps));
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct os_step *s = o->spec.steps->v[i];

		r->steps[i].ms = -1;
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
	make_results(o);
	strv_addv(&o->report.trouble, &spec->plan->said);
	r = os_serials_open(o, e);
	if (r >= 0)
		r = os_grammar_start(o, e);
	if (r >= 0)
		r = start_machine(o, e);
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
	free(o->dir);
	free(o);
}
