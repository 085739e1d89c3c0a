/* SPDX-License-Identifier: MIT */
#include "cli/cmd_kernel_prove.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/build_progress.h"
#include "cli/cmd_kernel.h"
#include "cli/options.h"
#include "proof/proof.h"
#include "variant/variant.h"

#define EXIT_UNPROVEN 1
#define KEY_SHOWN     12 /* digits; enough for --kernel */

struct proving {
	const struct prove_args *args;
	struct variants variants;
	struct features features;
	char *output; /* owned */
	json_t *all; /* owned: with --json */
	size_t proven, total;
};

static int failed(struct err *e, int code)
{
	err_print(e);
	err_release(e);
	return code;
}

/* ---- printing ---- */

static void print_side(const char *name, const struct proof_side *s)
{
	if (s->key)
		printf("  %-8s %.*s %s\n", name, KEY_SHOWN, s->key, s->release);
	for (size_t i = 0; i < s->verdicts.n; i++)
		printf("    %s\n", s->verdicts.v[i]);
}

static json_t *side_json(const struct proof_side *s)
{
	return json_pack("{s:s?, s:s?, s:o}", "key", s->key, "release", s->release, "verdicts",
		json_strv(&s->verdicts));
}

static void tell(struct proving *p, const struct feature *f, const struct variant *v,
	const struct proof *proof)
{
	p->total++;
	p->proven += proof->state == PROOF_PROVEN;
	if (p->all) {
		json_array_append_new(
			p->all, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "feature", f->name,
					"variant", v->name, "state", proof_state_name(proof->state),
					"why", proof->why, "with", side_json(&proof->with),
					"without", side_json(&proof->without)));
		return;
	}
	printf("%s on %s: %s: %s\n", f->name, v->name, proof_state_name(proof->state), proof->why);
	print_side("with", &proof->with);
	print_side("without", &proof->without);
	fflush(stdout);
}

/* ---- one feature on one variant ---- */

static int prove_one(struct proving *p, const struct feature *f, const struct variant *v)
{
	const struct prove_args *a = p->args;
	_cleanup_free_ char *dir = path_join(p->output, v->name);
	struct build_spec build = variant_spec(&p->variants, v);
	struct build_progress progress;
	int signo = 0, r;
	struct build_how how = { .offline = a->offline, .ret_signal = &signo };
	struct proof_spec spec = { .feature = f,
		.variant = v->name,
		.build = &build,
		.how = &how,
		.suite = p->variants.path,
		.output = dir,
		.jobs = a->jobs,
		.accel = a->accel };
	struct proof proof = { 0 };
	struct err e = ERR_INIT;

	build_progress_init(&progress, v->name);
	how.watch = &progress.watch;
	r = proof_run(&spec, &proof, &e);
	build_progress_clear(&progress);
	if (r == 0)
		tell(p, f, v, &proof);
	proof_release(&proof);
	if (r == 0)
		return 0;
	err_wrap(&e, "%s on %s", f->name, v->name);
	return failed(&e, signo ? 128 + signo : r == -EINTR ? 130 : EXIT_RIG);
}

static bool meant_for(const struct feature *f, const struct variant *v)
{
	for (size_t i = 0; i < f->variants.n; i++)
		if (streq(f->variants.v[i], v->name) || streq(f->variants.v[i], v->family))
			return true;
	return f->variants.n == 0;
}

static bool asked_for(const struct strv *names, const struct variant *v)
{
	for (size_t i = 0; i < names->n; i++)
		if (streq(names->v[i], v->name) || streq(names->v[i], v->family))
			return true;
	return names->n == 0;
}

/* The first code that is not 0; a signal ends it. */
static int prove_feature(struct proving *p, const struct feature *f)
{
	size_t before = p->total;
	int code = 0, tried = 0;

	for (size_t i = 0; i < p->variants.n && code <= 128; i++) {
		const struct variant *v = &p->variants.v[i];
		int one;

		if (!meant_for(f, v) || !asked_for(&p->args->variants, v))
			continue;
		tried++;
		one = prove_one(p, f, v);
		code = code && one <= 128 ? code : one;
	}
	if (tried || before != p->total)
		return code;
	fprintf(stderr, "vmrig: feature %s is meant for none of these variants\n", f->name);
	return EXIT_USAGE;
}

/* ---- all that were named ---- */

static int check_variants(const struct proving *p)
{
	struct err e = ERR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->args->variants.n; i++) {
		_cleanup_free_ const struct variant **found = NULL;
		size_t n;

		r = variants_named(&p->variants, p->args->variants.v[i], NULL, &found, &n, &e);
	}
	return r < 0 ? failed(&e, EXIT_USAGE) : 0;
}

static int prove_named(struct proving *p, const char *name)
{
	const struct feature *f;
	struct err e = ERR_INIT;
	int code = 0;

	if (!streq(name, "all"))
		return features_find(&p->features, name, &f, &e) < 0 ? failed(&e, EXIT_USAGE)
								     : prove_feature(p, f);
	for (size_t i = 0; i < p->features.n && code <= 128; i++) {
		int one = prove_feature(p, &p->features.v[i]);

		code = code && one <= 128 ? code : one;
	}
	return code;
}

static int prove_all(struct proving *p)
{
	int code = check_variants(p);

	for (size_t i = 0; code == 0 && i < p->args->features.n; i++)
		code = prove_named(p, p->args->features.v[i]);
	if (p->all) {
		_cleanup_free_ char *text = json_dumps(p->all, JSON_INDENT(2));

		printf("%s\n", text);
	} else if (p->total) {
		printf("%zu of %zu proven\n", p->proven, p->total);
	}
	return code ? code : p->proven < p->total ? EXIT_UNPROVEN : 0;
}

static char *default_output(void)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	strftime(text, sizeof(text), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	return xasprintf("vmrig-results/proofs-%s-%d", text, getpid());
}

int kernel_prove(const struct prove_args *a)
{
	struct proving p = { .args = a };
	struct err e = ERR_INIT;
	int code = 0;

	p.output = a->output ? xstrdup(a->output) : default_output();
	p.all = a->json ? json_array() : NULL;
	if (variants_find(NULL, &p.variants, &e) < 0 ||
		features_load(p.variants.path, &p.features, &e) < 0)
		code = failed(&e, EXIT_USAGE);
	else
		code = prove_all(&p);
	variants_release(&p.variants);
	features_release(&p.features);
	json_decref(p.all);
	free(p.output);
	return code;
}
