/* SPDX-License-Identifier: MIT */
/*
 * Machines with a system of their own that are prepared once: the first case of several that need the same one boots
 * and prepares it, it is saved, and they go on from there, each with copies of its own. Meanwhile the others wait. Where
 * it could not be prepared none of them runs; where it cannot be saved each is booted and prepared by itself.
 */
#include "suite/run.h"

static bool wants_clone(const struct run *r, size_t index)
{
	const struct plan_case *c = &r->plan.v[index];

	return c->machine->has_system && c->machine->system.prepare.n &&
	       suite_isolate_of(&r->o, c->test) != SUITE_ISOLATE_BOOT;
}

static struct rig_saved *saved_of(struct run *r, size_t index)
{
	return wants_clone(r, index) ? rig_os_saved(r->rig, &r->plan.v[index]) : NULL;
}

static bool wanted(struct run *r, const struct rig_saved *s, size_t index)
{
	for (size_t i = 0; i < r->plan.n; i++)
		if (i != index && r->state[i] == CASE_WAITING && saved_of(r, i) == s)
			return true;
	return false;
}

bool prepared_is_making(struct run *r, size_t index)
{
	const struct rig_saved *s = saved_of(r, index);

	return s && s->making;
}

/* Nothing is said to be ready where nothing prepares it; who asks for a clone by name is told. */
static const char *nothing_prepares(const struct run *r, size_t index)
{
	const struct plan_case *c = &r->plan.v[index];
	enum suite_isolate asked =
		r->o.isolate != SUITE_ISOLATE_AUTO ? r->o.isolate : c->test->isolate;

	if (asked == SUITE_ISOLATE_AUTO || asked == SUITE_ISOLATE_BOOT || !c->machine->has_system ||
		c->machine->system.prepare.n)
		return NULL;
	return "a machine with a system of its own is cloned where its 'prepare' says when it is ready";
}

void prepared_begin(struct run *r, size_t index, struct case_guest *guest)
{
	struct rig_saved *s = saved_of(r, index);

	guest->isolate_why = s ? s->why_not : nothing_prepares(r, index);
	if (s && (s->saved || (!s->why_not && wanted(r, s, index))))
		guest->saved = s;
}

void prepared_tidy(struct run *r, size_t index)
{
	struct rig_saved *s = saved_of(r, index);

	if (!s || !s->saved || wanted(r, s, index))
		return;
	os_saved_free(s->saved);
	s->saved = NULL;
}

enum verdict prepared_failed(struct run *r, size_t index, const char **ret_why)
{
	const struct rig_saved *s = saved_of(r, index);

	*ret_why = s ? s->failed_why : NULL;
	return s ? s->failed : VERDICT_NONE;
}
