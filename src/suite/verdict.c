/* SPDX-License-Identifier: MIT */
/*
 * The order of the rules is the order of trust: what went wrong with the rig, then with the machine,
 * then with the kernel, and only when none of that did, what the test said of itself.
 */
#include "suite/verdict_private.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/text.h"

static const char *const expect_names[] = {
	[EXPECT_PASS] = "pass",
	[EXPECT_FAIL] = "fail",
	[EXPECT_CRASH] = "crash",
	[EXPECT_TIMEOUT] = "timeout",
};

const char *expect_name(enum expect x)
{
	return expect_names[x];
}

int expect_parse(const char *name, enum expect *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(expect_names); i++) {
		if (streq(name, expect_names[i])) {
			*ret = (enum expect)i;
			return 0;
		}
	}
	return -EINVAL;
}

void verdict_set(struct record *ret, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	ret->verdict = v;
	free(ret->reason);
	va_start(ap, fmt);
	ret->reason = xvasprintf(fmt, ap);
	va_end(ap);
}

/* ---- what the kernel complained of ---- */

void verdict_add_splat(struct record *ret, const struct splat *s)
{
	for (size_t i = 0; i < ret->n_splats; i++)
		if (streq(ret->splats[i].signature, s->signature))
			return;
	ret->splats = xrealloc(ret->splats, (ret->n_splats + 1) * sizeof(*ret->splats));
	ret->splats[ret->n_splats++] = (struct record_splat){
		.kind = xstrdup(splat_kind_name(s->kind)),
		.title = xstrdup(s->title),
		.signature = xstrdup(s->signature),
		.text = xstrdup(s->text),
	};
}

/* The kernel ended the machine by its own hand, as reboot(2) asks for. No panic comes this way. */
static bool ended_in_order(const struct job_report *r)
{
	const struct console_end *end = r->kernel_end;

	return r->limit == LIMIT_NONE && (end->restarting || end->powering_down || end->halted);
}

static bool anything_ran(const struct job_report *r)
{
	for (size_t i = 0; i < r->n_exits; i++)
		if (r->exits[i].started)
			return true;
	return false;
}

/*
 * Whether a complaint on the console counts. The kernel's own record is the better witness: userspace cannot
 * forge its facility. When it is whole, what the console shows beyond it was printed by somebody else. When
 * the guest died, the record was cut short, and the console is the witness of the last words; but before an
 * orderly end the agent had its turn, and whom a panic struck does not live on.
 */
static bool console_counts(const struct job_report *r, const struct splat *s)
{
	if (r->kmsg_whole || (s->kind == SPLAT_PANIC && (r->bye || r->lived_on)))
		return false;
	return !ended_in_order(r) || !anything_ran(r);
}

/* Keeps every complaint, and returns the gravest that counts. */
static const struct splat *gather(
	const struct job_report *r, enum splat_kind min, struct record *ret)
{
	const struct splat *worst = NULL;

	for (size_t i = 0; i < splats_count(r->kmsg); i++) {
		const struct splat *s = splats_at(r->kmsg, i);

		verdict_add_splat(ret, s);
		if (s->kind >= min && (!worst || s->kind > worst->kind))
			worst = s;
	}
	for (size_t i = 0; i < r->n_console && i < splats_count(r->console); i++) {
		const struct splat *s = splats_at(r->console, i);

		if (!r->kmsg_whole)
			verdict_add_splat(ret, s);
		if (console_counts(r, s) && s->kind >= min && (!worst || s->kind > worst->kind))
			worst = s;
	}
	return worst;
}

/* What a kernel that lives remembers of its past, though its log has lost it, or says it in words that we do
 * not know (Documentation/admin-guide/tainted-kernels.rst). NULL: nothing that counts. */
static const char *tainted_by(const struct job_report *r, enum splat_kind min)
{
	static const struct {
		unsigned bit;
		enum splat_kind kind;
		const char *what;
	} taints[] = {
		{ 7, SPLAT_OOPS, "an oops or BUG (taint D)" },
		{ 14, SPLAT_STALL, "a soft lockup (taint L)" },
		{ 9, SPLAT_WARN, "a warning (taint W)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(taints); i++)
		if (r->tainted & 1ull << taints[i].bit && taints[i].kind >= min)
			return taints[i].what;
	return NULL;
}

/* ---- the ways in which there is no verdict from the test ---- */

static bool died_of_splat(const struct splat *s)
{
	return s && s->kind >= SPLAT_BUG;
}

static void decide_limit(const struct job_report *r, const struct splat *worst, struct record *ret)
{
	_cleanup_buf_ struct buf after = BUF_INIT;
	static const char *const what[] = {
		[LIMIT_BOOT] = "the guest was not ready",
		[LIMIT_TEST] = "the test did not end",
		[LIMIT_IDLE] = "no output",
		[LIMIT_HEARTBEAT] = "the guest hangs: no heartbeat",
		[LIMIT_TOTAL] = "the run did not end",
	};

	if (died_of_splat(worst)) {
		verdict_set(ret, VERDICT_CRASH, "%s, and the guest hung", worst->title);
		return;
	}
	duration_format(&after, r->limit_ms);
	str_replace(&ret->limit, guest_limit_name(r->limit));
	verdict_set(ret, VERDICT_TIMEOUT, "%s within %s (limit: %s)%s%s", what[r->limit],
		buf_str(&after), ret->limit, worst ? "; " : "", worst ? worst->title : "");
}

static const char *phase(const struct job_report *r)
{
	return !r->connected ? "while booting"
	       : !r->ready   ? "while mounting its root"
			     : "before a verdict";
}

/* The machine went away on its own. A triple fault is one of the ways in which a kernel restarts. */
static void decide_end(const struct job_report *r, const struct splat *worst, struct record *ret)
{
	if (r->end == MACHINE_DIED) {
		verdict_set(ret, VERDICT_INFRA, "the engine died: %s",
			r->end_why ? r->end_why : "no reason told");
	} else if (died_of_splat(worst)) {
		verdict_set(ret, VERDICT_CRASH, "%s", worst->title);
	} else if (r->end == MACHINE_PANICKED) {
		verdict_set(ret, VERDICT_CRASH, "kernel panic");
	} else if (r->end == MACHINE_TRIPLE_FAULT && !ended_in_order(r)) {
		verdict_set(ret, VERDICT_CRASH, "triple fault %s", phase(r));
	} else if (r->broken) {
		verdict_set(ret, VERDICT_LOST, "the agent's channel broke: %s", r->broken);
	} else if (r->kernel_end->halted) {
		verdict_set(ret, VERDICT_LOST, "the guest halted %s", phase(r));
	} else if (r->end == MACHINE_POWERED_OFF) {
		verdict_set(ret, VERDICT_LOST, "the guest powered off %s", phase(r));
	} else if (r->end == MACHINE_RESET || r->end == MACHINE_TRIPLE_FAULT) {
		verdict_set(ret, VERDICT_LOST, "the guest reset %s", phase(r));
	} else {
		verdict_set(ret, VERDICT_LOST, "the guest ended %s%s%s", phase(r),
			r->end_why ? ": " : "", r->end_why ? r->end_why : "");
	}
}

/* ---- what the test said ---- */

static void by_exit(const struct job_exit *x, struct record *ret)
{
	if (x->signalled)
		verdict_set(ret, VERDICT_FAIL, "killed by %s", signal_name(x->code));
	else if (x->code)
		verdict_set(ret, VERDICT_FAIL, "exit code %d", x->code);
	else
		verdict_set(ret, VERDICT_PASS, "exit code 0");
}

/* Documentation/dev-tools/kselftest.rst, tools/testing/selftests/kselftest.h. */
static void by_kselftest(const struct job_exit *x, struct record *ret)
{
	by_exit(x, ret);
	if (x->signalled)
		return;
	if (x->code == 2)
		verdict_set(ret, VERDICT_XFAIL, "exit code 2: expected failure");
	else if (x->code == 3)
		verdict_set(ret, VERDICT_XPASS, "exit code 3: unexpected pass");
	else if (x->code == 4)
		verdict_set(ret, VERDICT_SKIP, "exit code 4: skipped");
}

static void by_automake(const struct job_exit *x, struct record *ret)
{
	by_exit(x, ret);
	if (!x->signalled && x->code == 77)
		verdict_set(ret, VERDICT_SKIP, "exit code 77: skipped");
	else if (!x->signalled && x->code == 99)
		verdict_set(ret, VERDICT_FAIL, "exit code 99: hard error");
}

static void copy_subtests(const struct tap *tap, struct record *ret)
{
	size_t n = tap_count(tap);

	ret->subtests = xcalloc(n + 1, sizeof(*ret->subtests));
	ret->n_subtests = n;
	for (size_t i = 0; i < n; i++) {
		ret->subtests[i] = *tap_at(tap, i);
		ret->subtests[i].name = xstrdup(ret->subtests[i].name);
		ret->subtests[i].reason = xstrdup(ret->subtests[i].reason);
	}
	strv_addv(&ret->problems, tap_problems(tap));
}

void verdict_by_tap(const struct tap *tap, struct record *ret)
{
	size_t n = 0, failed = 0;
	const char *first = NULL;

	copy_subtests(tap, ret);
	for (size_t i = 0; i < ret->n_subtests; i++) {
		enum verdict v = ret->subtests[i].verdict;

		n++;
		if (v == VERDICT_PASS || v == VERDICT_SKIP || v == VERDICT_XFAIL)
			continue;
		if (failed++ == 0)
			first = ret->subtests[i].name;
	}
	if (!tap_seen(tap))
		verdict_set(ret, VERDICT_FAIL, "no test result in its output");
	else if (failed)
		verdict_set(ret, VERDICT_FAIL, "%zu of %zu subtests failed, the first: %s", failed,
			n, first);
	else if (ret->problems.n)
		verdict_set(ret, VERDICT_FAIL, "%s", ret->problems.v[0]);
	else if (tap_verdict(tap) == VERDICT_SKIP)
		verdict_set(ret, VERDICT_SKIP, "all of %zu subtests skipped", n);
	else if (tap_verdict(tap) == VERDICT_PASS)
		verdict_set(ret, VERDICT_PASS, "%zu subtests", n);
	else
		verdict_set(ret, VERDICT_FAIL, "its output is no passing report");
}

/* A report that passes does not excuse a bad end of the program that made it. */
static void by_tap_and_exit(
	const struct verdict_input *in, const struct job_exit *x, struct record *ret)
{
	bool kselftest = in->protocol == PROTOCOL_KSELFTEST;

	if (kselftest && (!in->tap || !tap_seen(in->tap))) {
		by_kselftest(x, ret);
		return;
	}
	verdict_by_tap(in->tap, ret);
	if (ret->verdict != VERDICT_PASS && ret->verdict != VERDICT_SKIP)
		return;
	if (x->signalled)
		verdict_set(ret, VERDICT_FAIL, "its report passes, but it was killed by %s",
			signal_name(x->code));
	else if (x->code && !(kselftest && x->code == 4 && ret->verdict == VERDICT_SKIP))
		verdict_set(
			ret, VERDICT_FAIL, "its report passes, but its exit code is %d", x->code);
}

static void by_protocol(
	const struct verdict_input *in, const struct job_exit *x, struct record *ret)
{
	switch (in->protocol) {
	case PROTOCOL_EXIT:
		by_exit(x, ret);
		break;
	case PROTOCOL_AUTOMAKE:
		by_automake(x, ret);
		break;
	case PROTOCOL_TAP:
	case PROTOCOL_KTAP:
	case PROTOCOL_KSELFTEST:
		by_tap_and_exit(in, x, ret);
		break;
	}
}

/* Setup comes before the test: when it failed the test has no verdict to give. */
static bool setup_failed(const struct verdict_input *in, struct record *ret)
{
	for (size_t i = 0; i < in->command; i++) {
		const struct job_exit *x = &in->report->exits[i];

		if (x->exec_error)
			verdict_set(ret, VERDICT_FAIL, "setup: %s", x->exec_text);
		else if (x->ended && x->signalled)
			verdict_set(ret, VERDICT_FAIL, "setup: killed by %s", signal_name(x->code));
		else if (x->ended && x->code)
			verdict_set(ret, VERDICT_FAIL, "setup: exit code %d", x->code);
		else
			continue;
		return true;
	}
	return false;
}

static void teardown_result(const struct verdict_input *in, struct record *ret)
{
	for (size_t i = in->command + 1; i < in->report->n_exits; i++) {
		const struct job_exit *x = &in->report->exits[i];

		if (ret->verdict != VERDICT_PASS || (x->ended && !x->signalled && x->code == 0))
			continue;
		if (x->exec_error)
			verdict_set(ret, VERDICT_FAIL, "teardown: %s", x->exec_text);
		else if (x->signalled)
			verdict_set(
				ret, VERDICT_FAIL, "teardown: killed by %s", signal_name(x->code));
		else
			verdict_set(ret, VERDICT_FAIL, "teardown: exit code %d", x->code);
	}
}

static void decide_test(
	const struct verdict_input *in, const struct splat *worst, struct record *ret)
{
	const struct job_exit *x = &in->report->exits[in->command];
	const char *taint = tainted_by(in->report, in->fail_on);

	if (setup_failed(in, ret))
		return;
	if (x->exec_error) {
		verdict_set(ret, VERDICT_FAIL, "%s",
			x->exec_text ? x->exec_text : strerror(x->exec_error));
		return;
	}
	if (!x->ended) {
		verdict_set(ret, VERDICT_LOST, "the guest said goodbye without the command's end");
		return;
	}
	by_protocol(in, x, ret);
	teardown_result(in, ret);
	if (worst) /* the kernel's complaint outweighs what the test thinks of itself */
		verdict_set(ret, VERDICT_CRASH, "%s", worst->title);
	else if (taint)
		verdict_set(ret, VERDICT_CRASH,
			"the kernel remembers %s that its log does not show", taint);
}

/* ---- expectations ---- */

void verdict_expect(enum expect expect, bool own_limit, struct record *ret)
{
	switch (expect) {
	case EXPECT_PASS:
		break;
	case EXPECT_FAIL:
		if (ret->verdict == VERDICT_FAIL)
			ret->verdict = VERDICT_XFAIL;
		else if (ret->verdict == VERDICT_PASS)
			ret->verdict = VERDICT_XPASS;
		break;
	case EXPECT_CRASH:
		ret->ok = ret->verdict == VERDICT_CRASH;
		return;
	case EXPECT_TIMEOUT:
		ret->ok = ret->verdict == VERDICT_TIMEOUT && own_limit;
		return;
	}
	ret->ok = ret->verdict == VERDICT_PASS || ret->verdict == VERDICT_XFAIL ||
		  ret->verdict == VERDICT_SKIP;
}

static void copy_exit(const struct job_exit *x, struct record *ret)
{
	ret->leftover = x->leftover;
	if (!x->ended)
		return;
	ret->has_exit = true;
	ret->exit_code = x->signalled ? -1 : x->code;
	ret->signal = x->signalled ? x->code : 0;
	ret->test_ms = x->wall_us / 1000;
}

void verdict_decide(const struct verdict_input *in, struct record *ret)
{
	const struct job_report *r = in->report;
	const struct splat *worst;

	BUG_ON(in->fail_on == SPLAT_NONE || in->command >= r->n_exits);
	ret->verdict = VERDICT_NONE;
	ret->ok = false;
	str_replace(&ret->expected, expect_name(in->expect));
	copy_exit(&r->exits[in->command], ret);
	worst = gather(r, in->fail_on, ret);
	if (r->infra)
		verdict_set(ret, VERDICT_INFRA, "%s", r->infra);
	else if (r->cancelled)
		verdict_set(ret, VERDICT_INFRA, "stopped before a verdict");
	else if (r->limit != LIMIT_NONE)
		decide_limit(r, worst, ret);
	else if (!r->bye)
		decide_end(r, worst, ret);
	else
		decide_test(in, worst, ret);
	verdict_expect(in->expect, r->limit == LIMIT_TEST || r->limit == LIMIT_IDLE, ret);
}

/* A command in front of the test, or the test itself, speaks for the whole. */
static bool is_decided(const struct verdict_input *in)
{
	const struct job_exit *x = in->report->exits;

	for (size_t i = 0; i < in->command; i++)
		if (x[i].ended && (x[i].signalled || x[i].code))
			return true;
	return x[in->command].ended;
}

bool verdict_is_failing(const struct verdict_input *in, enum guest_moment moment)
{
	struct job_report r = *in->report;
	struct verdict_input now = *in;
	struct record rec = RECORD_INIT;
	bool failing;

	if (moment == MOMENT_LIMIT)
		return in->expect != EXPECT_TIMEOUT;
	if (moment == MOMENT_ENDED)
		return in->expect != EXPECT_CRASH;
	if (!is_decided(in))
		return false;
	r.bye = r.kmsg_whole = true;
	splats_end(r.kmsg);
	now.report = &r;
	verdict_decide(&now, &rec);
	failing = !rec.ok;
	record_release(&rec);
	return failing;
}

int verdict_exit_code(const struct verdict_input *in, const struct record *r)
{
	const struct job_exit *x = &in->report->exits[in->command];

	switch (r->verdict) {
	case VERDICT_CRASH:
		return EXIT_CRASH;
	case VERDICT_LOST:
	case VERDICT_NONE:
		return EXIT_LOST;
	case VERDICT_TIMEOUT:
		return EXIT_TIMEOUT;
	case VERDICT_INFRA:
		return EXIT_INFRA;
	default:
		break;
	}
	if (x->exec_error) /* a folder or a user that is missing is no missing command */
		return x->exec_error == ENOENT && x->exec_text &&
				       str_starts(x->exec_text, "cannot execute")
			       ? 127
			       : 126;
	return x->signalled ? 128 + x->code : x->code;
}
