/* SPDX-License-Identifier: MIT */
/*
 * Guests that the clones of a run are copied from: one for each guest plan, made once a case has shown that the plan
 * has a template, and while enough cases wait that want a clone. Meanwhile these cases wait, for a copy costs a
 * fraction of what they would cost. It is thrown away when no case waits for it any more. Where there can be none,
 * each case starts a clone of its own.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "suite/case_env.h"
#include "suite/plan.h"
#include "suite/run.h"

#define WORTH    3 /* cases for which one is made: it costs as much as two clones */
#define TOTAL_MS 60000 /* to get ready, where the suite sets no shorter time for a boot */

/* Of what tests do, what costs most when it is done for the first time. Where it fails nothing is lost. */
static const char *const warm_up[][4] = { { "sh", "-c", "/bin/true", NULL }, { "true", NULL } };

enum pool_state { POOL_MAKING, POOL_READY, POOL_NONE };

struct pool_guest {
	const struct guest_plan *plan; /* borrowed from the rig */
	enum pool_state state;
	struct job *job; /* owned */
	struct job_command commands[1 + ARRAY_SIZE(warm_up)];
	struct strv env, template_env;
	uint64_t promised_mib; /* of the run's memory */
};

static struct guest_plan *plan_of(struct run *r, size_t index)
{
	const char *why;

	/* One that waited has a clock and draws behind it that the template had not. */
	if (r->plan.v[index].machine->has_system || r->plan.v[index].test->deterministic ||
		suite_isolate_of(&r->o, r->plan.v[index].test) != SUITE_ISOLATE_CLONE)
		return NULL;
	return rig_plan(r->rig, &r->plan.v[index], &why);
}

static struct pool_guest *find(struct run *r, const struct guest_plan *plan)
{
	for (size_t i = 0; plan && i < r->n_pool; i++)
		if (r->pool[i]->plan == plan)
			return r->pool[i];
	return NULL;
}

static size_t wanted(struct run *r, const struct guest_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < r->plan.n && n < WORTH; i++)
		n += r->state[i] == CASE_WAITING && plan_of(r, i) == plan;
	return n;
}

static void end(struct run *r, struct pool_guest *g)
{
	job_free(g->job);
	g->job = NULL;
	g->state = POOL_NONE;
	r->memory_used_mib -= g->promised_mib;
	g->promised_mib = 0;
}

static void on_nothing(void *arg)
{
}

static void on_done(void *arg, const struct job_report *report)
{
	struct pool_guest *g = arg;

	g->state = report->kept ? POOL_READY : POOL_NONE;
}

static size_t add_commands(struct run *r, struct pool_guest *g)
{
	size_t n = case_template_setup(r->s, &g->template_env, &g->commands[0]) ? 1 : 0;

	case_environment_base(r->s, NULL, &g->env);
	for (size_t i = 0; i < ARRAY_SIZE(warm_up); i++)
		g->commands[n++] = (struct job_command){
			.name = "warm-up",
			.argv = warm_up[i],
			.env = (const char *const *)g->env.v,
			.cwd = "/",
		};
	return n;
}

static void begin(struct run *r, struct guest_plan *plan, uint64_t promised_mib)
{
	const struct job_handlers h = { .ready = on_nothing, .done = on_done };
	struct pool_guest *g = xcalloc(1, sizeof(*g));
	struct job_handlers with_arg = h;
	struct job_spec spec = {
		.plan = plan,
		.isolate = ISOLATE_CLONE,
		.park = true,
		.boot_ms = r->s->boot_ms,
		.total_ms = TOTAL_MS,
		.console_fd = -1,
		.kmsg_fd = -1,
	};

	VEC_GROW(r->pool, r->n_pool, r->cap_pool);
	r->pool[r->n_pool++] = g;
	g->plan = plan;
	spec.n_commands = add_commands(r, g);
	spec.commands = g->commands;
	with_arg.arg = g;
	if (job_start(r->loop, &spec, &with_arg, &g->job, NULL) < 0) {
		g->state = POOL_NONE;
		return;
	}
	g->promised_mib = promised_mib;
	r->memory_used_mib += promised_mib;
}

void pool_case_over(struct run *r, size_t index, uint64_t promised_mib)
{
	struct guest_plan *plan = plan_of(r, index);

	if (r->o.no_pool || !plan || find(r, plan) || r->stop != STOP_NONE || !job_can_park(plan) ||
		wanted(r, plan) < WORTH || r->memory_used_mib + 2 * promised_mib > r->memory_mib)
		return;
	begin(r, plan, promised_mib);
}

bool pool_is_making(struct run *r, size_t index)
{
	const struct pool_guest *g = find(r, plan_of(r, index));

	return g && g->state == POOL_MAKING;
}

struct job *pool_guest(struct run *r, size_t index)
{
	const struct pool_guest *g = find(r, plan_of(r, index));

	return g && g->state == POOL_READY && job_parked(g->job) ? g->job : NULL;
}

void pool_tidy(struct run *r)
{
	for (size_t i = 0; i < r->n_pool; i++) {
		struct pool_guest *g = r->pool[i];

		if (g->job &&
			(g->state == POOL_NONE || (g->state == POOL_READY && !job_parked(g->job)) ||
				r->stop != STOP_NONE || !wanted(r, g->plan)))
			end(r, g);
	}
}

void pool_release(struct run *r)
{
	for (size_t i = 0; i < r->n_pool; i++) {
		job_free(r->pool[i]->job);
		strv_release(&r->pool[i]->env);
		strv_release(&r->pool[i]->template_env);
		free(r->pool[i]);
	}
	free(r->pool);
	r->pool = NULL;
	r->n_pool = r->cap_pool = 0;
}
