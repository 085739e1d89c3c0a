/* SPDX-License-Identifier: MIT */
/* A run of a suite: plan, folder, schedule, reports, exit code. */
#include "suite/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/clock.h"
#include "base/text.h"

#define EXIT_USAGE 2

/* ---- what is to be done ---- */

static void add_all(struct strv *into, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strv_add(into, v[i]);
}

static void describe(struct run *r)
{
	const struct selection *sel = r->o.selection;
	struct run_info *i = &r->info;
	struct buf now = BUF_INIT;

	i->suite_path = xstrdup(r->s->path);
	i->suite_arg = xstrdup(r->o.suite_arg);
	i->suite_name = xstrdup(r->s->name);
	i->accel = xstrdup(machine_accel_name(r->o.accel));
	i->arch = xstrdup(r->o.arch);
	if (sel) {
		add_all(&i->filters, sel->filters, sel->n_filters);
		add_all(&i->tags, sel->tags, sel->n_tags);
		add_all(&i->kernels, sel->kernels, sel->n_kernels);
	}
	for (size_t k = 0; k < r->plan.n; k++)
		strv_add(&i->plan, r->plan.v[k].id);
	time_format(&now, clock_wall_ns());
	i->started = buf_detach(&now);
}

static int begin(struct run *r, struct err *e)
{
	int ret = plan_make(r->s, r->o.selection, &r->plan, e);

	if (ret < 0)
		return EXIT_USAGE;
	describe(r);
	if (run_dir_make(r->o.output, &r->dir, e) < 0)
		return e->code == -EEXIST ? EXIT_USAGE : EXIT_INFRA;
	return 0;
}

/* ---- going on with an earlier run ---- */

static int same_plan(const struct run *r, struct err *e)
{
	const struct strv *was = &r->info.plan;

	for (size_t i = 0; i < r->plan.n && i < was->n; i++)
		if (!streq(r->plan.v[i].id, was->v[i]))
			return err_set(e, -ESTALE,
				"cannot go on with %s: the suite file changed (it plans '%s' where the run had '%s')",
				r->o.resume, r->plan.v[i].id, was->v[i]);
	if (r->plan.n != was->n)
		return err_set(e, -ESTALE,
			"cannot go on with %s: the suite file changed (it plans %zu cases, the run had %zu)",
			r->o.resume, r->plan.n, was->n);
	return 0;
}

/* The selection is the earlier run's; so is the accelerator, unless another is asked for now. */
static void restore_options(struct run *r)
{
	r->selection = (struct selection){
		.filters = (const char *const *)r->info.filters.v,
		.n_filters = r->info.filters.n,
		.tags = (const char *const *)r->info.tags.v,
		.n_tags = r->info.tags.n,
		.kernels = (const char *const *)r->info.kernels.v,
		.n_kernels = r->info.kernels.n,
	};
	r->o.selection = &r->selection;
	if (!r->o.suite_arg)
		r->o.suite_arg = r->info.suite_arg;
	if (r->o.accel == ACCEL_AUTO && r->info.accel)
		machine_accel_parse(r->info.accel, &r->o.accel, NULL);
	if (!r->o.arch && r->info.arch)
		r->o.arch = arch_parse(r->info.arch);
}

/* The last record of a case counts; one without a verdict is as good as none. */
static void keep_records(struct run *r, struct records *old)
{
	for (size_t i = 0; i < r->plan.n; i++) {
		for (size_t k = old->n; k-- > 0;) {
			if (!old->v[k].id || !streq(old->v[k].id, r->plan.v[i].id))
				continue;
			if (old->v[k].verdict == VERDICT_NONE)
				break;
			r->state[i] = CASE_RECORDED;
			VEC_GROW(r->records.v, r->records.n, r->records.cap);
			r->records.v[r->records.n++] = old->v[k];
			old->v[k] = (struct record)RECORD_INIT;
			break;
		}
	}
}

static int load_records(struct run *r, struct err *e)
{
	_cleanup_free_ char *path = xasprintf("%s/results.jsonl", r->dir.path);
	struct records old = { 0 };
	int ret = records_load(path, &old, e);

	if (ret >= 0)
		keep_records(r, &old);
	records_release(&old);
	return ret;
}

static int go_on(struct run *r, struct err *e)
{
	if (run_info_read(r->o.resume, &r->info, e) < 0)
		return EXIT_USAGE;
	restore_options(r);
	str_replace(&r->info.suite_name, r->s->name);
	if (plan_make(r->s, r->o.selection, &r->plan, e) < 0 || same_plan(r, e) < 0)
		return EXIT_USAGE;
	r->state = xcalloc(r->plan.n, sizeof(*r->state));
	if (run_dir_open(r->o.resume, &r->dir, e) < 0)
		return EXIT_INFRA;
	return load_records(r, e) < 0 ? EXIT_INFRA : 0;
}

/* ---- the run ---- */

static size_t count_failed(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->records.n; i++)
		n += !r->records.v[i].ok;
	return n;
}

static void set_up(struct run *r)
{
	size_t waiting = r->plan.n - r->records.n;

	if (!r->state)
		r->state = xcalloc(r->plan.n, sizeof(*r->state));
	run_dir_case_names(&r->plan, &r->names);
	r->jobs = r->o.jobs ? r->o.jobs : host_cpus();
	if (r->jobs > waiting)
		r->jobs = waiting ? waiting : 1;
	r->memory_mib = host_memory_available_mib();
	r->running = xcalloc(r->jobs, sizeof(struct case_run *));
	r->over = xcalloc(r->jobs, sizeof(struct case_run *));
	r->loop = loop_new();
	r->rig = rig_new(r->s, r->o.accel, r->o.arch);
	if (r->o.keep_failed)
		rig_set_savable(r->rig);
	if (r->o.without_kvm)
		rig_set_without_kvm(r->rig);
	r->progress = progress_new(STDERR_FILENO, progress_mode_for(STDERR_FILENO),
		progress_color_for(STDERR_FILENO), r->plan.n, r->records.n, count_failed(r),
		(unsigned)r->jobs);
	r->context = (struct case_context){
		.loop = r->loop,
		.s = r->s,
		.o = &r->o,
		.rig = r->rig,
		.run_path = r->dir.path,
		.run_shown = r->dir.shown,
		.keeps = &r->keeps,
	};
}

static int exit_code(const struct run *r)
{
	struct counts n;

	if (r->stop == STOP_FATAL)
		return EXIT_INFRA;
	if (r->signo)
		return 128 + r->signo;
	records_count(&r->records, &n);
	if (n.infra)
		return EXIT_INFRA;
	return n.ok == r->plan.n ? 0 : 1;
}

static int run_and_report(struct run *r, struct err *e)
{
	struct err report = ERR_INIT;
	struct buf now = BUF_INIT;
	int code;

	if (run_info_write(&r->dir, &r->info, e) < 0)
		return EXIT_INFRA;
	set_up(r);
	schedule_run(r);
	progress_free(r->progress);
	r->progress = NULL;
	code = exit_code(r);
	if (run_report(r, &report) < 0 && r->stop != STOP_FATAL) {
		run_fatal(r, &report);
		code = EXIT_INFRA;
	}
	time_format(&now, clock_wall_ns());
	free(r->info.ended);
	r->info.ended = buf_detach(&now);
	r->info.complete = run_complete(r);
	r->info.exit_code = code;
	if (run_info_write(&r->dir, &r->info, &report) < 0 && r->stop != STOP_FATAL) {
		run_fatal(r, &report);
		code = EXIT_INFRA;
	}
	err_release(&report);
	if (r->stop == STOP_FATAL)
		err_move(e, &r->fatal);
	return code;
}

static void release(struct run *r)
{
	progress_free(r->progress);
	rig_free(r->rig);
	if (r->loop)
		loop_free(r->loop);
	free(r->running);
	free(r->over);
	free(r->state);
	records_release(&r->records);
	strv_release(&r->names);
	strv_release(&r->told);
	plan_release(&r->plan);
	run_dir_release(&r->dir);
	run_info_release(&r->info);
	err_release(&r->fatal);
}

int suite_run(struct suite *s, const struct run_options *o, struct err *e)
{
	struct run r = { .s = s, .o = *o, .dir = RUN_DIR_INIT, .started_ms = clock_ms() };
	int code = o->resume ? go_on(&r, e) : begin(&r, e);

	if (!code)
		code = run_and_report(&r, e);
	release(&r);
	return code;
}
