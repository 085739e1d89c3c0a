/* SPDX-License-Identifier: MIT */
/* What lines of a serial port mean: the patterns of a grammar, each line held against them once. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/private.h"

void os_grammar_copy(struct os_grammar *dst, const struct os_grammar *src)
{
	*dst = (struct os_grammar){
		.serial = src->serial,
		.start = xstrdup(src->start),
		.pass = xstrdup(src->pass),
		.fail = xstrdup(src->fail),
		.panic = xstrdup(src->panic),
		.end = xstrdup(src->end),
		.case_pass = xstrdup(src->case_pass),
		.case_fail = xstrdup(src->case_fail),
		.case_skip = xstrdup(src->case_skip),
	};
}

void os_grammar_release(struct os_grammar *g)
{
	free(g->start);
	free(g->pass);
	free(g->fail);
	free(g->panic);
	free(g->end);
	free(g->case_pass);
	free(g->case_fail);
	free(g->case_skip);
	*g = (struct os_grammar){ 0 };
}

int os_grammar_start(struct os *o, struct err *e)
{
	const struct os_grammar *g = o->spec.grammar;
	const struct {
		const char *text;
		struct os_pattern **to;
	} all[] = {
		{ g->start, &o->words[OS_WORD_START] },
		{ g->pass, &o->words[OS_WORD_PASS] },
		{ g->fail, &o->words[OS_WORD_FAIL] },
		{ g->panic, &o->words[OS_WORD_PANIC] },
		{ g->end, &o->words[OS_WORD_END] },
		{ g->case_pass, &o->cases[OS_CASE_PASS] },
		{ g->case_fail, &o->cases[OS_CASE_FAIL] },
		{ g->case_skip, &o->cases[OS_CASE_SKIP] },
	};
	int r = 0;

	o->report.planned = -1;
	for (size_t i = 0; i < ARRAY_SIZE(all) && r >= 0; i++)
		if (all[i].text)
			r = os_pattern_new(all[i].text, all[i].to, e);
	return r;
}

void os_grammar_release_run(struct os *o)
{
	for (size_t i = 0; i < OS_WORDS; i++)
		os_pattern_free(o->words[i]);
	for (size_t i = 0; i < ARRAY_SIZE(o->cases); i++)
		os_pattern_free(o->cases[i]);
}

static struct os_said *said(struct os *o, enum os_word w)
{
	struct os_said *const all[] = { &o->report.start, &o->report.pass, &o->report.fail,
		&o->report.panic, &o->report.end_said };

	return all[w];
}

static void take_count(struct os *o, const char *count)
{
	int64_t n;

	if (count && str_to_i64(count, 0, OS_CASES_MAX, &n) == 0)
		o->report.planned = n;
}

static void hear(struct os *o, enum os_word w, const char *line, size_t len)
{
	struct os_said *s = said(o, w);
	struct os_match m;
	struct buf clean = BUF_INIT;

	if (s->line || !o->words[w] || !os_pattern_match(o->words[w], line, len, &m))
		return;
	if (w == OS_WORD_START)
		take_count(o, m.count);
	free(m.name);
	free(m.count);
	text_clean(&clean, line, len);
	s->line = buf_detach(&clean);
	s->ms = os_elapsed_ms(o);
	if (w == OS_WORD_START)
		os_step_heard(o);
}

static void add_case(struct os *o, enum os_case_result result, const char *line, size_t len)
{
	struct os_pattern *p = o->cases[result];
	struct os_report *r = &o->report;
	struct buf clean = BUF_INIT;
	struct os_match m;

	if (!p || !os_pattern_match(p, line, len, &m))
		return;
	free(m.count);
	if (r->n_cases == OS_CASES_MAX) {
		r->cases_lost++;
		free(m.name);
		return;
	}
	if (!m.name)
		m.name = xstrndup(line + m.from, m.to - m.from);
	text_clean(&clean, m.name, strlen(m.name));
	free(m.name);
	r->cases = xrealloc(r->cases, (r->n_cases + 1) * sizeof(*r->cases));
	r->cases[r->n_cases++] = (struct os_case){ buf_detach(&clean), result };
}

/* The line of the start may say more than that: "panic" there counts. */
void os_grammar_open_line(struct os *o, const char *line, size_t len)
{
	if (os_preparing(o)) {
		hear(o, OS_WORD_PANIC, line, len);
		return;
	}
	hear(o, OS_WORD_START, line, len);
	if (o->words[OS_WORD_START] && !o->report.start.line)
		return;
	for (enum os_word w = OS_WORD_PASS; w < OS_WORDS; w++)
		hear(o, w, line, len);
}

void os_grammar_line(struct os *o, const char *line, size_t len)
{
	os_grammar_open_line(o, line, len);
	if (os_preparing(o))
		return;
	if (o->words[OS_WORD_START] && !o->report.start.line)
		return;
	add_case(o, OS_CASE_PASS, line, len);
	add_case(o, OS_CASE_FAIL, line, len);
	add_case(o, OS_CASE_SKIP, line, len);
	if (o->h.line)
		o->h.line(o->h.arg, line, len);
}
