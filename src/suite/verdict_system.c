/* SPDX-License-Identifier: MIT */
/*
 * The verdict on a machine whose system is its own. No agent vouches for anything: what counts is what the suite file
 * declares. Every means of telling that it declares (steps, a pass pattern, the exit port, a report) must say pass;
 * one that says fail is enough; silence of one is no pass.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "suite/verdict_private.h"

/* ---- what is kept whatever the verdict ---- */

static void add_subtest(
	struct record *ret, char *name, enum verdict v, const char *reason, int64_t ms)
{
	ret->subtests = xrealloc(ret->subtests, (ret->n_subtests + 1) * sizeof(*ret->subtests));
	ret->subtests[ret->n_subtests++] = (struct subtest){
		.name = name, .verdict = v, .reason = xstrdup(reason), .duration_ms = ms
	};
}

/* Of step I, among those of its kind. */
static size_t number(const struct os_report *r, size_t i)
{
	size_t n = 1;

	for (size_t k = 0; k < i; k++)
		n += r->steps[k].prepares == r->steps[i].prepares;
	return n;
}

static void add_steps(const struct os_report *r, struct record *ret)
{
	static const enum verdict of[] = {
		[OS_STEP_WAITING] = VERDICT_NONE,
		[OS_STEP_RUNNING] = VERDICT_NONE,
		[OS_STEP_DONE] = VERDICT_PASS,
		[OS_STEP_FAILED] = VERDICT_FAIL,
		[OS_STEP_TIMEOUT] = VERDICT_FAIL,
		[OS_STEP_LOST] = VERDICT_FAIL,
	};

	for (size_t i = 0; i < r->n_steps; i++)
		add_subtest(ret,
			xasprintf("%s %zu: %s", r->steps[i].prepares ? "preparation" : "step",
				number(r, i), r->steps[i].what),
			of[r->steps[i].state], r->steps[i].why, r->steps[i].ms);
}

static void add_cases(const struct os_report *r, struct record *ret)
{
	static const enum verdict of[] = {
		[OS_CASE_PASS] = VERDICT_PASS,
		[OS_CASE_FAIL] = VERDICT_FAIL,
		[OS_CASE_SKIP] = VERDICT_SKIP,
	};

	for (size_t i = 0; i < r->n_cases; i++)
		add_subtest(ret, xstrdup(r->cases[i].name), of[r->cases[i].result], NULL, -1);
	if (r->cases_lost)
		strv_addf(&ret->problems, "%llu more results were not kept",
			(unsigned long long)r->cases_lost);
}

static const struct splat *worst_splat(const struct verdict_system_input *in, struct record *ret)
{
	const struct splats *all = in->report->splats;

	for (size_t i = 0; all && i < splats_count(all); i++)
		verdict_add_splat(ret, splats_at(all, i));
	return all ? splats_worst(all, in->fail_on) : NULL;
}

/* ---- what was said ---- */

static bool has(const uint8_t *v, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == value)
			return true;
	return false;
}

/* The first that was not done, and what it is called: "step 2 (ssh true)". The caller owns that. */
static const struct os_step_result *unmet_step(const struct os_report *r, char **ret_name)
{
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct os_step_result *s = &r->steps[i];

		if (s->state == OS_STEP_DONE)
			continue;
		*ret_name = xasprintf("%s %zu (%s)",
			s->prepares ? "the preparation's step" : "step", number(r, i), s->what);
		return s;
	}
	return NULL;
}

static bool crashed(
	const struct verdict_system_input *in, const struct splat *worst, struct record *ret)
{
	const struct os_report *r = in->report;

	if (r->panic.line)
		verdict_set(ret, VERDICT_CRASH, "%s", r->panic.line);
	else if (worst)
		verdict_set(ret, VERDICT_CRASH, "%s", worst->title);
	else if (r->end == MACHINE_PANICKED)
		verdict_set(ret, VERDICT_CRASH, "kernel panic");
	else
		return false;
	return true;
}

static const char *first_failed_case(const struct os_report *r)
{
	for (size_t i = 0; i < r->n_cases; i++)
		if (r->cases[i].result == OS_CASE_FAIL)
			return r->cases[i].name;
	return NULL;
}

static bool said_fail(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	const struct os_exit_port *x = in->exit_port;
	_cleanup_free_ char *name = NULL;
	const struct os_step_result *step = unmet_step(r, &name);
	const char *failed = first_failed_case(r);

	if (r->exit_value && has(x->fail, x->n_fail, r->exit_value))
		verdict_set(ret, VERDICT_FAIL, "exit port: 0x%02x%s%s", r->exit_value,
			r->fail.line ? "; console: " : "", r->fail.line ? r->fail.line : "");
	else if (r->exit_value && !has(x->pass, x->n_pass, r->exit_value))
		verdict_set(ret, VERDICT_FAIL,
			"exit port: 0x%02x, which is declared to mean nothing", r->exit_value);
	else if (r->fail.line)
		verdict_set(ret, VERDICT_FAIL, "console: %s", r->fail.line);
	else if (failed)
		verdict_set(ret, VERDICT_FAIL, "console: %s failed", failed);
	else if (step && step->state == OS_STEP_FAILED)
		verdict_set(ret, VERDICT_FAIL, "%s: %s", name, step->why ? step->why : "failed");
	else
		return false;
	return true;
}

/* ---- what was not said ---- */

static const char *silent(const struct verdict_system_input *in)
{
	const struct os_report *r = in->report;

	if (in->grammar->start && !r->start.line)
		return "its system did not begin to speak (console.start)";
	if (in->exit_port->port && !r->exit_value)
		return "nothing was written to the exit port";
	if (in->grammar->pass && !r->pass.line)
		return "no line says pass (console.pass)";
	if (in->grammar->end && !r->end_said.line)
		return "its last line did not come (console.end)";
	return NULL;
}

static void decide_limit(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	_cleanup_buf_ struct buf after = BUF_INIT;
	_cleanup_free_ char *name = NULL;
	const struct os_step_result *step = unmet_step(r, &name);
	const char *what = silent(in);

	duration_format(&after, r->limit_ms);
	str_replace(&ret->limit, os_limit_name(r->limit));
	if (r->limit == OS_LIMIT_IDLE)
		verdict_set(
			ret, VERDICT_TIMEOUT, "no output within %s (limit: idle)", buf_str(&after));
	else if (step && r->limit != OS_LIMIT_BOOT)
		verdict_set(ret, VERDICT_TIMEOUT, "%s was not done within %s (limit: %s)%s%s", name,
			buf_str(&after), ret->limit, step->why ? ": " : "",
			step->why ? step->why : "");
	else
		verdict_set(ret, VERDICT_TIMEOUT, "%s within %s (limit: %s)",
			what ? what : "it did not end", buf_str(&after), ret->limit);
}

static bool lost(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	_cleanup_free_ char *name = NULL;
	const struct os_step_result *step = unmet_step(r, &name);
	const char *what = silent(in),
		   *end = r->end_why && *r->end_why ? r->end_why : "the machine ended";

	if (!step && !what)
		return false;
	if (r->end == MACHINE_TRIPLE_FAULT)
		verdict_set(ret, VERDICT_CRASH, "triple fault before a verdict");
	else if (step)
		verdict_set(ret, VERDICT_LOST, "%s before %s was done%s%s", end, name,
			step->why ? ": " : "", step->why ? step->why : "");
	else
		verdict_set(ret, VERDICT_LOST, "%s, and %s", end, what);
	return true;
}

/* A system that tells how many tests it has must tell as many results. */
static bool miscounted(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	uint64_t told = r->n_cases + r->cases_lost;

	if (r->planned < 0 ||
		!(in->grammar->case_pass || in->grammar->case_fail || in->grammar->case_skip) ||
		told == (uint64_t)r->planned)
		return false;
	verdict_set(ret, VERDICT_FAIL, "it spoke of %lld tests and told %llu results",
		(long long)r->planned, (unsigned long long)told);
	return true;
}

static void passed(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t steps = 0;

	for (size_t i = 0; i < r->n_steps; i++)
		steps += !r->steps[i].prepares;
	if (steps)
		buf_addf(&b, "%zu steps", steps);
	if (r->n_cases)
		buf_addf(&b, "%s%zu results", b.len ? ", " : "", r->n_cases);
	if (r->exit_value)
		buf_addf(&b, "%sexit port: 0x%02x", b.len ? ", " : "", r->exit_value);
	if (r->pass.line)
		buf_addf(&b, "%sconsole: %s", b.len ? ", " : "", r->pass.line);
	verdict_set(ret, VERDICT_PASS, "%s", buf_str(&b));
}

static void decide(const struct verdict_system_input *in, struct record *ret)
{
	const struct os_report *r = in->report;
	const struct splat *worst = worst_splat(in, ret);

	if (r->infra)
		verdict_set(ret, VERDICT_INFRA, "%s", r->infra);
	else if (r->cancelled)
		verdict_set(ret, VERDICT_INFRA, "stopped before a verdict");
	else if (r->end == MACHINE_DIED)
		verdict_set(ret, VERDICT_INFRA, "the engine died: %s",
			r->end_why ? r->end_why : "no reason told");
	else if (crashed(in, worst, ret) || said_fail(in, ret))
		return;
	else if (r->limit != OS_LIMIT_NONE)
		decide_limit(in, ret);
	else if (lost(in, ret) || miscounted(in, ret))
		return;
	else if (in->tap)
		verdict_by_tap(in->tap, ret);
	else
		passed(in, ret);
}

static bool is_prepared(const struct os_report *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (r->steps[i].prepares && r->steps[i].state != OS_STEP_DONE)
			return false;
	return true;
}

void verdict_decide_system(const struct verdict_system_input *in, struct record *ret)
{
	enum os_limit limit = in->report->limit;

	ret->verdict = VERDICT_NONE;
	ret->ok = false;
	str_replace(&ret->expected, expect_name(in->expect));
	if (in->report->exit_value) {
		ret->has_exit = true;
		ret->exit_code = in->report->exit_value;
	}
	decide(in, ret);
	add_steps(in->report, ret);
	add_cases(in->report, ret);
	/* Of the test something else may be expected than a pass, of what comes before it not. */
	verdict_expect(is_prepared(in->report) ? in->expect : EXPECT_PASS,
		limit == OS_LIMIT_TEST || limit == OS_LIMIT_STEP || limit == OS_LIMIT_IDLE, ret);
}
