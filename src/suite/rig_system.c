/* SPDX-License-Identifier: MIT */
#include "suite/rig_system.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "suite/plan.h"
#include "suite/rig.h"

struct prepared {
	const struct suite_machine *machine; /* borrowed */
	uint32_t cpus, exit_port, serials;
	struct os_plan *plan; /* owned; NULL: it failed */
	char *why; /* owned */
	struct rig_saved saved;
};

struct rig_systems {
	const struct suite *s; /* borrowed */
	enum machine_accel accel;
	struct prepared **v; /* owned */
	size_t n, cap;
};

struct rig_systems *rig_systems_new(const struct suite *s, enum machine_accel accel)
{
	struct rig_systems *g = xcalloc(1, sizeof(*g));

	g->s = s;
	g->accel = accel;
	return g;
}

void rig_systems_free(struct rig_systems *g)
{
	for (size_t i = 0; i < g->n; i++) {
		os_saved_free(g->v[i]->saved.saved);
		free(g->v[i]->saved.why_not);
		free(g->v[i]->saved.failed_why);
		os_plan_free(g->v[i]->plan);
		free(g->v[i]->why);
		free(g->v[i]);
	}
	free(g->v);
	free(g);
}

/* As many as are spoken of, unless the machine says. */
static uint32_t serials(const struct plan_case *c)
{
	uint32_t highest = os_steps_serial(&c->test->steps);
	uint32_t first = os_steps_serial(&c->machine->system.prepare);

	if (first > highest)
		highest = first;
	if (c->test->grammar.serial > highest)
		highest = c->test->grammar.serial;
	return c->machine->system.serials > highest ? c->machine->system.serials : highest + 1;
}

static void prepare(struct rig_systems *g, struct prepared *p)
{
	const struct suite_machine *m = p->machine;
	const struct suite_system *s = &m->system;
	const char *arch = m->arch ? arch_parse(m->arch) : NULL;
	const struct os_wish w = {
		.arch = arch ? arch : m->arch,
		.engine = m->engine,
		.accel = g->accel != ACCEL_AUTO ? g->accel : m->accel,
		.type = m->type,
		.firmware = s->firmware,
		.cpu = s->cpu,
		.cpus = p->cpus,
		.memory_mib = m->memory_mib,
		.kernel = s->kernel,
		.initrd = s->initrd,
		.cmdline = m->cmdline,
		.dir = g->s->dir,
		.disks = s->disks,
		.n_disks = s->n_disks,
		.nics = s->nics,
		.n_nics = s->n_nics,
		.seed = &s->seed,
		.ssh = &s->ssh,
		.clones = s->prepare.n,
		.serials = p->serials,
		.exit_port = p->exit_port,
		.resets = s->resets,
		.extra = (const char *const *)m->qemu_args.v,
		.n_extra = m->qemu_args.n,
	};
	struct err e = ERR_INIT;

	if (os_prepare(&w, &p->plan, &e) < 0)
		p->why = rig_error_text(&e);
	err_release(&e);
}

static struct prepared *get(struct rig_systems *g, const struct plan_case *c)
{
	const struct prepared want = {
		.machine = c->machine,
		.cpus = plan_case_cpus(c),
		.exit_port = c->test->exit_port.port,
		.serials = serials(c),
	};
	struct prepared *p;

	for (size_t i = 0; i < g->n; i++) {
		p = g->v[i];
		if (p->machine == want.machine && p->cpus == want.cpus &&
			p->exit_port == want.exit_port && p->serials == want.serials)
			return p;
	}
	VEC_GROW(g->v, g->n, g->cap);
	p = g->v[g->n++] = xcalloc(1, sizeof(*p));
	*p = want;
	prepare(g, p);
	return p;
}

const struct os_plan *rig_systems_plan(
	struct rig_systems *g, const struct plan_case *c, const char **ret_why)
{
	const struct prepared *p = get(g, c);

	*ret_why = p->why;
	return p->plan;
}

struct rig_saved *rig_systems_saved(struct rig_systems *g, const struct plan_case *c)
{
	return &get(g, c)->saved;
}

void rig_systems_each(struct rig_systems *g,
	void (*fn)(void *arg, const struct suite_machine *m, const struct os_plan *p), void *arg)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i]->plan)
			fn(arg, g->v[i]->machine, g->v[i]->plan);
}
