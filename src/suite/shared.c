/* SPDX-License-Identifier: MIT */
/*
 * Guests that several cases share, one after the other. For each guest plan there is one at a time: in the hands
 * of a case, or waiting for the next. It is kept only while a case waits that could use it, so that the last
 * one ends it in order.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "suite/run.h"

struct shared_guest {
	const struct guest_plan *plan; /* borrowed from the rig */
	struct job *job; /* owned; NULL: in the hands of a case, or none */
	bool busy;
};

static bool is_shared(const struct run *r, size_t index)
{
	return r->plan.v[index].kernel &&
	       suite_isolate_of(&r->o, r->plan.v[index].test) == SUITE_ISOLATE_SHARED;
}

static struct guest_plan *plan_of(struct run *r, size_t index)
{
	const char *why;

	return is_shared(r, index) ? rig_plan(r->rig, &r->plan.v[index], &why) : NULL;
}

static struct shared_guest *find(struct run *r, const struct guest_plan *plan)
{
	for (size_t i = 0; i < r->n_shared; i++)
		if (r->shared[i].plan == plan)
			return &r->shared[i];
	return NULL;
}

bool shared_is_busy(struct run *r, size_t index)
{
	const struct guest_plan *plan = plan_of(r, index);
	const struct shared_guest *g = plan ? find(r, plan) : NULL;

	return g && g->busy;
}

/* Whether another case waits for the same guest. */
static bool wanted(struct run *r, const struct guest_plan *plan, size_t index)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (i != index && r->state[i] == CASE_WAITING && plan_of(r, i) == plan)
			return true;
	return false;
}

void shared_begin(struct run *r, size_t index, struct case_guest *guest)
{
	struct shared_guest *g;

	if (!is_shared(r, index))
		return;
	g = find(r, guest->plan);
	if (!g) {
		VEC_GROW(r->shared, r->n_shared, r->cap_shared);
		g = &r->shared[r->n_shared++];
		*g = (struct shared_guest){ .plan = guest->plan };
	}
	if (g->job && !job_usable(g->job)) {
		job_free(g->job);
		g->job = NULL;
	}
	g->busy = true;
	guest->job = TAKE_PTR(g->job);
	guest->keep = wanted(r, guest->plan, index);
}

void shared_end(struct run *r, size_t index, struct job *job)
{
	const struct guest_plan *plan = plan_of(r, index);
	struct shared_guest *g = plan ? find(r, plan) : NULL;

	if (!g) {
		job_free(job);
		return;
	}
	g->busy = false;
	g->job = job;
}

void shared_release(struct run *r)
{
	for (size_t i = 0; i < r->n_shared; i++)
		job_free(r->shared[i].job);
	free(r->shared);
	r->shared = NULL;
	r->n_shared = r->cap_shared = 0;
}
