/* SPDX-License-Identifier: MIT */
#include "bench/stages.h"

#include <stdio.h>
#include <string.h>

static struct stage *stage_of(struct stages *s, const char *name)
{
	struct stage *t;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	if (s->n == STAGES_MAX)
		return NULL;
	t = &s->v[s->n++];
	snprintf(t->name, sizeof(t->name), "%s", name);
	for (size_t i = 0; i < RUNS_MAX; i++)
		t->at_ms[i] = -1;
	return t;
}

void stages_add(struct stages *s, const char *line)
{
	const char *start = strstr(line, "{\"schema\":");
	json_t *record = start && s->runs < RUNS_MAX
				 ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL)
				 : NULL,
	       *at;
	const char *name;

	if (!record)
		return;
	json_object_foreach (json_object_get(record, "steps_us"), name, at) {
		struct stage *t = stage_of(s, name);

		if (t)
			t->at_ms[s->runs] = (double)json_integer_value(at) / 1e3;
	}
	s->runs++;
	json_decref(record);
}

/* How long stage I took in each run that had it and the one before. */
static size_t lengths(const struct stages *s, size_t i, double ret[RUNS_MAX])
{
	size_t n = 0;

	for (size_t k = 0; k < s->runs; k++) {
		double before = i ? s->v[i - 1].at_ms[k] : 0;

		if (s->v[i].at_ms[k] >= 0 && before >= 0)
			ret[n++] = s->v[i].at_ms[k] - before;
	}
	return n;
}

void stages_print(const struct stages *s, json_t *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		double v[RUNS_MAX];
		size_t n = lengths(s, i, v);
		struct spread p;

		if (!n)
			continue;
		p = spread_of(v, n);
		printf("      until %-36s %9.2f   %9.2f .. %-9.2f ms\n", s->v[i].name, p.median,
			p.min, p.max);
		json_object_set_new(ret, s->v[i].name, spread_json(p));
	}
}
