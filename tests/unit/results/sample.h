/* SPDX-License-Identifier: MIT */
/* Records to test with. */
#ifndef TEST_RESULTS_SAMPLE_H
#define TEST_RESULTS_SAMPLE_H

#include "harness.h"

static inline struct record *add_record(struct records *r, const char *id, enum verdict v, bool ok)
{
	struct record *c;

	VEC_GROW(r->v, r->n, r->cap);
	c = &r->v[r->n++];
	*c = (struct record)RECORD_INIT;
	c->id = xstrdup(id);
	c->verdict = v;
	c->ok = ok;
	c->duration_ms = 1240;
	return c;
}

static inline void add_subtest(
	struct record *c, const char *name, enum verdict v, const char *reason)
{
	c->subtests = xrealloc(c->subtests, (c->n_subtests + 1) * sizeof(*c->subtests));
	c->subtests[c->n_subtests++] = (struct subtest){ .name = xstrdup(name),
		.verdict = v,
		.reason = xstrdup(reason),
		.line = (uint32_t)c->n_subtests + 1,
		.duration_ms = 7 };
}

static inline void add_splat(struct record *c, const char *title, const char *text)
{
	c->splats = xrealloc(c->splats, (c->n_splats + 1) * sizeof(*c->splats));
	c->splats[c->n_splats++] = (struct record_splat){ xstrdup("kasan"), xstrdup(title),
		xstrdup("kasan:foo"), xstrdup(text) };
}

/* One of everything that can happen. */
static inline void fill_records(struct records *r)
{
	struct record *c;

	add_record(r, "boot", VERDICT_PASS, true);
	add_record(r, "no-device", VERDICT_SKIP, true)->reason = xstrdup("no device");
	add_record(r, "known", VERDICT_XFAIL, true)->reason = xstrdup("bug 7");
	c = add_record(r, "panic", VERDICT_CRASH, true);
	c->expected = xstrdup("crash");
	add_splat(c, "Kernel panic - not syncing: sysrq", "Call Trace:\n panic+0x1\n");
	c = add_record(r, "net/bind", VERDICT_FAIL, false);
	c->reason = xstrdup("exit code 3");
	c->tail = xstrdup("first\nsecond\n");
	c->console_tail = xstrdup("[ 1.0] eth0: up\n");
	c->rerun = xstrdup("vmrig test --filter net/bind");
	add_subtest(c, "v4", VERDICT_PASS, NULL);
	add_subtest(c, "v6", VERDICT_FAIL, "no route");
	add_subtest(c, "#3", VERDICT_NONE, NULL);
	strv_add(&c->problems, "line 4: 1 of the 3 tests planned on line 1 never came: 3");
	add_record(r, "fixed", VERDICT_XPASS, false);
	c = add_record(r, "uaf", VERDICT_CRASH, false);
	add_splat(
		c, "KASAN: use-after-free in foo", "Call Trace:\n foo+0x12/0x34 (net/foo.c:12)\n");
	add_record(r, "gone", VERDICT_LOST, false);
	add_record(r, "never", VERDICT_NONE, false);
	add_record(r, "slow", VERDICT_TIMEOUT, false)->limit = xstrdup("test");
	add_record(r, "rig", VERDICT_INFRA, false)->reason = xstrdup("no disk");
	add_record(r, "shaky", VERDICT_PASS, true)->attempt = 2;
}

static inline struct report_info whole_run(const struct records *r)
{
	return (struct report_info){ .suite = "demo",
		.dir = "results/7",
		.complete = true,
		.planned = r->n,
		.duration_ms = 14200 };
}

#define HOSTILE \
	"]]> <a&b> \"q\" \033[31mred\033[0m \001\002\x7f \xff\xfe \xef\xbf\xbf \xf0\x9f\x90\xa7 % , : | `x` \r\n# ok 1"

#endif
