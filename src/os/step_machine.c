/* SPDX-License-Identifier: MIT */
/* Steps that act on the machine: qmp, power, ends. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/private.h"

/* ---- qmp ---- */

static json_t *scalar(const struct yaml_node *n)
{
	int64_t v;

	if (yaml_is_null(n))
		return json_null();
	if (n->plain && (streq(n->text, "true") || streq(n->text, "false")))
		return json_boolean(streq(n->text, "true"));
	if (n->plain && str_to_i64(n->text, INT64_MIN, INT64_MAX, &v) == 0)
		return json_integer(v);
	return json_string(n->text);
}

/* YAML's depth is bounded by its reader. */
static json_t *to_json(const struct yaml_node *n)
{
	json_t *ret;

	if (n->kind == YAML_SCALAR)
		return scalar(n);
	ret = n->kind == YAML_LIST ? json_array() : json_object();
	for (size_t i = 0; n->kind == YAML_LIST && i < n->n; i++)
		json_array_append_new(ret, to_json(n->v[i]));
	for (size_t i = 0; n->kind == YAML_MAP && i + 1 < n->n; i += 2)
		json_object_set_new(ret, n->v[i]->text, to_json(n->v[i + 1]));
	return ret;
}

static int read_arguments(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	json_t **to = field;

	if (n->kind != YAML_MAP)
		return yaml_expected(l, n, k, "a mapping of argument: value");
	json_decref(*to);
	*to = to_json(n);
	return 0;
}

static int read_qmp(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
#define FIELD(f) offsetof(struct os_step, f)
	static const struct yaml_key keys[] = {
		{ "execute", yaml_read_text, FIELD(text), .required = true },
		{ "arguments", read_arguments, FIELD(arguments) },
	};
#undef FIELD

	if (n->kind == YAML_SCALAR)
		return yaml_read_text(l, k, n, &s->text);
	return yaml_read_map(l, n, "'qmp'", keys, ARRAY_SIZE(keys), s);
}

static void on_reply(void *arg, json_t *ret, const struct qmp_error *error)
{
	struct os *o = arg;

	if (error)
		os_step_refused(o, error->desc);
	else
		os_step_done(o);
}

/* Only its limit can end the step before the reply comes, and then no other one begins. */
static void qmp_start(struct os *o, struct os_step_run *r)
{
	machine_command(o->machine, r->step->text, json_deep_copy(r->step->arguments), on_reply, o);
}

const struct os_step_kind os_step_qmp = {
	.name = "qmp",
	.form = "a command, or {execute: ..., arguments: {...}}",
	.read = read_qmp,
	.timeout_ms = 30000,
	.start = qmp_start,
};

/* ---- power ---- */

enum { POWER_BUTTON, POWER_RESET };
static const char *const powers[] = { [POWER_BUTTON] = "button", [POWER_RESET] = "reset" };

static int read_name_of(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	const char *const *names, size_t n_names, const char *what, struct os_step *s)
{
	for (size_t i = 0; n->kind == YAML_SCALAR && i < n_names; i++) {
		if (!streq(n->text, names[i]))
			continue;
		s->number = (int)i;
		s->text = xstrdup(n->text);
		return 0;
	}
	return yaml_expected(l, n, k, what);
}

static int read_power(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	return read_name_of(l, k, n, powers, ARRAY_SIZE(powers), "'button' or 'reset'", s);
}

static void power_start(struct os *o, struct os_step_run *r)
{
	if (r->step->number == POWER_BUTTON)
		machine_ask(o->machine, MACHINE_ASK_BUTTON);
	else
		machine_command(o->machine, "system_reset", NULL, NULL, NULL);
	os_step_done(o);
}

const struct os_step_kind os_step_power = {
	.name = "power",
	.form = "'button' or 'reset'",
	.read = read_power,
	.start = power_start,
};

/* ---- ends ---- */

enum { ENDS_POWERED_OFF, ENDS_RESET, ENDS_ANY };
static const char *const ends[] = {
	[ENDS_POWERED_OFF] = "powered-off",
	[ENDS_RESET] = "reset",
	[ENDS_ANY] = "any",
};

static int read_ends(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct os_step *s)
{
	return read_name_of(l, k, n, ends, ARRAY_SIZE(ends), "'powered-off', 'reset' or 'any'", s);
}

static void ends_start(struct os *o, struct os_step_run *r)
{
}

static void ends_ended(struct os *o, struct os_step_run *r)
{
	enum machine_end end = o->report.end;

	if (r->step->number == ENDS_ANY ||
		(r->step->number == ENDS_POWERED_OFF && end == MACHINE_POWERED_OFF) ||
		(r->step->number == ENDS_RESET && end == MACHINE_RESET))
		os_step_done(o);
	else
		os_step_fail(
			o, "it ended otherwise: %s", o->report.end_why ? o->report.end_why : "?");
}

const struct os_step_kind os_step_ends = {
	.name = "ends",
	.form = "'powered-off', 'reset' or 'any'",
	.read = read_ends,
	.start = ends_start,
	.ended = ends_ended,
};
