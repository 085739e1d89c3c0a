/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "doctor/doctor.h"

#define EXIT_RIG 125

struct doctor_args {
	bool json, fix;
	const char *user;
	struct strv require;
};

enum option { OPT_JSON, OPT_REQUIRE, OPT_FIX, OPT_USER, OPT_END };

static const struct cli_option options[] = {
	[OPT_JSON] = { "json", 0, NULL, NULL, "as JSON" },
	[OPT_REQUIRE] = { "require", 0, "LIST", NULL,
		"fail unless these are good: kvm,x2apic,..." },
	[OPT_FIX] = { "fix", 0, NULL, NULL, "as root repair /dev/kvm; else say how" },
	[OPT_USER] = { "user", 0, "NAME", NULL, "for whom rights are judged" },
	[OPT_END] = { 0 },
};

static int set_option(void *arg, const struct cli_option *o, const char *value, const char *where);

static const struct cli_command command = {
	.name = "doctor",
	.synopsis = "[options]",
	.summary = "Examines this machine: what guests can run on, why not on KVM, and the repair.",
	.options = options,
	.epilog =
		"LIST has names of checks, as the table shows them. Without it 'tcg' is required.\n\n"
		"Exit code: 0 all that is required is good; else of the first that is not:\n"
		"  3 absent   this machine has no such thing\n"
		"  4 denied   it is there, and may not be used\n"
		"  5 broken   it is there, and does not work\n"
		"  6 missing  a program or file is not installed\n",
	.set = set_option,
};

static int add_required(struct doctor_args *a, const char *name, const char *where)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	const char *near;

	doctor_names(&names);
	if (strv_has(&names, name)) {
		strv_add(&a->require, name);
		return 0;
	}
	near = text_nearest(name, (const char *const *)names.v, names.n);
	return near ? cli_usage_error(&command, "%s: no check is called '%s'; did you mean '%s'?",
			      where, name, near)
		    : cli_usage_error(&command, "%s: no check is called '%s'", where, name);
}

static int set_option(void *arg, const struct cli_option *opt, const char *value, const char *where)
{
	struct doctor_args *a = arg;

	switch ((enum option)(opt - options)) {
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_REQUIRE:
		for (const char *p = value; *p; p += strcspn(p, ","), p += *p == ',') {
			_cleanup_free_ char *name = xstrndup(p, strcspn(p, ","));

			if (add_required(a, name, where))
				return EXIT_USAGE;
		}
		return 0;
	case OPT_FIX:
		a->fix = true;
		return 0;
	case OPT_USER:
		a->user = value;
		return 0;
	case OPT_END:
		break;
	}
	return EXIT_USAGE;
}

/* ---- for people ---- */

static void print_finding(const struct finding *f, bool required)
{
	printf("  %-4s  %-16s %s\n", doctor_state_name(f->state), f->name, f->found);
	if (f->state >= DOCTOR_WEAK || required)
		printf("        %-16s %s\n", "", f->matters);
	if (f->repair)
		printf("        %-16s -> %s\n", "", f->repair);
}

static void print_table(const struct doctor *d, const struct strv *require)
{
	const char *group = "";

	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->v[i];

		if (!streq(group, f->group))
			printf("%s%s\n", i ? "\n" : "", group = f->group);
		print_finding(f, f->state >= DOCTOR_WEAK && strv_has(require, f->name));
	}
}

/* The first of those required that is not good; NULL: all are. */
static const struct finding *unmet(const struct doctor *d, const struct strv *require)
{
	for (size_t i = 0; i < require->n; i++) {
		const struct finding *f = doctor_find(d, require->v[i]);

		if (f && f->kind != DOCTOR_FINE)
			return f;
	}
	return NULL;
}

static void print_sum(const struct doctor *d, const struct strv *require)
{
	_cleanup_free_ char *names = strv_join(require, ", ");
	bool all = true;

	for (size_t i = 0; i < require->n; i++) {
		const struct finding *f = doctor_find(d, require->v[i]);

		if (f->kind == DOCTOR_FINE)
			continue;
		all = false;
		fprintf(stderr, "vmrig doctor: required, but %s: %s: %s\n",
			doctor_kind_name(f->kind), f->name, f->found);
		if (f->repair)
			fprintf(stderr, "  %s\n", f->repair);
	}
	if (all)
		printf("\nAll that is required is good: %s.\n", names);
}

/* ---- for machines ---- */

static void print_json(const struct doctor *d, const struct strv *require, int code)
{
	_cleanup_json_ json_t *checks = json_array();
	_cleanup_json_ json_t *all = NULL;
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->v[i];

		json_array_append_new(checks,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s?, s:b}", "name", f->name,
				"group", f->group, "state", doctor_state_name(f->state), "kind",
				doctor_kind_name(f->kind), "found",
				json_text(f->found, strlen(f->found)), "matters", f->matters,
				"repair", f->repair, "required", strv_has(require, f->name)));
	}
	all = json_pack("{s:O, s:b, s:i}", "checks", checks, "good", code == 0, "exit_code", code);
	text = json_dumps(all, JSON_INDENT(2));
	printf("%s\n", text);
}

/* ---- repairs ---- */

static void say_step(void *arg, const char *step)
{
	fprintf(arg, "  %.*s\n", (int)strcspn(step, "\n"), step);
}

static int fix(const struct doctor *d, FILE *out)
{
	struct err e = ERR_INIT;
	bool root = geteuid() == 0;
	int r;

	fprintf(out, "\n%s\n",
		root ? "Repairs:" : "Repairs, to be done as root (sudo vmrig doctor --fix):");
	r = doctor_fix(d, root, say_step, out, &e);
	if (r == 0)
		fprintf(out, "  none that software could do\n");
	if (r < 0)
		err_print(&e);
	err_release(&e);
	return r < 0 ? EXIT_RIG : 0;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_args a = { 0 };
	struct doctor d = DOCTOR_INIT;
	const struct finding *f;
	int first, r = cli_parse(&command, argc, argv, &a, &first), code;

	if (r == CLI_OK && first < argc)
		r = cli_usage_error(&command, "unexpected word '%s'", argv[first]);
	if (r != CLI_OK) {
		strv_release(&a.require);
		return r;
	}
	if (a.require.n == 0)
		strv_add(&a.require, "tcg");
	d.user = a.user;
	doctor_examine(&d);
	f = unmet(&d, &a.require);
	code = f ? (int)f->kind : 0;
	if (a.json)
		print_json(&d, &a.require, code);
	else {
		print_table(&d, &a.require);
		print_sum(&d, &a.require);
	}
	fflush(stdout);
	if (a.fix && fix(&d, a.json ? stderr : stdout))
		code = EXIT_RIG;
	doctor_release(&d);
	strv_release(&a.require);
	return code;
}
