/* SPDX-License-Identifier: MIT */
/* A case on a machine whose system is its own. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "suite/case_private.h"
#include "suite/case_record.h"

static void on_booted(void *arg)
{
	struct case_run *c = arg;

	c->ev.running(c->ev.arg, c);
}

/* What a test prints is what its system says, cleaned. */
static void on_line(void *arg, const char *line, size_t len)
{
	struct case_run *c = arg;

	capture_feed(&c->out, line, len);
	capture_feed(&c->out, "\n", 1);
	tail_feed(&c->tail, line, len);
	tail_feed(&c->tail, "\n", 1);
	if (c->tap) {
		tap_feed(c->tap, line, len);
		tap_feed(c->tap, "\n", 1);
	}
	case_check_disk(c, &c->out);
}

static void on_output(void *arg, int stream, const char *data, size_t len)
{
	struct case_run *c = arg;
	struct capture *f = stream == 2 ? &c->err : &c->out;

	capture_feed(f, data, len);
	tail_feed(&c->tail, data, len);
	case_check_disk(c, f);
}

/* Others may go on from there at once. */
static void on_saved(void *arg, struct os_saved *s, const char *why)
{
	struct case_run *c = arg;

	c->saved->saved = s;
	if (why)
		str_replace(&c->saved->why_not, why);
	c->saved->making = false;
	c->saves = false;
}

static void on_done(void *arg, const struct os_report *r)
{
	struct case_run *c = arg;

	c->os_report = r;
	c->ev.over(c->ev.arg, c);
}

int case_system_start(struct case_run *c, struct err *e)
{
	const struct suite_test *t = c->c->test;
	const struct suite *s = c->x->s;
	_cleanup_free_ char *dir = path_join(c->x->run_path, c->dir);
	const struct suite_system *system = &c->c->machine->system;
	const struct os_handlers h = {
		.booted = on_booted,
		.output = on_output,
		.line = on_line,
		.saved = on_saved,
		.done = on_done,
		.arg = c,
	};
	struct os_spec spec = {
		.plan = c->os_plan,
		.prepare = system->prepare.n ? &system->prepare : NULL,
		.from = c->saved ? c->saved->saved : NULL,
		.name = c->c->id,
		.steps = &t->steps,
		.grammar = &t->grammar,
		.exit_port = &t->exit_port,
		.shutdown = system->shutdown,
		.report_serial = c->tap,
		.boot_ms = s->boot_ms,
		.test_ms = t->timeout_ms,
		.idle_ms = s->idle_ms,
		.total_ms = s->total_ms,
		.dir = dir,
	};

	spec.saves = c->saves = c->saved && !c->saved->saved;
	if (c->saves)
		c->saved->making = true;
	return os_start(c->x->loop, &spec, &h, &c->os, e);
}

/* What became of the preparation holds for all who wait for it, unless the rig was at fault. */
static void tell_others(struct case_run *c, const struct record *rec)
{
	const struct os_report *r = c->os_report;
	bool prepared = true;

	for (size_t i = 0; i < r->n_steps; i++)
		if (r->steps[i].prepares && r->steps[i].state != OS_STEP_DONE)
			prepared = false;
	if (!c->saves || prepared || rec->verdict == VERDICT_INFRA)
		return;
	c->saved->failed = rec->verdict;
	free(c->saved->failed_why);
	c->saved->failed_why = xasprintf("machine '%s' could not be prepared (with %s): %s",
		c->c->machine->name, c->c->id, rec->reason);
}

static int check_files(struct case_run *c, struct err *e)
{
	int r = capture_close(&c->out, e);

	if (r >= 0)
		r = capture_close(&c->err, e);
	if (r >= 0 && os_disk_error(c->os) < 0)
		r = err_sys(e, -os_disk_error(c->os), "cannot write the consoles to %s/%s",
			c->x->run_path, c->dir);
	return r;
}

static void add_output(struct case_run *c, struct record *rec)
{
	struct buf slice = BUF_INIT;

	rec->stdout_bytes = (int64_t)c->out.seen;
	rec->stderr_bytes = (int64_t)c->err.seen;
	rec->output_truncated = c->out.seen > c->out.max || c->err.seen > c->err.max;
	rec->tail = tail_text(&c->tail);
	if (rec->ok)
		return;
	console_slice(os_console(c->os), 0, CONSOLE_SLICE_MAX, &slice);
	rec->console_tail = slice.len ? buf_detach(&slice) : NULL;
	buf_release(&slice);
}

int case_system_finish(struct case_run *c, struct record *rec, struct err *e)
{
	const struct suite_test *t = c->c->test;
	const struct verdict_system_input in = {
		.report = c->os_report,
		.grammar = &t->grammar,
		.exit_port = &t->exit_port,
		.tap = c->tap,
		.expect = t->expect,
		.fail_on = t->fail_on,
	};
	int r = check_files(c, e);

	if (r < 0)
		return r;
	if (c->tap)
		tap_end(c->tap);
	verdict_decide_system(&in, rec);
	record_add_os_plan(rec, c->os_plan);
	record_add_os_report(rec, c->os_report);
	str_replace(&rec->isolate, guest_isolate_name(case_isolated(c)));
	str_replace(&rec->isolate_why, case_isolate_why(c));
	tell_others(c, rec);
	add_output(c, rec);
	return 0;
}
