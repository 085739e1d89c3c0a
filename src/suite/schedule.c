/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: up to N guests at once on one loop. Nothing is decided inside a callback: they note what
 * happened, and the turn of the loop acts on it, so that no job is freed while it is calling.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "suite/plan.h"
#include "suite/run.h"

/* Of the rig's own, for each guest: the engine's process and its page tables. */
#define GUEST_OVERHEAD_MIB 100
/* After this a guest that was told to end is killed without its farewell. */
#define FAREWELL_MS 10000

/* ---- stopping ---- */

void run_stop(struct run *r, enum stop_reason why)
{
	if (why > r->stop)
		r->stop = why;
}

void run_fatal(struct run *r, const struct err *e)
{
	if (r->stop == STOP_FATAL)
		return;
	err_set(&r->fatal, e->code, "%s", err_text(e));
	if (e->hint)
		err_hint(&r->fatal, "%s", e->hint);
	run_stop(r, STOP_FATAL);
}

/* The first signal ends the run in order; the second ends us, and our children with us. */
static void on_signal(void *arg, int signo)
{
	struct run *r = arg;
	sigset_t set;

	if (r->signo) {
		progress_free(r->progress);
		r->progress = NULL;
		signal(signo, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, signo);
		raise(signo);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		_exit(128 + signo);
	}
	r->signo = signo;
	run_stop(r, STOP_SIGNAL);
}

static void on_total_limit(void *arg)
{
	run_stop(arg, STOP_LIMIT);
}

static bool must_cancel(const struct run *r)
{
	return r->stop > STOP_FAIL_FAST;
}

static void cancel_all(struct run *r)
{
	if (r->cancelled)
		return;
	r->cancelled = true;
	r->give_up_ms = clock_ms() + FAREWELL_MS;
	for (size_t i = 0; i < r->jobs; i++)
		if (r->running[i])
			case_cancel(r->running[i]);
}

/* ---- records ---- */

static void write_json(struct run *r, const struct record *rec)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int ret;

	if (!r->o.json)
		return;
	record_write(&b, rec);
	ret = fd_write_all(STDOUT_FILENO, b.data, b.len);
	if (ret == -EPIPE) {
		/* Whoever read has seen enough. */
		r->signo = r->signo ? r->signo : SIGPIPE;
		run_stop(r, STOP_SIGNAL);
	} else if (ret < 0) {
		err_sys(&e, -ret, "cannot write a record to standard output");
		run_fatal(r, &e);
		err_release(&e);
	}
}

void run_record(struct run *r, size_t index, struct record *rec)
{
	struct err e = ERR_INIT;

	if (records_append(r->dir.records, rec, &e) < 0) {
		err_wrap(&e, "the result of '%s' could not be kept", rec->id);
		run_fatal(r, &e);
		err_release(&e);
		r->state[index] = CASE_STOPPED;
		progress_drop(r->progress, index);
		record_release(rec);
		return;
	}
	r->state[index] = CASE_RECORDED;
	progress_finish(r->progress, index, rec);
	if (r->o.verbose && rec->ok && rec->tail)
		progress_note(r->progress, rec->tail);
	write_json(r, rec);
	if (!rec->ok && r->o.fail_fast)
		run_stop(r, STOP_FAIL_FAST);
	VEC_GROW(r->records.v, r->records.n, r->records.cap);
	r->records.v[r->records.n++] = *rec;
}

/* A case that is over before it began. */
static void record_at_once(struct run *r, size_t index, enum verdict v, const char *reason)
{
	struct record rec = RECORD_INIT;
	struct buf now = BUF_INIT;

	case_describe(&r->context, &r->plan.v[index], &rec);
	rec.verdict = v;
	rec.ok = v == VERDICT_SKIP;
	rec.reason = xstrdup(reason);
	time_format(&now, clock_wall_ns());
	rec.started = buf_detach(&now);
	rec.duration_ms = 0;
	run_record(r, index, &rec);
}

/* ---- cases ---- */

static void on_running(void *arg, struct case_run *c)
{
	struct run *r = arg;

	progress_phase(r->progress, case_index(c), "running");
}

static void on_over(void *arg, struct case_run *c)
{
	struct run *r = arg;

	r->over[r->n_over++] = c;
}

static void on_disk(void *arg, struct case_run *c, const struct err *why)
{
	run_fatal(arg, why);
}

static uint64_t promised_mib(const struct plan_case *c)
{
	return (uint64_t)plan_case_memory_mib(c) + GUEST_OVERHEAD_MIB;
}

static void put_in_slot(struct run *r, struct case_run *c, size_t index)
{
	size_t slot = 0;

	while (r->running[slot])
		slot++;
	r->running[slot] = c;
	r->n_running++;
	r->memory_used_mib += promised_mib(&r->plan.v[index]);
	r->state[index] = CASE_RUNNING;
	progress_start(r->progress, index, r->plan.v[index].id, clock_ms());
}

/* Plans that differ in their CPUs alone have the same to say. */
static void tell_once(struct run *r, const char *line)
{
	if (strv_has(&r->told, line))
		return;
	strv_add(&r->told, line);
	progress_note(r->progress, line);
}

static void start_guest(
	struct run *r, size_t index, struct guest_plan *plan, const struct os_plan *os_plan)
{
	const struct case_events ev = { on_running, on_over, on_disk, r };
	_cleanup_free_ char *dir = xasprintf("cases/%s", r->names.v[index]);
	struct record rec = RECORD_INIT;
	struct err e = ERR_INIT;
	struct case_guest guest = { .plan = plan, .os_plan = os_plan };
	struct case_run *c;

	shared_begin(r, index, &guest);
	prepared_begin(r, index, &guest);
	guest.copy_of = pool_guest(r, index);
	if (guest.copy_of && r->o.verbose)
		tell_once(r, "clones are copies of a guest that waits");
	if (case_start(&r->context, &r->plan.v[index], index, dir, &ev, &guest, &c, &rec, &e) < 0) {
		run_fatal(r, &e);
		err_release(&e);
		shared_end(r, index, guest.job);
	} else if (!c) {
		run_record(r, index, &rec);
		shared_end(r, index, NULL);
	} else {
		put_in_slot(r, c, index);
	}
}

static void start_case(struct run *r, size_t index)
{
	_cleanup_free_ char *skip = rig_skip_reason(r->rig, &r->plan.v[index]);
	const struct plan_case *c = &r->plan.v[index];
	const struct os_plan *os_plan = NULL;
	struct guest_plan *plan = NULL;
	enum verdict failed;
	const char *why;

	if (skip) {
		record_at_once(r, index, VERDICT_SKIP, skip);
		return;
	}
	failed = prepared_failed(r, index, &why);
	if (failed != VERDICT_NONE) {
		record_at_once(r, index, failed, why);
		return;
	}
	if (c->machine->has_system)
		os_plan = rig_os_plan(r->rig, c, &why);
	else
		plan = rig_plan(r->rig, c, &why);
	if (plan || os_plan)
		start_guest(r, index, plan, os_plan);
	else
		record_at_once(r, index, VERDICT_INFRA, why);
}

static void free_slot(struct run *r, struct case_run *c)
{
	size_t index = case_index(c);

	for (size_t i = 0; i < r->jobs; i++)
		if (r->running[i] == c)
			r->running[i] = NULL;
	r->n_running--;
	r->memory_used_mib -= promised_mib(&r->plan.v[index]);
	if (r->state[index] == CASE_RUNNING) {
		r->state[index] = CASE_STOPPED;
		progress_drop(r->progress, index);
	}
	shared_end(r, index, case_take_guest(c));
	if (case_isolated(c) == ISOLATE_CLONE)
		pool_case_over(r, index, promised_mib(&r->plan.v[index]));
	case_free(c);
	prepared_tidy(r, index);
}

static void tell_isolate(struct run *r, struct case_run *c)
{
	const char *why = case_isolate_why(c);
	_cleanup_free_ char *line =
		why ? xasprintf("%s: %s",
			      case_isolated(c) == ISOLATE_CLONE ? "template" : "booted, not cloned",
			      why)
		    : NULL;

	if (line)
		tell_once(r, line);
}

static void tell_snapshot(struct run *r, struct case_run *c)
{
	const char *why = case_snapshot_why(c);
	_cleanup_free_ char *line = NULL;

	if (case_not_kept(c))
		line = xasprintf("further guests that fail are not saved: --keep-failed=%u",
			r->o.keep_failed);
	else if (why)
		line = xasprintf("the guest of a failed test could not be saved: %s", why);
	if (line)
		tell_once(r, line);
}

static void collect(struct run *r)
{
	for (size_t i = 0; i < r->n_over; i++) {
		struct case_run *c = r->over[i];
		struct record rec = RECORD_INIT;
		struct err e = ERR_INIT;

		tell_isolate(r, c);
		tell_snapshot(r, c);
		if (!case_cancelled(c) && r->stop != STOP_FATAL) {
			if (case_finish(c, &rec, &e) < 0) {
				run_fatal(r, &e);
				record_release(&rec);
			} else {
				run_record(r, case_index(c), &rec);
			}
		}
		err_release(&e);
		free_slot(r, c);
	}
	if (r->n_over)
		pool_tidy(r);
	r->n_over = 0;
}

/* ---- turns ---- */

/* The next one to start: in the order of the plan, while there is a slot and memory for it. */
static bool next_case(struct run *r, size_t *from, size_t *ret)
{
	size_t i = *from;

	while (i < r->plan.n && r->state[i] != CASE_WAITING)
		i++;
	*from = i;
	if (r->n_running == r->jobs)
		return false;
	while (i < r->plan.n && (r->state[i] != CASE_WAITING || shared_is_busy(r, i) ||
					pool_is_making(r, i) || prepared_is_making(r, i)))
		i++;
	if (i == r->plan.n)
		return false;
	*ret = i;
	return !r->n_running || r->memory_used_mib + promised_mib(&r->plan.v[i]) <= r->memory_mib;
}

static int turn_timeout(const struct run *r, bool hurry)
{
	int64_t now = clock_ms(), next = progress_next(r->progress);

	if (hurry)
		return 0;
	if (r->cancelled && r->give_up_ms < next)
		next = r->give_up_ms;
	if (next == CLOCK_NEVER)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

/* Those that did not end when told are killed. */
static void give_up(struct run *r)
{
	for (size_t i = 0; i < r->jobs; i++)
		if (r->running[i])
			free_slot(r, r->running[i]);
	r->n_over = 0;
}

static void turns(struct run *r)
{
	size_t next = 0, index = 0;

	for (;;) {
		bool started = false;

		collect(r);
		if (must_cancel(r))
			cancel_all(r);
		if (r->cancelled && clock_ms() >= r->give_up_ms)
			give_up(r);
		if (r->stop == STOP_NONE && next_case(r, &next, &index)) {
			start_case(r, index);
			pool_tidy(r);
			started = true;
		}
		if (!r->n_running && (r->stop != STOP_NONE || next == r->plan.n))
			return;
		progress_draw(r->progress, clock_ms());
		loop_turn(r->loop, turn_timeout(r, started || r->n_over));
	}
}

/* All that can take long is done before the first guest runs, whose limits would suffer from it. */
static void prepare_all(struct run *r)
{
	const char *why;

	for (size_t i = 0; i < r->plan.n && r->stop == STOP_NONE; i++) {
		_cleanup_free_ char *skip = NULL;

		if (r->state[i] != CASE_WAITING)
			continue;
		skip = rig_skip_reason(r->rig, &r->plan.v[i]);
		if (!skip && r->plan.v[i].machine->has_system)
			rig_os_plan(r->rig, &r->plan.v[i], &why);
		else if (!skip)
			rig_plan(r->rig, &r->plan.v[i], &why);
		loop_turn(r->loop, 0);
	}
}

static void tell_plan(void *arg, const struct guest_plan *p)
{
	struct run *r = arg;
	const struct kernel *k = guest_plan_kernel(p);
	const struct machine_spec *spec = guest_plan_spec(p);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *line = xasprintf("kernel %s: %s, %s; %s", k->label ? k->label : "?",
		guest_plan_engine(p), machine_type_name(spec->type), guest_plan_accel_why(p));
	_cleanup_free_ char *command = NULL;

	tell_once(r, line);
	for (size_t i = 0; i < guest_plan_notes(p)->n; i++)
		tell_once(r, guest_plan_notes(p)->v[i]);
	if (!r->o.verbose)
		return;
	if (k->origin)
		progress_note(r->progress, k->origin);
	if (guest_plan_describe(p, &argv, NULL) == 0) {
		command = strv_join(&argv, " ");
		progress_note(r->progress, command);
	}
}

static void tell_os_plan(void *arg, const struct suite_machine *m, const struct os_plan *p)
{
	struct run *r = arg;
	const struct machine_spec *spec = os_plan_spec(p);
	_cleanup_free_ char *line = xasprintf("machine %s: %s, %s, %s; %s",
		m->base ? m->base : m->name, os_plan_engine(p), machine_type_name(spec->type),
		machine_firmware_name(spec->os->firmware), os_plan_accel_why(p));
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *command = NULL;

	tell_once(r, line);
	if (!r->o.verbose || machine_describe(spec, &argv, NULL) < 0)
		return;
	command = strv_join(&argv, " ");
	progress_note(r->progress, command);
}

/* A signal that our parent told us to ignore (nohup) stays ignored. */
static bool ignored(int signo)
{
	struct sigaction sa;

	return sigaction(signo, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

void schedule_run(struct run *r)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct loop_signal *sources[ARRAY_SIZE(signals)] = { NULL };
	struct loop_timer *total = NULL;

	/* A write that fails must be an error, not our end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!ignored(signals[i]))
			sources[i] = loop_signal_add(r->loop, signals[i], on_signal, r);
	if (r->o.total_ms)
		total = loop_timer_add(r->loop, clock_ms() + r->o.total_ms, on_total_limit, r);
	r->keeps = r->o.keep_failed;
	prepare_all(r);
	rig_each_plan(r->rig, tell_plan, r);
	rig_each_os_plan(r->rig, tell_os_plan, r);
	turns(r);
	shared_release(r);
	pool_release(r);
	loop_timer_remove(total);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		loop_signal_remove(sources[i]);
}
