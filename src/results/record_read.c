/* SPDX-License-Identifier: MIT */
/* A record, read. Unknown fields are passed over; a field of another type is an error that names it. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "results/results.h"

static int read_verdict(const json_t *o, enum verdict *ret, struct err *e)
{
	_cleanup_free_ char *name = NULL;
	int r = json_field_str(o, "verdict", &name, e);

	if (r < 0)
		return r;
	if (!name)
		return err_set(e, -EINVAL, "\"verdict\" is missing");
	*ret = verdict_parse(name);
	if (*ret == VERDICT_NONE && !streq(name, "none"))
		return err_set(e, -EINVAL, "\"%s\" is no verdict", name);
	return 0;
}

static int read_subtest(const json_t *o, struct subtest *ret, struct err *e)
{
	int64_t line;
	int r;

	if (!json_is_object(o))
		return err_set(e, -EINVAL, "a subtest is not an object");
	if ((r = json_field_str(o, "name", &ret->name, e)) < 0 ||
		(r = read_verdict(o, &ret->verdict, e)) < 0 ||
		(r = json_field_str(o, "reason", &ret->reason, e)) < 0 ||
		(r = json_field_i64(o, "line", 0, &line, e)) < 0 ||
		(r = json_field_i64(o, "duration_ms", -1, &ret->duration_ms, e)) < 0)
		return r;
	if (!ret->name)
		ret->name = xstrdup("");
	if (line < 0 || line > UINT32_MAX)
		return err_set(e, -ERANGE, "\"line\" of a subtest is out of range");
	ret->line = (uint32_t)line;
	return 0;
}

static int read_splat(const json_t *o, struct record_splat *ret, struct err *e)
{
	int r;

	if (!json_is_object(o))
		return err_set(e, -EINVAL, "a splat is not an object");
	if ((r = json_field_str(o, "kind", &ret->kind, e)) < 0 ||
		(r = json_field_str(o, "title", &ret->title, e)) < 0 ||
		(r = json_field_str(o, "signature", &ret->signature, e)) < 0)
		return r;
	return json_field_str(o, "text", &ret->text, e);
}

static int read_array(const json_t *o, const char *key, const json_t **ret, struct err *e)
{
	*ret = json_object_get(o, key);
	if (*ret && !json_is_array(*ret))
		return err_set(e, -EINVAL, "\"%s\" is not an array", key);
	return 0;
}

static int read_steps(const json_t *o, struct record *r, struct err *e)
{
	json_t *steps = json_object_get(o, "steps_us"), *v;
	const char *name;

	if (steps && !json_is_object(steps))
		return err_set(e, -EINVAL, "\"steps_us\" is not an object");
	json_object_foreach (steps, name, v) {
		if (!json_is_integer(v))
			return err_set(e, -EINVAL, "\"%s\" of \"steps_us\" is not a number", name);
		record_add_step(r, name, json_integer_value(v));
	}
	return 0;
}

static int read_lists(const json_t *o, struct record *r, struct err *e)
{
	const json_t *a;
	int k;

	k = read_array(o, "splats", &a, e);
	if (k < 0)
		return k;
	r->splats = json_array_size(a) ? xcalloc(json_array_size(a), sizeof(*r->splats)) : NULL;
	for (size_t i = 0; i < json_array_size(a); i++) {
		r->n_splats = i + 1;
		k = read_splat(json_array_get(a, i), &r->splats[i], e);
		if (k < 0)
			return k;
	}
	k = read_array(o, "subtests", &a, e);
	if (k < 0)
		return k;
	r->subtests = json_array_size(a) ? xcalloc(json_array_size(a), sizeof(*r->subtests)) : NULL;
	for (size_t i = 0; i < json_array_size(a); i++) {
		r->n_subtests = i + 1;
		k = read_subtest(json_array_get(a, i), &r->subtests[i], e);
		if (k < 0)
			return k;
	}
	if ((k = read_steps(o, r, e)) < 0 ||
		(k = json_field_strv(o, "problems", &r->problems, e)) < 0 ||
		(k = json_field_strv(o, "artifacts", &r->artifacts, e)) < 0)
		return k;
	return json_field_strv(o, "tags", &r->tags, e);
}

static int read_strings(const json_t *o, struct record *r, struct err *e)
{
	const struct {
		const char *key;
		char **to;
	} table[] = {
		{ "id", &r->id },
		{ "test", &r->test },
		{ "kernel", &r->kernel },
		{ "machine", &r->machine },
		{ "suite", &r->suite },
		{ "expected", &r->expected },
		{ "reason", &r->reason },
		{ "limit", &r->limit },
		{ "started", &r->started },
		{ "release", &r->release },
		{ "engine", &r->engine },
		{ "accel", &r->accel },
		{ "accel_why", &r->accel_why },
		{ "machine_type", &r->machine_type },
		{ "isolate", &r->isolate },
		{ "isolate_why", &r->isolate_why },
		{ "ended_by", &r->ended_by },
		{ "dir", &r->dir },
		{ "tail", &r->tail },
		{ "console_tail", &r->console_tail },
		{ "rerun", &r->rerun },
		{ "resume", &r->resume },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int k = json_field_str(o, table[i].key, table[i].to, e);

		if (k < 0)
			return k;
	}
	return 0;
}

static int read_int(const json_t *o, const char *key, int *ret, struct err *e)
{
	int64_t v;
	int k = json_field_i64(o, key, 0, &v, e);

	if (k < 0)
		return k;
	if (v < INT_MIN || v > INT_MAX)
		return err_set(e, -ERANGE, "\"%s\" is out of range", key);
	*ret = (int)v;
	return 0;
}

static int read_numbers(const json_t *o, struct record *r, struct err *e)
{
	const struct {
		const char *key;
		int64_t dflt;
		int64_t *to;
	} table[] = {
		{ "duration_ms", -1, &r->duration_ms },
		{ "boot_ms", -1, &r->boot_ms },
		{ "test_ms", -1, &r->test_ms },
		{ "engine_cpu_ms", -1, &r->engine_cpu_ms },
		{ "engine_maxrss_kib", -1, &r->engine_maxrss_kib },
		{ "cpus", 0, &r->cpus },
		{ "memory_mib", 0, &r->memory_mib },
		{ "attempt", 1, &r->attempt },
		{ "stdout_bytes", 0, &r->stdout_bytes },
		{ "stderr_bytes", 0, &r->stderr_bytes },
		{ "leftover", 0, &r->leftover },
	};
	int k;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		k = json_field_i64(o, table[i].key, table[i].dflt, table[i].to, e);
		if (k < 0)
			return k;
	}
	r->has_exit = json_object_get(o, "exit_code") != NULL;
	if ((k = read_int(o, "exit_code", &r->exit_code, e)) < 0 ||
		(k = read_int(o, "signal", &r->signal, e)) < 0 ||
		(k = json_field_bool(o, "ok", false, &r->ok, e)) < 0 ||
		(k = json_field_bool(o, "deterministic", false, &r->deterministic, e)) < 0)
		return k;
	return json_field_bool(o, "output_truncated", false, &r->output_truncated, e);
}

static int read_object(const json_t *o, struct record *r, struct err *e)
{
	int64_t schema;
	int k;

	if (!json_is_object(o))
		return err_set(e, -EINVAL, "not an object");
	k = json_field_i64(o, "schema", 0, &schema, e);
	if (k < 0)
		return k;
	if (schema > RECORD_SCHEMA) {
		err_set(e, -EPROTONOSUPPORT,
			"the record has schema %lld; this vmrig reads up to %d", (long long)schema,
			RECORD_SCHEMA);
		err_hint(e, "A newer vmrig wrote it: use that one to read it.");
		return -EPROTONOSUPPORT;
	}
	if (schema < 1)
		return err_set(e, -EINVAL, "\"schema\" is missing");
	if ((k = read_verdict(o, &r->verdict, e)) < 0 || (k = read_strings(o, r, e)) < 0 ||
		(k = read_numbers(o, r, e)) < 0 || (k = read_lists(o, r, e)) < 0)
		return k;
	if (!r->id)
		return err_set(e, -EINVAL, "\"id\" is missing");
	return 0;
}

int record_read(
	const char *json, size_t len, const char *what, int line, struct record *ret, struct err *e)
{
	_cleanup_free_ char *place = xasprintf("%s, line %d", what, line);
	_cleanup_json_ json_t *o = NULL;
	struct record r = RECORD_INIT;
	int k;

	k = json_parse(json, len, place, &o, e);
	if (k < 0)
		return k;
	k = read_object(o, &r, e);
	if (k < 0) {
		err_wrap(e, "%s", place);
		record_release(&r);
		return k;
	}
	*ret = r;
	return 0;
}
