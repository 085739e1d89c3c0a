/* SPDX-License-Identifier: MIT */
#include "proof/proof.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

const char *proof_state_name(enum proof_state s)
{
	static const char *const names[] = { "none", "proven", "broken", "blind" };

	return names[s];
}

static void side_release(struct proof_side *s)
{
	free(s->key);
	free(s->release);
	strv_release(&s->verdicts);
}

void proof_release(struct proof *p)
{
	free(p->why);
	side_release(&p->with);
	side_release(&p->without);
	*p = (struct proof){ 0 };
}

/* ---- one side ---- */

/* What one side's tests came to, and the first that is not as WANTED: "" when all are. */
static char *judge(const struct records *r, enum verdict wanted, struct strv *verdicts)
{
	char *odd = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const struct record *x = &r->v[i];
		_cleanup_free_ char *line = xasprintf("%s: %s%s%s", x->id, verdict_name(x->verdict),
			x->reason ? ": " : "", x->reason ? x->reason : "");

		strv_add(verdicts, line);
		if (x->verdict != wanted && !odd)
			odd = xstrdup(line);
	}
	return odd ? odd : xstrdup("");
}

static int load_suite(const struct proof_spec *s, struct suite **ret, struct err *e)
{
	int r = suite_load(s->suite, ret, e);

	return r < 0 ? err_wrap(e, "feature %s", s->feature->name) : 0;
}

/* Runs the feature's tests on the kernel KEY; the records lie in DIR then. */
static int run_tests(const struct proof_spec *s, const char *key, const char *dir,
	struct records *ret, struct err *e)
{
	const char *kernels[] = { key };
	const struct strv *tests = &s->feature->tests;
	struct selection sel = { .filters = (const char *const *)tests->v,
		.n_filters = tests->n,
		.kernels = kernels,
		.n_kernels = 1 };
	struct run_options o = { .selection = &sel,
		.output = dir,
		.jobs = s->jobs,
		.accel = s->accel,
		.without_kvm = true, /* it may be what is proven */
		.suite_arg = s->suite };
	_cleanup_free_ char *file = path_join(dir, "results.jsonl");
	struct suite *suite;
	int r = load_suite(s, &suite, e);

	if (r < 0)
		return r;
	r = suite_run(suite, &o, e);
	suite_free(suite);
	if (r > 128)
		return err_set(e, -EINTR, "the run was stopped by a signal");
	if (r != 0 && r != 1)
		return err_set(e, r == 2 && e && e->code ? e->code : -EIO,
			"the tests of %s could not be run: %s", s->feature->name,
			e && e->code ? err_text(e) : "see above");
	return records_load(file, ret, e);
}

/* The first of OPTIONS ("CONFIG_X=y") that kernel K does not have as written; NULL: it has all. */
static int find_odd(
	const struct strv *options, const struct kernel *k, char **ret_odd, struct err *e)
{
	struct kconfig *config = NULL;
	int r = kernel_config(k, &config, e);

	for (size_t i = 0; r == 0 && !*ret_odd && i < options->n; i++) {
		const char *option = options->v[i], *eq = strchr(option, '=') + 1;
		_cleanup_free_ char *name = xstrndup(option, (size_t)(eq - 1 - option));
		const char *value = kconfig_value(config, name);

		if (!streq(value ? value : "n", eq))
			*ret_odd = xasprintf("%s is %s, not %s", name, value ? value : "n", eq);
	}
	kconfig_free(config);
	return r;
}

/* One side: what is built, and what has to come of it. */
struct side {
	const char *suffix; /* "with", "without" */
	const struct build_spec *build;
	const struct strv *options; /* the kernel must have them so */
	enum verdict wanted;
};

/*
 * Builds one side's kernel and runs the tests there. RET_ODD (owned) is the first thing that is not as it has to
 * be, an option or a verdict; empty when all is.
 */
static int run_side(const struct proof_spec *s, const struct side *side, struct proof_side *ret,
	char **ret_odd, struct err *e)
{
	_cleanup_free_ char *name = xasprintf("%s-%s", s->feature->name, side->suffix);
	_cleanup_free_ char *dir = path_join(s->output, name);
	struct records records = { 0 };
	struct kernel k = { 0 };
	int r = build_kernel(side->build, s->how, &k, e);

	if (r < 0)
		return err_wrap(e, "the kernel %s %s", side->suffix, s->feature->name);
	ret->key = xstrdup(k.key);
	ret->release = xstrdup(k.release);
	r = find_odd(side->options, &k, ret_odd, e);
	kernel_release(&k);
	if (r < 0 || *ret_odd)
		return r;
	r = run_tests(s, ret->key, dir, &records, e);
	if (r < 0)
		return r;
	*ret_odd = judge(&records, side->wanted, &ret->verdicts);
	r = records.n ? 0 : err_set(e, -EIO, "the tests of %s left no record", s->feature->name);
	records_release(&records);
	return r;
}

/* The variant's options with those behind them that take the feature away: the last word counts. */
static void add_without(const struct proof_spec *s, struct strv *ret)
{
	const struct strv *options = s->build->options;

	for (size_t i = 0; options && i < options->n; i++)
		strv_add(ret, options->v[i]);
	for (size_t i = 0; i < s->feature->without.n; i++)
		strv_add(ret, s->feature->without.v[i]);
}

/* What depends on the feature's options goes with them, so that options of the variant do not take is no
 * error here; that those of the feature are gone is checked. */
static int run_without(const struct proof_spec *s, struct proof *ret, char **ret_odd, struct err *e)
{
	_cleanup_strv_ struct strv options = STRV_INIT;
	_cleanup_free_ char *label = xasprintf("%s-without-%s", s->variant, s->feature->name);
	struct build_spec b = *s->build;
	struct side side = { "without", &b, &s->feature->without, VERDICT_FAIL };
	int r;

	add_without(s, &options);
	b.options = &options;
	b.label = label;
	b.allow_unmet = true;
	b.aside = true;
	r = run_side(s, &side, &ret->without, ret_odd, e);
	if (r == 0 && **ret_odd && !ret->without.verdicts.n) {
		err_set(e, -EINVAL, "feature %s cannot be taken away: %s", s->feature->name,
			*ret_odd);
		return err_hint(
			e, "Another option selects it: name that one in 'without' as well.");
	}
	return r;
}

int proof_run(const struct proof_spec *s, struct proof *ret, struct err *e)
{
	struct side with = { "with", s->build, &s->feature->options, VERDICT_PASS };
	_cleanup_free_ char *odd = NULL;
	int r = run_side(s, &with, &ret->with, &odd, e);

	if (r < 0)
		return r;
	if (*odd) {
		ret->state = PROOF_BROKEN;
		ret->why = xasprintf("on the kernel with it, %s", odd);
		return 0;
	}
	free(TAKE_PTR(odd));
	r = run_without(s, ret, &odd, e);
	if (r < 0)
		return r;
	ret->state = *odd ? PROOF_BLIND : PROOF_PROVEN;
	ret->why = *odd ? xasprintf("on the kernel without it, %s", odd)
			: xstrdup("its tests pass with it and fail without it");
	return 0;
}
