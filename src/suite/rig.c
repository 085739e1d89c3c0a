/* SPDX-License-Identifier: MIT */
#include "suite/rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/plan.h"
#include "suite/rig_files.h"
#include "suite/rig_kernel.h"
#include "suite/rig_system.h"
#include "variant/variant.h"

/* A guest plan, or why there is none. */
struct prepared {
	const struct rig_kernel *kernel; /* borrowed */
	const struct suite_machine *machine; /* borrowed */
	uint32_t cpus;
	const struct strv *rw; /* borrowed */
	bool deterministic;
	const struct suite_test
		*unfit; /* borrowed: a test that cannot run there; NULL: one of the others */
	struct guest_plan *plan; /* owned; NULL: it failed */
	char *why; /* owned */
};

struct rig {
	const struct suite *s;
	enum machine_accel accel;
	bool savable, without_kvm;
	const char *arch; /* borrowed; NULL: the machines' own */
	struct rig_kernel **kernels; /* owned; one for each different spec and architecture */
	size_t n_kernels, cap_kernels;
	struct prepared *plans; /* owned */
	size_t n_plans, cap_plans;
	struct rig_systems *systems; /* owned */
};

struct rig *rig_new(const struct suite *s, enum machine_accel accel, const char *arch)
{
	struct rig *g = xcalloc(1, sizeof(*g));

	g->s = s;
	g->accel = accel;
	g->arch = arch;
	g->systems = rig_systems_new(s, accel);
	return g;
}

void rig_set_savable(struct rig *g)
{
	g->savable = true;
}

void rig_set_without_kvm(struct rig *g)
{
	g->without_kvm = true;
}

void rig_free(struct rig *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_plans; i++) {
		guest_plan_unref(g->plans[i].plan);
		free(g->plans[i].why);
	}
	for (size_t i = 0; i < g->n_kernels; i++)
		rig_kernel_free(g->kernels[i]);
	rig_systems_free(g->systems);
	free(g->plans);
	free(g->kernels);
	free(g);
}

/* ---- kernels ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* The default kernel is that of where the user stands; a path in the file is the file's, and its variants stand in
 * it, whatever it is called. */
static const char *kernel_cwd(const struct suite *s, const char *spec)
{
	if (!spec)
		return NULL;
	return str_starts(spec, VARIANT_PREFIX) ? s->path : s->dir;
}

static struct rig_kernel *get_kernel(struct rig *g, const struct plan_case *c)
{
	const struct suite_kernel *k = c->kernel;
	const char *arch = g->arch ? g->arch : c->machine->arch;

	arch = arch ? arch_parse(arch) : NULL;
	for (size_t i = 0; i < g->n_kernels; i++)
		if (same_text(g->kernels[i]->spec, k->spec) && same_text(g->kernels[i]->arch, arch))
			return g->kernels[i];
	VEC_GROW(g->kernels, g->n_kernels, g->cap_kernels);
	g->kernels[g->n_kernels] = rig_kernel_new(k->spec, arch, kernel_cwd(g->s, k->spec));
	return g->kernels[g->n_kernels++];
}

const struct kernel *rig_kernel(struct rig *g, const struct plan_case *c, const char **ret_why)
{
	const struct rig_kernel *rk = get_kernel(g, c);

	if (ret_why)
		*ret_why = rk->why;
	return rk->why ? NULL : &rk->kernel;
}

struct symbols *rig_symbols(struct rig *g, const struct plan_case *c)
{
	struct rig_kernel *rk = get_kernel(g, c);

	if (rk->why)
		return NULL;
	if (!rk->symbols)
		rk->symbols = symbols_new(rk->kernel.vmlinux, rk->kernel.system_map);
	return rk->symbols;
}

/* ---- what a test needs ---- */

/* What an optional machine lacks here. */
static char *no_accel(struct rig *g, const struct plan_case *c)
{
	enum machine_accel accel = g->accel != ACCEL_AUTO ? g->accel : c->machine->accel;
	const char *arch = c->machine->arch;
	struct err e = ERR_INIT;
	char ignored[240], *why = NULL;

	if (!c->machine->optional)
		return NULL;
	arch = arch ? arch_parse(arch) : NULL; /* i386 is none of those: every PC runs it */
	if (!arch)
		arch = arch_host();
	if (machine_pick_accel(accel, arch, &accel, ignored, &e) < 0)
		why = xstrdup(err_text(&e));
	err_release(&e);
	return why;
}

char *rig_skip_reason(struct rig *g, const struct plan_case *c)
{
	char *why = rig_missing_file(g->s, c->test);
	struct rig_kernel *rk;
	const char *lacking;

	if (!why)
		why = no_accel(g, c);
	if (why || !c->test->needs_config.n || !c->kernel)
		return why;
	rk = get_kernel(g, c);
	lacking = rig_kernel_lacks(rk, &c->test->needs_config);
	if (!lacking)
		return NULL;
	return xasprintf("needs %s, which kernel %s lacks", lacking, rk->kernel.label);
}

/* ---- guest plans ---- */

static bool same_strv(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!streq(a->v[i], b->v[i]))
			return false;
	return true;
}

/* This machine's files are no use to a guest of another architecture. */
static bool is_rootless(const struct rig *g, const char *arch)
{
	return g->s->root ? streq(g->s->root, "none") : !streq(arch, arch_host());
}

static void prepare(struct rig *g, struct prepared *p)
{
	_cleanup_free_ struct guest_share *shares = xcalloc(p->rw->n + 1, sizeof(*shares));
	_cleanup_strv_ struct strv programs = STRV_INIT, puts = STRV_INIT;
	const char *arch = p->kernel->kernel.arch;
	const struct suite_machine *m = p->machine;
	struct guest_wish w = {
		.engine = m->engine,
		.accel = g->accel != ACCEL_AUTO ? g->accel : m->accel,
		.type = m->type,
		.cpus = p->cpus,
		.memory_mib = m->memory_mib,
		.root = g->s->root,
		.deterministic = p->deterministic,
		.savable = g->savable,
		.without_kvm = g->without_kvm,
		.shares = shares,
		.n_shares = p->rw->n,
		.cmdline = m->cmdline,
		.extra = (const char *const *)m->qemu_args.v,
		.n_extra = m->qemu_args.n,
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < p->rw->n; i++)
		shares[i] = (struct guest_share){ p->rw->v[i], p->rw->v[i], true };
	if (is_rootless(g, arch)) {
		rig_gather(g->s, m, arch, &programs, &puts);
		w.cwd = w.root ? NULL : g->s->dir;
		w.programs = (const char *const *)programs.v;
		w.n_programs = programs.n;
		w.puts = (const char *const *)puts.v;
		w.n_puts = puts.n;
	}
	if (guest_prepare(&p->kernel->kernel, &w, &p->plan, &e) < 0)
		p->why = rig_error_text(&e);
	err_release(&e);
}

static struct prepared *get_plan(struct rig *g, const struct plan_case *c)
{
	struct rig_kernel *rk = get_kernel(g, c);
	_cleanup_free_ char *why = NULL;
	struct prepared *p;

	if (!rk->why && is_rootless(g, rk->kernel.arch))
		why = rig_unfit(g->s, c->test, rk->kernel.arch);
	for (size_t i = 0; i < g->n_plans; i++) {
		p = &g->plans[i];
		if (p->kernel == rk && p->machine == c->machine && p->cpus == plan_case_cpus(c) &&
			same_strv(p->rw, &c->test->rw) &&
			p->deterministic == c->test->deterministic &&
			p->unfit == (why ? c->test : NULL))
			return p;
	}
	VEC_GROW(g->plans, g->n_plans, g->cap_plans);
	p = &g->plans[g->n_plans++];
	*p = (struct prepared){
		.kernel = rk,
		.machine = c->machine,
		.cpus = plan_case_cpus(c),
		.rw = &c->test->rw,
		.deterministic = c->test->deterministic,
		.unfit = why ? c->test : NULL,
	};
	if (rk->why || why)
		p->why = rk->why ? xstrdup(rk->why) : TAKE_PTR(why);
	else
		prepare(g, p);
	return p;
}

struct guest_plan *rig_plan(struct rig *g, const struct plan_case *c, const char **ret_why)
{
	const struct prepared *p = get_plan(g, c);

	*ret_why = p->why;
	return p->plan;
}

void rig_each_plan(struct rig *g, void (*fn)(void *arg, const struct guest_plan *p), void *arg)
{
	for (size_t i = 0; i < g->n_plans; i++)
		if (g->plans[i].plan)
			fn(arg, g->plans[i].plan);
}

const struct os_plan *rig_os_plan(struct rig *g, const struct plan_case *c, const char **ret_why)
{
	return rig_systems_plan(g->systems, c, ret_why);
}

struct rig_saved *rig_os_saved(struct rig *g, const struct plan_case *c)
{
	return rig_systems_saved(g->systems, c);
}

void rig_each_os_plan(struct rig *g,
	void (*fn)(void *arg, const struct suite_machine *m, const struct os_plan *p), void *arg)
{
	rig_systems_each(g->systems, fn, arg);
}
