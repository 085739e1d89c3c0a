/* SPDX-License-Identifier: MIT */
/* The plan: every test on every kernel and machine that it is meant for. */
#include "suite/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].id);
	free(p->v);
	*p = (struct plan){ 0 };
}

uint32_t plan_case_cpus(const struct plan_case *c)
{
	uint32_t cpus = c->machine->cpus ? c->machine->cpus : DEFAULT_CPUS;

	return c->test->needs_cpus > cpus ? c->test->needs_cpus : cpus;
}

uint32_t plan_case_memory_mib(const struct plan_case *c)
{
	return c->machine->memory_mib ? c->machine->memory_mib : DEFAULT_MEMORY_MIB;
}

/* ---- kernels from the command line ---- */

/* A path is meant from where the user stands, not from the suite's folder. */
static char *typed_spec(const char *spec)
{
	if (strchr(spec, '/') && !strstr(spec, "://") && file_exists(spec))
		return path_absolute(spec, NULL);
	return xstrdup(spec);
}

static const struct suite_kernel *find_kernel(
	const struct suite_kernel *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(v[i].name, name))
			return &v[i];
	return NULL;
}

/* A name from the suite means that kernel; anything else is a spec. The same one twice counts once. */
static void replace_kernels(struct suite *s, const struct selection *sel)
{
	struct suite_kernel *v = xcalloc(sel->n_kernels, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < sel->n_kernels; i++) {
		const char *typed = sel->kernels[i];
		const struct suite_kernel *known = find_kernel(s->kernels, s->n_kernels, typed);

		if (find_kernel(v, n, typed))
			continue;
		v[n].name = xstrdup(typed);
		v[n].spec = known ? xstrdup(known->spec) : typed_spec(typed);
		n++;
	}
	for (size_t i = 0; i < s->n_kernels; i++) {
		free(s->kernels[i].name);
		free(s->kernels[i].spec);
	}
	free(s->kernels);
	s->kernels = v;
	s->n_kernels = n;
}

/* ---- the product ---- */

static bool allowed(const struct strv *names, const char *name)
{
	return !names->n || strv_has(names, name);
}

bool plan_is_machine(const struct suite_machine *m, const char *name)
{
	return streq(m->name, name) || (m->base && streq(m->base, name));
}

bool plan_fits(const struct suite_test *t, const struct suite_machine *m)
{
	bool meant = !t->machines.n;

	for (size_t i = 0; i < t->machines.n && !meant; i++)
		meant = plan_is_machine(m, t->machines.v[i]);
	return meant && m->has_system == suite_test_has_no_command(t);
}

/* Only what varies in the suite stands in an id, so that ids stay short and stable. */
static char *make_id(const struct suite *s, const struct plan_case *c)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, c->test->name);
	if (s->n_kernels > 1 && c->kernel)
		buf_addf(&b, "@%s", c->kernel->name);
	if (s->n_machines > 1)
		buf_addf(&b, "@%s", c->machine->name);
	return buf_detach(&b);
}

static void add_case(struct plan *p, const struct suite *s, const struct suite_test *t,
	const struct suite_kernel *k, const struct suite_machine *m)
{
	struct plan_case c = { .test = t, .kernel = k, .machine = m };

	if (!plan_fits(t, m) || (k && !allowed(&t->kernels, k->name)))
		return;
	c.id = make_id(s, &c);
	VEC_GROW(p->v, p->n, p->cap);
	p->v[p->n++] = c;
}

static int by_id(const void *a, const void *b)
{
	const struct plan_case *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* Names may hold '@', so two cases could still meet in one id. */
static int check_ids(const struct plan *p, struct err *e)
{
	_cleanup_free_ const struct plan_case **sorted = xcalloc(p->n + 1, sizeof(*sorted));

	for (size_t i = 0; i < p->n; i++)
		sorted[i] = &p->v[i];
	qsort(sorted, p->n, sizeof(*sorted), by_id);
	for (size_t i = 1; i < p->n; i++)
		if (streq(sorted[i]->id, sorted[i - 1]->id))
			return err_set(e, -EINVAL,
				"two cases are called '%s' (tests '%s' and '%s'): rename one",
				sorted[i]->id, sorted[i - 1]->test->name, sorted[i]->test->name);
	return 0;
}

#define CASES_MAX 100000

int plan_make(struct suite *s, const struct selection *sel, struct plan *ret, struct err *e)
{
	struct plan p = { 0 };
	int r;

	if (sel && sel->n_kernels)
		replace_kernels(s, sel);
	if (s->n_tests > CASES_MAX / s->n_kernels / s->n_machines)
		return err_set(e, -E2BIG,
			"%zu tests on %zu kernels and %zu machines are more than %d cases",
			s->n_tests, s->n_kernels, s->n_machines, CASES_MAX);
	for (size_t k = 0; k < s->n_kernels; k++)
		for (size_t m = 0; m < s->n_machines; m++)
			for (size_t t = 0; t < s->n_tests; t++)
				if (!s->machines[m].has_system)
					add_case(&p, s, &s->tests[t], &s->kernels[k],
						&s->machines[m]);
	for (size_t m = 0; m < s->n_machines; m++)
		for (size_t t = 0; t < s->n_tests; t++)
			if (s->machines[m].has_system)
				add_case(&p, s, &s->tests[t], NULL, &s->machines[m]);
	r = check_ids(&p, e);
	if (r >= 0 && sel)
		r = plan_select(&p, sel, e);
	if (r >= 0 && !p.n)
		r = err_set(e, -ENOENT, "nothing is left to run of the %zu tests", s->n_tests);
	if (r < 0)
		plan_release(&p);
	else
		*ret = p;
	return r;
}
