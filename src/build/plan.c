/* SPDX-License-Identifier: MIT */
/* What is to be built and where: everything that is known before anything is written. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "build/private.h"

#define WAIT_STEP_MS 10000

void job_say(const struct job *j, enum build_stage stage, const char *fmt, ...)
{
	const struct build_watch *w = j->how->watch;
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (!w || !w->stage)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	w->stage(w->arg, stage, line);
}

void job_release(struct job *j)
{
	source_release(&j->source);
	toolchain_release(&j->tools);
	kconfig_wishes_release(&j->wishes);
	free(j->label);
	free(j->out);
	free(j->log);
	fd_close(j->lock);
	strv_release(&j->unmet);
	*j = (struct job)JOB_INIT;
}

/* ---- the source ---- */

static void source_line(void *arg, const char *line)
{
	job_say(arg, BUILD_SOURCE, "%s", line);
}

static int get_source(struct job *j, struct err *e)
{
	struct source_options o = {
		.patches = j->spec->patches,
		.unchecked = j->how->unchecked,
		.offline = j->how->offline,
		.progress = source_line,
		.arg = j,
	};
	int r = source_get(j->spec->source, j->spec->dir, &o, &j->source, e);

	if (r < 0)
		return r;
	if (j->source.dirty)
		job_say(j, BUILD_SOURCE, "%s: %s: what is built of it is not cached",
			j->source.label, j->source.dirty);
	return 0;
}

/* ---- the key ---- */

static void make_key(struct job *j)
{
	struct hash *h = hash_new();

	hash_adds(h, "a kernel built, 1");
	hash_adds(h, j->source.identity);
	hash_adds(h, j->recipe);
	hash_adds(h, j->tools.arch);
	hash_adds(h, j->tools.text);
	hash_final(h, j->key);
}

/* ---- the folder ---- */

static bool asks_nothing(const struct build_spec *s)
{
	return !s->base && (!s->fragments || !s->fragments->n) && (!s->options || !s->options->n) &&
	       (!s->patches || !s->patches->n);
}

static bool has_file(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);

	return file_exists(path);
}

static int in_place_but_other(const struct job *j, struct err *e)
{
	err_set(e, -EINVAL,
		"the tree %s was configured in place, and make builds such a tree with no other "
		"configuration",
		j->source.dir);
	return err_hint(e,
		"Build it as it is (without base, fragments and options), or keep its .config "
		"elsewhere, run make -C %s mrproper, and name that file with --base.",
		j->source.dir);
}

/*
 * One folder for all that is built of a source by the same compilers, in turn: another configuration of it
 * compiles what differs. For a tree of the caller's, one for all its states and each recipe.
 */
static int own_out(struct job *j, struct err *e)
{
	_cleanup_free_ char *builds = NULL;
	char id[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r;

	hash_adds(h, "a build folder, 2");
	if (j->source.in_place) {
		hash_adds(h, j->source.dir);
		hash_adds(h, j->recipe);
	} else {
		hash_adds(h, j->source.identity);
		hash_adds(h, j->tools.arch);
	}
	hash_adds(h, j->tools.text);
	hash_final(h, id);
	r = path_cache_sub("builds", &builds, e);
	if (r == 0)
		j->out = path_join(builds, id);
	return r;
}

static int choose_out(struct job *j, struct err *e)
{
	const char *output = getenv("KBUILD_OUTPUT");
	int r = 0;

	if (j->source.in_place && source_is_configured(j->source.dir)) {
		if (!asks_nothing(j->spec))
			return in_place_but_other(j, e);
		j->out = xstrdup(j->source.dir);
		j->own = true;
	} else if (j->source.in_place && output && *output && asks_nothing(j->spec)) {
		_cleanup_free_ char *out = path_absolute(output, j->spec->dir);

		if (has_file(out, ".config")) {
			j->out = TAKE_PTR(out);
			j->own = true;
		}
	}
	if (!j->out)
		r = own_out(j, e);
	if (r < 0)
		return r;
	j->log = path_join(j->out, j->own ? "vmrig-build.log" : "build.log");
	if (j->own)
		j->key[0] = '\0';
	return 0;
}

int job_plan(struct job *j, const struct build_spec *s, const struct build_how *how, struct err *e)
{
	int r;

	j->spec = s;
	j->how = how;
	r = recipe_wishes(s, &j->wishes, e);
	if (r == 0)
		r = build_recipe(s, j->recipe, e);
	if (r == 0)
		r = toolchain_find(s, recipe_wants_btf(s, &j->wishes), &j->tools, e);
	if (r == 0)
		r = get_source(j, e);
	if (r < 0)
		return r;
	j->label = xstrdup(s->label ? s->label : j->source.label);
	if (j->source.identity)
		make_key(j);
	return choose_out(j, e);
}

int job_lock(struct job *j, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	bool told = false;
	int r = dir_make(j->out, 0755, e);

	if (r < 0)
		return r;
	path = j->own ? path_join(j->out, ".vmrig.lock") : xasprintf("%s.lock", j->out);
	for (;;) {
		struct err why = ERR_INIT;

		j->lock = lock_take(path, false, told ? clock_ms() + WAIT_STEP_MS : 0, &why);
		if (j->lock == -ETIMEDOUT && !told)
			job_say(j, BUILD_CONFIG, "waiting: %s", err_text(&why));
		told = true;
		r = j->lock;
		if (r != -ETIMEDOUT) {
			if (r < 0)
				err_move(e, &why);
			err_release(&why);
			return r < 0 ? r : 0;
		}
		err_release(&why);
	}
}

/* ---- for people ---- */

int build_plan(const struct build_spec *s, const struct build_how *how, struct build_plan *ret,
	struct err *e)
{
	struct job j = JOB_INIT;
	struct cache_entry c = { 0 };
	struct build_plan p = { 0 };
	int r = job_plan(&j, s, how, e);

	if (r < 0) {
		job_release(&j);
		return r;
	}
	if (*j.key && cache_load(j.key, &c, NULL) == 0)
		p.entry = TAKE_PTR(c.dir);
	cache_entry_release(&c);
	p.label = TAKE_PTR(j.label);
	p.source = TAKE_PTR(j.source.dir);
	p.version = TAKE_PTR(j.source.version);
	p.identity = TAKE_PTR(j.source.identity);
	p.dirty = TAKE_PTR(j.source.dirty);
	p.key = *j.key ? xstrdup(j.key) : NULL;
	p.recipe = xstrdup(j.recipe);
	p.toolchain = TAKE_PTR(j.tools.text);
	p.out = TAKE_PTR(j.out);
	job_release(&j);
	*ret = p;
	return 0;
}

void build_plan_release(struct build_plan *p)
{
	free(p->label);
	free(p->source);
	free(p->version);
	free(p->identity);
	free(p->dirty);
	free(p->key);
	free(p->recipe);
	free(p->toolchain);
	free(p->out);
	free(p->entry);
	*p = (struct build_plan){ 0 };
}
