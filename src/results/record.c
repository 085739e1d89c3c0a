/* SPDX-License-Identifier: MIT */
/* A record, written: the fields in the order of the structure, what says nothing left out. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "results/results.h"

static void release_splats(struct record *r)
{
	for (size_t i = 0; i < r->n_splats; i++) {
		free(r->splats[i].kind);
		free(r->splats[i].title);
		free(r->splats[i].signature);
		free(r->splats[i].text);
	}
	free(r->splats);
}

static void release_subtests(struct record *r)
{
	for (size_t i = 0; i < r->n_subtests; i++) {
		free(r->subtests[i].name);
		free(r->subtests[i].reason);
	}
	free(r->subtests);
}

static void release_steps(struct record *r)
{
	for (size_t i = 0; i < r->n_steps; i++)
		free(r->steps[i].name);
	free(r->steps);
}

void record_add_step(struct record *r, const char *name, int64_t us)
{
	r->steps = xrealloc(r->steps, (r->n_steps + 1) * sizeof(*r->steps));
	r->steps[r->n_steps++] = (struct record_step){ xstrdup(name), us };
}

void record_release(struct record *r)
{
	char *strings[] = { r->id, r->test, r->kernel, r->machine, r->suite, r->expected, r->reason,
		r->limit, r->started, r->release, r->engine, r->accel, r->accel_why,
		r->machine_type, r->isolate, r->isolate_why, r->ended_by, r->dir, r->tail,
		r->console_tail, r->rerun, r->resume };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	release_splats(r);
	release_subtests(r);
	release_steps(r);
	strv_release(&r->problems);
	strv_release(&r->artifacts);
	strv_release(&r->tags);
	*r = (struct record)RECORD_INIT;
}

static void set_text(json_t *o, const char *key, const char *s)
{
	if (s && *s)
		json_object_set_new(o, key, json_text(s, strlen(s)));
}

/* NOTHING is the value that says nothing. */
static void set_int(json_t *o, const char *key, int64_t v, int64_t nothing)
{
	if (v != nothing)
		json_object_set_new(o, key, json_integer(v));
}

static void set_strv(json_t *o, const char *key, const struct strv *s)
{
	if (s->n)
		json_object_set_new(o, key, json_strv(s));
}

static void set_splats(json_t *o, const struct record *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_splats; i++) {
		const struct record_splat *s = &r->splats[i];
		json_t *v = json_object();

		set_text(v, "kind", s->kind);
		set_text(v, "title", s->title);
		set_text(v, "signature", s->signature);
		set_text(v, "text", s->text);
		json_array_append_new(a, v);
	}
	json_object_set_new(o, "splats", a);
}

static void set_subtests(json_t *o, const struct record *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_subtests; i++) {
		const struct subtest *s = &r->subtests[i];
		json_t *v = json_object();

		set_text(v, "name", s->name);
		json_object_set_new(v, "verdict", json_string(verdict_name(s->verdict)));
		set_text(v, "reason", s->reason);
		set_int(v, "line", s->line, 0);
		set_int(v, "duration_ms", s->duration_ms, -1);
		json_array_append_new(a, v);
	}
	json_object_set_new(o, "subtests", a);
}

static void set_steps(json_t *o, const struct record *r)
{
	json_t *v = json_object();

	for (size_t i = 0; i < r->n_steps; i++)
		json_object_set_new(v, r->steps[i].name, json_integer(r->steps[i].us));
	json_object_set_new(o, "steps_us", v);
}

static void set_identity(json_t *o, const struct record *r)
{
	json_object_set_new(o, "schema", json_integer(RECORD_SCHEMA));
	set_text(o, "id", r->id);
	set_text(o, "test", r->test);
	set_text(o, "kernel", r->kernel);
	set_text(o, "machine", r->machine);
	set_text(o, "suite", r->suite);
	json_object_set_new(o, "verdict", json_string(verdict_name(r->verdict)));
	json_object_set_new(o, "ok", json_boolean(r->ok));
	set_text(o, "expected", r->expected);
	set_text(o, "reason", r->reason);
	set_text(o, "limit", r->limit);
	if (r->has_exit)
		json_object_set_new(o, "exit_code", json_integer(r->exit_code));
	set_int(o, "signal", r->signal, 0);
	if (r->n_splats)
		set_splats(o, r);
	if (r->n_subtests)
		set_subtests(o, r);
	set_strv(o, "problems", &r->problems);
}

static void set_circumstances(json_t *o, const struct record *r)
{
	set_text(o, "started", r->started);
	set_int(o, "duration_ms", r->duration_ms, -1);
	set_int(o, "boot_ms", r->boot_ms, -1);
	set_int(o, "test_ms", r->test_ms, -1);
	if (r->n_steps)
		set_steps(o, r);
	set_text(o, "release", r->release);
	set_text(o, "engine", r->engine);
	set_text(o, "accel", r->accel);
	set_text(o, "accel_why", r->accel_why);
	set_text(o, "machine_type", r->machine_type);
	set_text(o, "isolate", r->isolate);
	set_text(o, "isolate_why", r->isolate_why);
	if (r->deterministic)
		json_object_set_new(o, "deterministic", json_true());
	set_text(o, "ended_by", r->ended_by);
	set_int(o, "engine_cpu_ms", r->engine_cpu_ms, -1);
	set_int(o, "engine_maxrss_kib", r->engine_maxrss_kib, -1);
	set_int(o, "cpus", r->cpus, 0);
	set_int(o, "memory_mib", r->memory_mib, 0);
	json_object_set_new(o, "attempt", json_integer(r->attempt));
	set_text(o, "dir", r->dir);
	set_strv(o, "artifacts", &r->artifacts);
	json_object_set_new(o, "stdout_bytes", json_integer(r->stdout_bytes));
	json_object_set_new(o, "stderr_bytes", json_integer(r->stderr_bytes));
	if (r->output_truncated)
		json_object_set_new(o, "output_truncated", json_true());
	set_int(o, "leftover", r->leftover, 0);
	set_text(o, "tail", r->tail);
	set_text(o, "console_tail", r->console_tail);
	set_text(o, "rerun", r->rerun);
	set_text(o, "resume", r->resume);
	set_strv(o, "tags", &r->tags);
}

void record_write(struct buf *b, const struct record *r)
{
	_cleanup_json_ json_t *o = json_object();

	set_identity(o, r);
	set_circumstances(o, r);
	json_line(b, o);
	buf_addc(b, '\n');
}
