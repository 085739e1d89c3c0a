/* SPDX-License-Identifier: MIT */
/* What a suite file says of a system: steps, grammar, exit port, shutdown. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/private.h"

/* ---- patterns ---- */

int os_read_pattern(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct err e = ERR_INIT;
	int r = yaml_read_text(l, k, n, field);

	if (r < 0 || os_pattern_check(n->text, &e) == 0)
		return r;
	r = yaml_error(&l->y, n, l->e, "'%s': %s", k->name, err_text(&e));
	err_release(&e);
	return r;
}

/* ---- steps ---- */

static void step_free(struct os_step *s)
{
	free(s->text);
	free(s->to);
	free(s->user);
	free(s->password);
	free(s->prompt);
	json_decref(s->arguments);
	strv_release(&s->keys);
	free(s->regions);
	free(s);
}

void os_steps_release(struct os_steps *s)
{
	for (size_t i = 0; i < s->n; i++)
		step_free(s->v[i]);
	free(s->v);
	*s = (struct os_steps){ 0 };
}

uint32_t os_steps_serial(const struct os_steps *s)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i]->serial > ret)
			ret = s->v[i]->serial;
	return ret;
}

static int read_kind(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct os_step *s = field;

	for (size_t i = 0; i < os_n_step_kinds; i++) {
		const struct os_step_kind *kind = os_step_kinds[i];

		if (!streq(k->name, kind->name))
			continue;
		if (s->kind)
			return yaml_error(&l->y, n, l->e,
				"a step does one thing: this one has '%s' and '%s'", s->kind->name,
				kind->name);
		s->kind = kind;
		if (!s->timeout_ms)
			s->timeout_ms = kind->timeout_ms;
		return kind->read(l, k, n, s);
	}
	bug_at(__FILE__, __LINE__, "a step of no kind");
}

static int no_kind(struct yaml_reader *l, const struct yaml_node *n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < os_n_step_kinds; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", os_step_kinds[i]->name);
	return yaml_error(
		&l->y, n, l->e, "the step says nothing to do; expected one of %s", buf_str(&b));
}

#define STEP_KEYS 2

/* Its own key, and what every step may have. */
static int read_step(struct yaml_reader *l, const struct yaml_node *n, struct os_step *s)
{
	_cleanup_free_ struct yaml_key *keys = xcalloc(os_n_step_kinds + STEP_KEYS, sizeof(*keys));
	int r;

	keys[0] = (struct yaml_key){ "timeout", yaml_read_duration,
		offsetof(struct os_step, timeout_ms) };
	keys[1] = (struct yaml_key){ "serial", yaml_read_number, offsetof(struct os_step, serial),
		.min = 0, .max = MACHINE_SERIALS_MAX - 1 };
	for (size_t i = 0; i < os_n_step_kinds; i++)
		keys[STEP_KEYS + i] = (struct yaml_key){ os_step_kinds[i]->name, read_kind, 0,
			.expected = os_step_kinds[i]->form };
	s->line = n->line;
	s->column = n->column;
	r = yaml_read_map(l, n, "a step", keys, os_n_step_kinds + STEP_KEYS, s);
	if (r >= 0 && !s->kind)
		r = no_kind(l, n);
	return r;
}

int os_read_steps(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct os_steps *steps = field;
	int r = 0;

	if (n->kind != YAML_LIST || !n->n)
		return yaml_expected(l, n, k, "a list of steps");
	for (size_t i = 0; i < n->n && r >= 0; i++) {
		VEC_GROW(steps->v, steps->n, steps->cap);
		steps->v[steps->n] = xcalloc(1, sizeof(**steps->v));
		r = read_step(l, n->v[i], steps->v[steps->n++]);
	}
	return r;
}

/* ---- the grammar ---- */

int os_read_grammar(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
#define FIELD(f) offsetof(struct os_grammar, f)
	static const struct yaml_key keys[] = {
		{ "serial", yaml_read_number, FIELD(serial), .min = 0,
			.max = MACHINE_SERIALS_MAX - 1 },
		{ "start", os_read_pattern, FIELD(start) },
		{ "pass", os_read_pattern, FIELD(pass) },
		{ "fail", os_read_pattern, FIELD(fail) },
		{ "panic", os_read_pattern, FIELD(panic) },
		{ "end", os_read_pattern, FIELD(end) },
		{ "case_pass", os_read_pattern, FIELD(case_pass) },
		{ "case_fail", os_read_pattern, FIELD(case_fail) },
		{ "case_skip", os_read_pattern, FIELD(case_skip) },
	};
#undef FIELD

	return yaml_read_map(l, n, "'console'", keys, ARRAY_SIZE(keys), field);
}

/* ---- the exit port ---- */

struct values {
	uint8_t v[OS_EXIT_VALUES];
	size_t n;
};

/* Decimal, or as kernels write it: 0x10. */
static int read_value(struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n,
	struct values *to)
{
	char *end = NULL;
	long v = n->kind == YAML_SCALAR ? strtol(n->text, &end, 0) : -1;

	if (!end || *end || end == n->text || v < 1 || v > 0x7f)
		return yaml_expected(l, n, k,
			"a value from 1 to 0x7f (QEMU tells no more of it, and 0 looks like a failure of its own)");
	if (to->n == OS_EXIT_VALUES)
		return yaml_expected(l, n, k, "at most 8 values");
	to->v[to->n++] = (uint8_t)v;
	return 0;
}

static int read_values(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	int r = 0;

	if (n->kind != YAML_LIST)
		return read_value(l, k, n, field);
	for (size_t i = 0; i < n->n && r >= 0; i++)
		r = read_value(l, k, n->v[i], field);
	return r;
}

static int read_port(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	char *end = NULL;
	long v = n->kind == YAML_SCALAR ? strtol(n->text, &end, 0) : -1;

	if (!end || *end || end == n->text || v < 1 || v > 0xfffc)
		return yaml_expected(l, n, k, "an I/O port, such as 0xf4");
	*(uint32_t *)field = (uint32_t)v;
	return 0;
}

#define EXIT_PORT_DEFAULT 0xf4

int os_read_exit_port(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	struct parts {
		uint32_t port;
		struct values pass, fail;
	} p = { .port = EXIT_PORT_DEFAULT };
#define FIELD(f) offsetof(struct parts, f)
	static const struct yaml_key keys[] = {
		{ "port", read_port, FIELD(port) },
		{ "pass", read_values, FIELD(pass), .required = true },
		{ "fail", read_values, FIELD(fail) },
	};
#undef FIELD
	struct os_exit_port *to = field;
	int r = yaml_read_map(l, n, "'exit_port'", keys, ARRAY_SIZE(keys), &p);

	if (r < 0)
		return r;
	*to = (struct os_exit_port){ .port = p.port, .n_pass = p.pass.n, .n_fail = p.fail.n };
	memcpy(to->pass, p.pass.v, sizeof(to->pass));
	memcpy(to->fail, p.fail.v, sizeof(to->fail));
	for (size_t i = 0; i < p.pass.n; i++)
		if (memchr(p.fail.v, p.pass.v[i], p.fail.n))
			return yaml_error(&l->y, n, l->e,
				"'exit_port': 0x%02x cannot mean both pass and fail", p.pass.v[i]);
	return 0;
}

/* ---- shutdown ---- */

int os_read_shutdown(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
#define FIELD(f) offsetof(struct os_shutdown, f)
	static const struct yaml_key keys[] = {
		{ "ssh", yaml_read_duration, FIELD(ssh_ms) },
		{ "acpi", yaml_read_duration, FIELD(button_ms) },
		{ "quit", yaml_read_duration, FIELD(quit_ms) },
		{ "term", yaml_read_duration, FIELD(term_ms) },
	};
#undef FIELD

	return yaml_read_map(l, n, "'shutdown'", keys, ARRAY_SIZE(keys), field);
}
