/* SPDX-License-Identifier: MIT */
#include "suite/case_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/case_env.h"
#include "suite/case_record.h"
#include "suite/plan.h"

/* Longer than any stall of a busy host, shorter than the patience of people. */
#define HEARTBEAT_MS 60000

size_t case_index(const struct case_run *c)
{
	return c->index;
}

/* ---- what comes from the guest ---- */

void case_check_disk(struct case_run *c, const struct capture *f)
{
	struct err e = ERR_INIT;

	if (!f->error)
		return;
	err_sys(&e, -f->error, "cannot write %s", f->path);
	c->ev.disk(c->ev.arg, c, &e);
	err_release(&e);
}

static void on_started(void *arg, size_t i)
{
	struct case_run *c = arg;

	if (i != c->test)
		return;
	c->console_from = c->job ? console_bytes(job_console(c->job)) : 0;
	c->ev.running(c->ev.arg, c);
}

/* Setup and teardown print into the same files: there a person looks for what went wrong. Only the
 * test's own stdout is its report. */
static void on_output(void *arg, size_t i, int stream, const char *data, size_t len)
{
	struct case_run *c = arg;
	struct capture *f = stream == 2 ? &c->err : &c->out;

	capture_feed(f, data, len);
	tail_feed(&c->tail, data, len);
	if (i == c->test && stream == 1 && c->tap)
		tap_feed(c->tap, data, len);
	case_check_disk(c, f);
}

static void end_tap(struct case_run *c)
{
	if (c->tap && !c->tap_ended)
		tap_end(c->tap);
	c->tap_ended = true;
}

/* By what is known at that moment. What ends well is not saved, nor what is expected to fail. */
static bool is_failing(struct case_run *c, enum guest_moment moment)
{
	const struct verdict_input in = {
		.report = job_so_far(c->job),
		.command = c->test,
		.protocol = c->c->test->protocol,
		.tap = c->tap,
		.expect = c->c->test->expect,
		.fail_on = c->c->test->fail_on,
	};

	if (in.report->exits[c->test].ended)
		end_tap(c);
	return verdict_is_failing(&in, moment);
}

/* Those that fail side by side must not exceed what is allowed together. */
static bool on_keep(void *arg, enum guest_moment moment)
{
	struct case_run *c = arg;

	if (!c->job || !is_failing(c, moment))
		return false;
	if (!*c->x->keeps) {
		c->not_kept = true;
		return false;
	}
	--*c->x->keeps;
	return true;
}

static void on_ready(void *arg)
{
}

static void on_done(void *arg, const struct job_report *r)
{
	struct case_run *c = arg;

	c->report = r;
	c->ev.over(c->ev.arg, c);
}

/* ---- the way in ---- */

static void add_command(
	struct case_run *c, const char *name, const struct strv *argv, const char *user)
{
	const struct suite_test *t = c->c->test;

	c->commands[c->n_commands++] = (struct job_command){
		.name = name,
		.argv = (const char *const *)argv->v,
		.env = (const char *const *)c->env.v,
		.cwd = t->cwd,
		.user = user,
		.timeout_ms = t->timeout_ms,
	};
}

/* In a guest that is no clone it is run, too: what the test relies on is there however the guest came to be. */
static void add_template_setup(struct case_run *c)
{
	struct job_command *command = &c->commands[c->n_commands];

	if (!case_template_setup(c->x->s, &c->template_env, command))
		return;
	command->timeout_ms = c->c->test->timeout_ms;
	c->n_commands++;
}

static void add_commands(struct case_run *c)
{
	const struct suite_test *t = c->c->test;

	add_template_setup(c);
	if (t->setup.n)
		add_command(c, "setup", &t->setup, NULL);
	c->test = c->n_commands;
	add_command(c, t->name, &t->run, t->user);
	if (t->teardown.n)
		add_command(c, "teardown", &t->teardown, NULL);
}

static int open_file(const char *full, const char *name, struct capture *f, struct err *e)
{
	return capture_open(f, path_join(full, name), e);
}

/* An earlier try may have left files there. */
int case_open_folder(struct case_run *c, struct err *e)
{
	_cleanup_free_ char *full = path_join(c->x->run_path, c->dir);
	int r = dir_remove(full, e);

	if (r >= 0)
		r = dir_make(full, 0777, e);
	if (r >= 0)
		r = open_file(full, "stdout", &c->out, e);
	if (r >= 0)
		r = open_file(full, "stderr", &c->err, e);
	return r;
}

static int open_files(struct case_run *c, int *ret_console, int *ret_kmsg, struct err *e)
{
	_cleanup_free_ char *full = path_join(c->x->run_path, c->dir);
	_cleanup_free_ char *console = path_join(full, "console.log");
	_cleanup_free_ char *kmsg = path_join(full, "kernel.log");
	_cleanup_close_ int console_fd = -1, kmsg_fd = -1;
	int r = case_open_folder(c, e);

	if (r < 0)
		return r;
	console_fd = file_open(console, O_WRONLY | O_CREAT | O_TRUNC, e);
	if (console_fd < 0)
		return console_fd;
	kmsg_fd = file_open(kmsg, O_WRONLY | O_CREAT | O_TRUNC, e);
	if (kmsg_fd < 0)
		return kmsg_fd;
	c->artifacts_dir = path_join(full, "artifacts");
	if (c->x->o->keep_failed)
		c->snapshot_dir = path_join(full, SNAPSHOT_DIR);
	*ret_console = TAKE_FD(console_fd);
	*ret_kmsg = TAKE_FD(kmsg_fd);
	return 0;
}

static struct case_run *case_new(const struct case_context *x, const struct plan_case *pc,
	size_t index, const char *dir, const struct case_events *ev, const struct case_guest *guest)
{
	struct case_run *c = xcalloc(1, sizeof(*c));

	*c = (struct case_run){
		.x = x,
		.c = pc,
		.index = index,
		.dir = xstrdup(dir),
		.ev = *ev,
		.plan = guest->plan,
		.os_plan = guest->os_plan,
		.saved = guest->saved,
		.isolate_why = guest->isolate_why,
		.isolate = suite_isolate_of(x->o, pc->test),
		.out = CAPTURE_INIT,
		.err = CAPTURE_INIT,
		.started_wall_ns = clock_wall_ns(),
		.started_ms = clock_ms(),
	};
	if (pc->test->protocol != PROTOCOL_EXIT && pc->test->protocol != PROTOCOL_AUTOMAKE)
		c->tap = tap_new();
	case_environment(x->s, pc, &c->env);
	if (!c->os_plan)
		add_commands(c);
	return c;
}

/* CONSOLE_FD and KMSG_FD are the job's from now on. */
static int start_job(struct case_run *c, const struct case_guest *guest, int console_fd,
	int kmsg_fd, struct err *e)
{
	const struct suite_test *t = c->c->test;
	const struct job_handlers h = {
		.ready = on_ready,
		.started = on_started,
		.output = on_output,
		.done = on_done,
		.arg = c,
		.keep = on_keep,
	};
	const struct job_spec spec = {
		.plan = c->plan,
		.name = c->c->id,
		.isolate = c->isolate == SUITE_ISOLATE_BOOT ? ISOLATE_BOOT : ISOLATE_CLONE,
		.keep = guest->keep,
		.copy_of = guest->copy_of,
		.commands = c->commands,
		.n_commands = c->n_commands,
		.always_last = t->teardown.n > 0,
		.boot_ms = c->x->s->boot_ms,
		.idle_ms = c->x->s->idle_ms,
		.heartbeat_ms = HEARTBEAT_MS,
		.total_ms = c->x->s->total_ms,
		.console_fd = console_fd,
		.kmsg_fd = kmsg_fd,
		.artifacts = (const char *const *)t->artifacts.v,
		.n_artifacts = t->artifacts.n,
		.artifacts_dir = c->artifacts_dir,
		.snapshot_dir = c->snapshot_dir,
	};

	if (!guest->job)
		return job_start(c->x->loop, &spec, &h, &c->job, e);
	c->job = guest->job;
	job_again(c->job, &spec, &h);
	return 0;
}

int case_start(const struct case_context *x, const struct plan_case *pc, size_t index,
	const char *dir, const struct case_events *ev, const struct case_guest *guest,
	struct case_run **ret, struct record *rec, struct err *e)
{
	struct case_run *c = case_new(x, pc, index, dir, ev, guest);
	struct err why = ERR_INIT;
	int console_fd = -1, kmsg_fd = -1, r;

	*ret = NULL;
	r = c->os_plan ? case_open_folder(c, e) : open_files(c, &console_fd, &kmsg_fd, e);
	if (r < 0) {
		case_free(c);
		return r;
	}
	r = c->os_plan ? case_system_start(c, &why)
		       : start_job(c, guest, console_fd, kmsg_fd, &why);
	if (r == 0) {
		*ret = c;
		return 0;
	}
	case_describe(x, pc, rec);
	if (c->os_plan)
		record_add_os_plan(rec, c->os_plan);
	else
		record_add_plan(rec, guest->plan);
	rec->verdict = VERDICT_INFRA;
	rec->reason = rig_error_text(&why);
	rec->dir = xstrdup(dir);
	err_release(&why);
	case_free(c);
	return 0;
}

enum guest_isolate case_isolated(const struct case_run *c)
{
	if (c->os_report)
		return c->os_report->cloned ? ISOLATE_CLONE : ISOLATE_BOOT;
	return c->report ? c->report->isolate : ISOLATE_BOOT;
}

bool case_not_kept(const struct case_run *c)
{
	return c->not_kept;
}

const char *case_snapshot_why(const struct case_run *c)
{
	return c->report ? c->report->snapshot_why : NULL;
}

const char *case_isolate_why(const struct case_run *c)
{
	if (c->os_report)
		return c->os_report->not_saved ? c->os_report->not_saved : c->isolate_why;
	return c->report ? c->report->isolate_why : NULL;
}

void case_cancel(struct case_run *c)
{
	if (c->os && !c->os_report)
		os_cancel(c->os);
	else if (c->job && !c->report)
		job_cancel(c->job);
}

bool case_cancelled(const struct case_run *c)
{
	if (c->os)
		return !c->os_report || c->os_report->cancelled;
	return !c->report || c->report->cancelled;
}

struct job *case_take_guest(struct case_run *c)
{
	if (!c->report || !c->report->kept || !job_usable(c->job))
		return NULL;
	return TAKE_PTR(c->job);
}

void case_free(struct case_run *c)
{
	if (!c)
		return;
	if (c->saves)
		c->saved->making = false;
	job_free(c->job);
	os_free(c->os);
	capture_release(&c->out);
	capture_release(&c->err);
	buf_release(&c->tail);
	tap_free(c->tap);
	strv_release(&c->env);
	strv_release(&c->template_env);
	free(c->dir);
	free(c->artifacts_dir);
	free(c->snapshot_dir);
	free(c);
}

/* ---- the way out ---- */

/* A record vouches for its files: where one is cut short by a full disk there is no record. */
static int check_files(struct case_run *c, struct err *e)
{
	int r = capture_close(&c->out, e);

	if (r >= 0)
		r = capture_close(&c->err, e);
	if (r >= 0 && console_error(job_console(c->job)) < 0)
		r = err_sys(e, -console_error(job_console(c->job)),
			"cannot write %s/%s/console.log", c->x->run_path, c->dir);
	return r;
}

static void add_output(struct case_run *c, struct record *rec)
{
	struct buf slice = BUF_INIT;

	rec->stdout_bytes = (int64_t)c->out.seen;
	rec->stderr_bytes = (int64_t)c->err.seen;
	rec->output_truncated = c->out.seen > c->out.max || c->err.seen > c->err.max;
	rec->tail = tail_text(&c->tail);
	if (rec->ok && !rec->n_splats)
		return;
	console_slice(job_console(c->job), c->console_from, CONSOLE_SLICE_MAX, &slice);
	rec->console_tail = slice.len ? buf_detach(&slice) : NULL;
	buf_release(&slice);
}

static int finish_job(struct case_run *c, struct record *rec, struct err *e)
{
	const struct job_report *r = c->report;
	struct verdict_input in = {
		.report = r,
		.command = c->test,
		.protocol = c->c->test->protocol,
		.tap = c->tap,
		.expect = c->c->test->expect,
		.fail_on = c->c->test->fail_on,
	};
	int ret = check_files(c, e);

	if (ret < 0)
		return ret;
	end_tap(c);
	verdict_decide(&in, rec);
	record_add_plan(rec, c->plan);
	record_add_report(rec, r, c->test);
	record_add_snapshot(rec, c->x, c->c->id, r);
	if (c->isolate == SUITE_ISOLATE_SHARED)
		str_replace(&rec->isolate, suite_isolate_name(c->isolate));
	record_decode(rec, rig_symbols(c->x->rig, c->c));
	add_output(c, rec);
	return 0;
}

static void complete_record(struct case_run *c, struct record *rec)
{
	struct buf started = BUF_INIT;

	case_describe(c->x, c->c, rec);
	time_format(&started, c->started_wall_ns);
	rec->started = buf_detach(&started);
	rec->duration_ms = clock_ms() - c->started_ms;
	rec->dir = xstrdup(c->dir);
}

int case_finish(struct case_run *c, struct record *rec, struct err *e)
{
	/* What was planned comes first: what really was replaces it. */
	complete_record(c, rec);
	return c->os ? case_system_finish(c, rec, e) : finish_job(c, rec, e);
}
