/* SPDX-License-Identifier: MIT */
/* From a suite to its units: which kernels there are for which architectures, how each is got, and what is tested on it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "pipeline/private.h"
#include "proof/proof.h"
#include "variant/variant.h"

#define PACKAGE_PREFIX "debian:"
#define SOURCE_PREFIX  "debian:linux-"
#define DEFAULT_KERNEL PACKAGE_PREFIX "6.1"
#define RUNNERS        "x86_64" /* what vmrig runs on */
#define BENCH_TAG      "bench"
#define UNLIMITED_MS   (60 * 60 * 1000)

struct maker {
	const struct pipeline_options *o;
	struct units *u;
	struct suite *s;
	struct variants variants;
	struct features features;
	struct plan plan;
	struct strv *notes;
};

void units_release(struct units *u)
{
	for (size_t i = 0; i < u->n; i++) {
		struct unit *x = &u->v[i];

		free(x->name);
		free(x->kernel);
		free(x->spec);
		free(x->command);
		strv_release(&x->files);
		strv_release(&x->args);
	}
	free(u->v);
	free(u->name);
	free(u->dir);
	strv_release(&u->files);
	*u = (struct units){ 0 };
}

/* ---- which kernels ---- */

/* The suite's, those of the command line in their place, its variants where it names none, or Debian's. */
static void choose_kernels(const struct maker *m, struct strv *ret)
{
	if (m->o->kernels->n) {
		strv_addv(ret, m->o->kernels);
		return;
	}
	if (m->s->kernels[0].spec)
		return;
	for (size_t i = 0; i < m->variants.n; i++)
		strv_add(ret, m->variants.v[i].label);
	if (!ret->n)
		strv_add(ret, DEFAULT_KERNEL);
}

static const char *spec_arch(const struct maker *m, const char *spec)
{
	const char *colon = str_starts(spec, PACKAGE_PREFIX)
				    ? strchr(spec + strlen(PACKAGE_PREFIX), ':')
				    : NULL;
	const char *arch = colon ? arch_parse(colon + 1) : NULL;

	for (size_t i = 0; i < m->variants.n; i++)
		if (streq(m->variants.v[i].label, spec))
			arch = arch_parse(m->variants.v[i].arch);
	return arch ? arch : RUNNERS;
}

static const char *case_arch(const struct maker *m, const struct plan_case *c)
{
	const char *told = c->machine->arch;

	return told && arch_parse(told) ? arch_parse(told)
	       : c->kernel              ? spec_arch(m, c->kernel->spec)
					: RUNNERS;
}

static bool is_of(const struct maker *m, const struct plan_case *c, const struct unit *x)
{
	if (!c->kernel || !x->kernel)
		return !c->kernel && !x->kernel;
	return streq(c->kernel->name, x->kernel) && streq(case_arch(m, c), x->arch);
}

/* ---- how one is got ---- */

/* Whether what a variant is built of is a tree of the repository. */
static bool is_tree(const struct maker *m, const char *label)
{
	for (size_t i = 0; i < m->variants.n; i++) {
		_cleanup_free_ char *path = path_absolute(m->variants.v[i].source, m->variants.dir);

		if (streq(m->variants.v[i].label, label) && dir_exists(path))
			return true;
	}
	return false;
}

/* Not by what only this machine has. */
static int how_to_get(struct maker *m, struct unit *x, struct err *e)
{
	const char *spec = x->spec;
	bool source = str_starts(spec, SOURCE_PREFIX);

	if (source_is_release(spec) && strstr(spec, ".."))
		return err_set(e, -EINVAL,
			"kernel %s stands for several, and a job is for one: name each of them",
			spec);
	if (str_starts(spec, PACKAGE_PREFIX) && !source)
		x->how = "fetch";
	else if (source || str_starts(spec, VARIANT_PREFIX) || str_starts(spec, "git+") ||
		 strstr(spec, "://") || source_is_release(spec))
		x->how = "build";
	else {
		err_set(e, -EINVAL, "kernel %s is one of this machine, which a runner cannot get",
			spec);
		return err_hint(e,
			"Name a package (debian:6.1), a release, a URL or a variant; a source tree of the repository can "
			"be a variant's source.");
	}
	m->u->tree |= is_tree(m, spec);
	return 0;
}

/* ---- machines with systems of their own ---- */

/* Of the suite's folder; one without a dot or a slash is an image of the cache, by its name. */
static int add_file(const struct maker *m, const char *machine, const char *name, struct strv *ret,
	struct err *e)
{
	_cleanup_free_ char *path = name ? path_absolute(name, m->s->dir) : NULL;
	const char *inner = path ? path + strlen(m->s->dir) + 1 : NULL;

	if (!path)
		return 0;
	if (!strpbrk(name, "./") || !path_below(path, m->s->dir)) {
		err_set(e, -EINVAL, "machine %s boots %s, which is of this machine alone", machine,
			name);
		return err_hint(e,
			"Name a file in the suite's folder, and let --prepare COMMAND make or fetch it there.");
	}
	if (!strv_has(ret, inner))
		strv_add(ret, inner);
	return 0;
}

static int system_files(const struct maker *m, struct strv *ret, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < m->s->n_machines && r == 0; i++) {
		const struct suite_machine *y = &m->s->machines[i];

		if (!y->has_system)
			continue;
		r = add_file(m, y->name, y->system.kernel, ret, e);
		if (r == 0)
			r = add_file(m, y->name, y->system.initrd, ret, e);
		for (size_t k = 0; k < y->system.n_disks && r == 0; k++)
			r = add_file(m, y->name, y->system.disks[k].image, ret, e);
	}
	return r;
}

static int get_systems(struct maker *m, struct unit *x, struct err *e)
{
	_cleanup_free_ char *names = NULL;
	int r = system_files(m, &x->files, e);

	if (r < 0)
		return r;
	x->command = xstrdup(m->o->prepare);
	if (x->command)
		return 0;
	names = strv_join(&x->files, " ");
	strv_addf(m->notes,
		"The machines boot %s: it must be in the repository, or be made by --prepare COMMAND.",
		names);
	return 0;
}

/* ---- what is tested on one ---- */

/* Whether the features of vmrig.yaml leave test NAME to other variants than that which X is of. */
static bool left_to_others(const struct maker *m, const struct unit *x, const char *name)
{
	const struct variant *v = NULL;
	bool bound = false;

	for (size_t i = 0; x->spec && i < m->variants.n; i++)
		if (streq(m->variants.v[i].label, x->spec))
			v = &m->variants.v[i];
	for (size_t i = 0; v && i < m->features.n; i++) {
		const struct feature *f = &m->features.v[i];

		if (!strv_has(&f->tests, name))
			continue;
		if (!f->variants.n || strv_has(&f->variants, v->name) ||
			strv_has(&f->variants, v->family))
			return false;
		bound = true;
	}
	return bound;
}

/* The tests that are chosen, or those that are left out: whichever are fewer. */
static void add_filters(struct unit *x, const struct strv *in, const struct strv *out)
{
	const struct strv *named = in->n < out->n ? in : out;

	for (size_t i = 0; out->n && i < named->n; i++) {
		strv_add(&x->args, "--filter");
		strv_addf(&x->args, "%s%s", named == out ? "!" : "", named->v[i]);
	}
}

static void choose_tests(const struct maker *m, struct unit *x)
{
	_cleanup_strv_ struct strv in = STRV_INIT, out = STRV_INIT, machines = STRV_INIT;

	for (size_t i = 0; i < m->plan.n; i++) {
		const struct plan_case *c = &m->plan.v[i];
		const char *test = c->test->name, *machine = c->machine->name;

		if (!is_of(m, c, x)) {
			/* Of the same kernel for another architecture, or of the other kind. */
			if ((!x->kernel || !c->kernel || streq(c->kernel->name, x->kernel)) &&
				!strv_has(&machines, machine))
				strv_add(&machines, machine);
			continue;
		}
		if (left_to_others(m, x, test)) {
			if (!strv_has(&out, test))
				strv_add(&out, test);
			continue;
		}
		if (!strv_has(&in, test))
			strv_add(&in, test);
		x->total_ms += c->test->timeout_ms ? c->test->timeout_ms : UNLIMITED_MS;
	}
	x->tested = in.n > 0;
	if (x->kernel) {
		strv_add(&x->args, "--kernel");
		strv_add(&x->args, x->kernel);
	}
	add_filters(x, &in, &out);
	for (size_t i = 0; i < machines.n; i++) {
		strv_add(&x->args, "--filter");
		strv_addf(&x->args, "!*@%s", machines.v[i]);
	}
}

/* ---- all of it ---- */

static char *unit_name(const struct maker *m, const struct plan_case *c)
{
	const char *name = c->kernel ? c->kernel->name : "systems", *arch = case_arch(m, c);
	struct buf b = BUF_INIT;

	if (str_starts(name, VARIANT_PREFIX))
		name += strlen(VARIANT_PREFIX);
	for (; *name; name++)
		buf_addc(&b, isalnum((unsigned char)*name) || strchr("._", *name) ? *name : '-');
	if (c->kernel && !streq(arch, RUNNERS) && !strstr(buf_str(&b), arch) &&
		!strstr(buf_str(&b), arch_dpkg(arch)))
		buf_addf(&b, "-%s", arch);
	return buf_detach(&b);
}

static int add_unit(struct maker *m, const struct plan_case *c, struct err *e)
{
	struct units *u = m->u;
	struct unit *x;
	int r = 0;

	VEC_GROW(u->v, u->n, u->cap);
	x = &u->v[u->n++];
	*x = (struct unit){
		.name = unit_name(m, c),
		.kernel = c->kernel ? xstrdup(c->kernel->name) : NULL,
		.spec = c->kernel ? xstrdup(c->kernel->spec) : NULL,
		.arch = case_arch(m, c),
	};
	for (size_t i = 0; i + 1 < u->n; i++)
		if (streq(u->v[i].name, x->name))
			return err_set(e, -EINVAL,
				"kernels '%s' and '%s' would both be called %s in the pipeline",
				u->v[i].kernel, x->kernel, x->name);
	if (c->kernel)
		r = how_to_get(m, x, e);
	else
		r = get_systems(m, x, e);
	if (r == 0)
		choose_tests(m, x);
	return r;
}

static void look_at_machines(struct maker *m)
{
	for (size_t i = 0; i < m->s->n_machines; i++) {
		const struct suite_machine *y = &m->s->machines[i];

		m->u->may_kvm |= y->accel == ACCEL_AUTO || y->accel == ACCEL_KVM;
		m->u->needs_kvm |= y->accel == ACCEL_KVM && !y->optional;
		m->u->needs_nested |= y->accel == ACCEL_NESTED;
	}
	m->u->needs_kvm |= m->o->kvm;
	m->u->may_kvm |= m->o->kvm;
}

static void look_at_tests(struct maker *m)
{
	for (size_t i = 0; i < m->s->n_tests; i++) {
		const struct suite_test *t = &m->s->tests[i];

		m->u->bench |= strv_has(&t->tags, BENCH_TAG);
		for (size_t k = 0; k < t->needs_files.n; k++)
			if (!strv_has(&m->u->files, t->needs_files.v[k]) &&
				!path_below(t->needs_files.v[k], m->o->repository))
				strv_add(&m->u->files, t->needs_files.v[k]);
	}
}

static int make_units(struct maker *m, struct err *e)
{
	_cleanup_strv_ struct strv kernels = STRV_INIT;
	struct selection sel = { 0 };
	int r;

	choose_kernels(m, &kernels);
	sel.kernels = (const char *const *)kernels.v;
	sel.n_kernels = kernels.n;
	r = plan_make(m->s, &sel, &m->plan, e);
	for (size_t i = 0; r == 0 && i < m->plan.n; i++) {
		bool known = false;

		for (size_t k = 0; k < m->u->n && !known; k++)
			known = is_of(m, &m->plan.v[i], &m->u->v[k]);
		if (!known)
			r = add_unit(m, &m->plan.v[i], e);
	}
	return r;
}

int units_make(
	const struct pipeline_options *o, struct units *ret, struct strv *notes, struct err *e)
{
	struct units u = { 0 };
	struct maker m = { .o = o, .u = &u, .notes = notes };
	size_t root = strlen(o->repository);
	int r = suite_load(o->suite, &m.s, e);

	if (r == 0)
		r = variants_load(o->suite, &m.variants, e);
	if (r == 0)
		r = features_load(o->suite, &m.features, e);
	if (r == 0) {
		u.name = xstrdup(m.s->name);
		u.dir = xstrdup(streq(m.s->dir, o->repository) ? "." : m.s->dir + root + 1);
		look_at_machines(&m);
		look_at_tests(&m);
		r = make_units(&m, e);
	}
	plan_release(&m.plan);
	features_release(&m.features);
	variants_release(&m.variants);
	suite_free(m.s);
	if (r < 0)
		units_release(&u);
	else
		*ret = u;
	return r;
}
