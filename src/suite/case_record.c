/* SPDX-License-Identifier: MIT */
#include "suite/case_record.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "suite/case.h"
#include "suite/case_env.h"
#include "suite/plan.h"

void case_describe(const struct case_context *x, const struct plan_case *c, struct record *rec)
{
	str_replace(&rec->id, c->id);
	str_replace(&rec->test, c->test->name);
	str_replace(&rec->kernel, c->kernel ? c->kernel->name : NULL);
	str_replace(&rec->machine, c->machine->name);
	str_replace(&rec->suite, x->s->name);
	str_replace(&rec->expected, expect_name(c->test->expect));
	free(rec->rerun);
	rec->rerun = case_rerun(x->o, c->id);
	rec->cpus = plan_case_cpus(c);
	rec->memory_mib = plan_case_memory_mib(c);
	strv_release(&rec->tags);
	strv_copy(&rec->tags, &c->test->tags);
}

static void add_spec(struct record *rec, const struct machine_spec *spec)
{
	str_replace(&rec->accel, machine_accel_name(spec->accel));
	str_replace(&rec->machine_type, machine_type_name(spec->type));
	rec->cpus = spec->cpus;
	rec->memory_mib = spec->memory_mib;
}

void record_add_plan(struct record *rec, const struct guest_plan *plan)
{
	str_replace(&rec->engine, guest_plan_engine(plan));
	str_replace(&rec->accel_why, guest_plan_accel_why(plan));
	add_spec(rec, guest_plan_spec(plan));
}

void record_add_os_plan(struct record *rec, const struct os_plan *plan)
{
	str_replace(&rec->engine, os_plan_engine(plan));
	str_replace(&rec->accel_why, os_plan_accel_why(plan));
	add_spec(rec, os_plan_spec(plan));
}

void record_add_steps(struct record *rec, const struct job_report *r, int64_t before_us)
{
	if (before_us)
		record_add_step(rec, "asked", before_us);
	for (size_t i = 0; i < GUEST_STEPS; i++)
		if (r->steps_us[i] >= 0)
			record_add_step(rec, guest_step_name(i), before_us + r->steps_us[i]);
}

void record_add_report(struct record *rec, const struct job_report *r, size_t test)
{
	rec->boot_ms = r->boot_ms;
	record_add_steps(rec, r, 0);
	rec->engine_cpu_ms = r->engine_cpu_us / 1000;
	rec->engine_maxrss_kib = r->engine_maxrss_kib;
	str_replace(&rec->isolate, guest_isolate_name(r->isolate));
	str_replace(&rec->isolate_why, r->isolate_why);
	rec->deterministic = r->deterministic;
	str_replace(&rec->release, r->release);
	if (test < r->n_exits && r->exits[test].ended) {
		rec->test_ms = r->exits[test].wall_us / 1000;
		rec->leftover = r->exits[test].leftover;
	}
	for (size_t i = 0; i < r->artifacts.n; i++)
		strv_addf(&rec->artifacts, "artifacts/%s", r->artifacts.v[i]);
	for (size_t i = 0; i < r->trouble.n; i++)
		strv_addf(&rec->problems, "agent: %s", r->trouble.v[i]);
}

void record_add_os_report(struct record *rec, const struct os_report *r)
{
	rec->boot_ms = r->boot_ms;
	rec->test_ms = r->total_ms;
	rec->engine_cpu_ms = r->engine_cpu_us / 1000;
	rec->engine_maxrss_kib = r->engine_maxrss_kib;
	str_replace(&rec->ended_by, os_rung_name(r->rung));
	strv_addv(&rec->artifacts, &r->artifacts);
	strv_addv(&rec->problems, &r->trouble);
}

void record_add_snapshot(struct record *rec, const struct case_context *x, const char *id,
	const struct job_report *r)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	if (!r->snapshot)
		return;
	strv_add(&v, x->o->program ? x->o->program : "vmrig");
	strv_add(&v, "shell");
	strv_add(&v, "--output");
	strv_add(&v, x->run_shown);
	strv_add(&v, "--at");
	strv_add(&v, id);
	free(rec->resume);
	rec->resume = strv_shell(&v);
}

void record_decode(struct record *rec, struct symbols *symbols)
{
	for (size_t i = 0; symbols && i < rec->n_splats; i++) {
		struct record_splat *s = &rec->splats[i];
		struct buf b = BUF_INIT;

		symbols_decode(symbols, s->text, &b);
		free(s->text);
		s->text = buf_detach(&b);
	}
}
