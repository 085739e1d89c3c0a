/* SPDX-License-Identifier: MIT */
#include "build/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "build/private.h"

#define TREE_FILE "vmrig-tree" /* in a build folder: the caller's own tree that it is of */

/* ---- compiling ---- */

static int mark_tree(const struct job *j, struct err *e)
{
	_cleanup_free_ char *path = path_join(j->out, TREE_FILE);

	if (!j->source.in_place || j->own)
		return 0;
	return file_write_atomic(path, j->source.dir, strlen(j->source.dir), 0644, e);
}

static int compile(struct job *j, struct err *e)
{
	_cleanup_free_ char *path = path_join(j->out, ".config");
	const char *targets[] = { j->tools.target, NULL, NULL };
	struct kconfig *config = NULL;
	int r = kconfig_load(path, &config, e);

	if (r < 0)
		return r;
	r = needs_check(j, config, e);
	if (j->spec->modules && kconfig_tristate(config, "MODULES") == 'y')
		targets[1] = "modules";
	if (r == 0)
		j->steps = steps_expected(j->recipe, j->tools.arch, config, &j->estimated);
	kconfig_free(config);
	if (r < 0)
		return r;
	job_say(j, BUILD_COMPILE, "compiling %s in %s", j->label, j->out);
	return make_run(j, targets, true, e);
}

/* In J's build folder, from whatever state it is in. */
static int build_out(struct job *j, struct err *e)
{
	int r = job_lock(j, e);

	if (r == 0)
		r = mark_tree(j, e);
	if (r < 0)
		return r;
	make_forget_log(j);
	r = configure(j, e);
	if (r == 0)
		r = compile(j, e);
	return r;
}

/* ---- a kernel that is not stored ---- */

static int take_loose(const struct job *j, struct kernel *ret, struct err *e)
{
	int r = kernel_resolve(j->out, NULL, ret, e);

	if (r == 0)
		r = kernel_note_tree(
			j->source.dir, streq(j->out, j->source.dir) ? NULL : j->out, e);
	if (r == 0)
		str_replace(&ret->label, j->label);
	return r;
}

static int build_loose(struct job *j, struct kernel *ret, struct err *e)
{
	int r = build_out(j, e);

	return r < 0 ? r : take_loose(j, ret, e);
}

/* ---- one that is ---- */

/* Somebody may have edited the tree while it was compiled. 1: it is another now. */
static int source_changed(struct job *j, struct err *e)
{
	struct source_options o = { .offline = true, .patches = j->spec->patches };
	struct source now = { 0 };
	int r;

	if (!j->source.in_place)
		return 0;
	r = source_get(j->spec->source, j->spec->dir, &o, &now, e);
	if (r == 0)
		r = !now.identity || !streq(now.identity, j->source.identity);
	source_release(&now);
	return r;
}

static int from_cache(const struct job *j, struct kernel *ret, struct err *e)
{
	struct cache_entry c = { 0 };
	int r = cache_load(j->key, &c, e);

	if (r < 0)
		return r;
	r = cache_add_label(&c, j->label, e);
	if (r < 0) {
		cache_entry_release(&c);
		return r;
	}
	if (j->source.in_place)
		r = kernel_note_tree(j->source.dir, c.dir, e);
	cache_take_kernel(&c, j->label, ret);
	return r;
}

static int build_and_store(struct job *j, struct cache_build *b, struct kernel *ret, struct err *e)
{
	int r = build_out(j, e);

	if (r < 0)
		return r;
	r = source_changed(j, e);
	if (r < 0)
		return r;
	if (r == 1) {
		job_say(j, BUILD_STORE,
			"%s was changed while it was compiled: what came of it is not cached",
			j->source.label);
		return take_loose(j, ret, e);
	}
	job_say(j, BUILD_STORE, "storing %s", j->key);
	r = store(j, b, e);
	if (r == 0)
		shared_put(j, b->dir);
	return r < 0 ? r : from_cache(j, ret, e);
}

static void waiting(void *arg, const char *line)
{
	job_say(arg, BUILD_CONFIG, "%s", line);
}

/* B is held. */
static int get_or_build(struct job *j, struct cache_build *b, struct kernel *ret, struct err *e)
{
	/* Another process may have built it while we waited. */
	if (!j->how->force && from_cache(j, ret, NULL) == 0)
		return 0;
	if (!j->how->force && shared_get(j, b) && from_cache(j, ret, NULL) == 0)
		return 0;
	return build_and_store(j, b, ret, e);
}

static int build_cached(struct job *j, struct kernel *ret, struct err *e)
{
	struct cache_build b = CACHE_BUILD_INIT;
	struct err old = ERR_INIT;
	int r = -ENOENT;

	if (!j->how->force)
		r = from_cache(j, ret, &old);
	if (r < 0) {
		if (r == -EBADMSG)
			job_say(j, BUILD_CONFIG, "%s: it is built again", err_text(&old));
		r = cache_begin(j->key, waiting, j, &b, e);
		if (r == 0)
			r = get_or_build(j, &b, ret, e);
		cache_end(&b);
	}
	err_release(&old);
	return r;
}

int build_kernel(
	const struct build_spec *s, const struct build_how *how, struct kernel *ret, struct err *e)
{
	struct job j = JOB_INIT;
	struct kernel k = { 0 };
	int r = job_plan(&j, s, how, e);

	if (r == 0)
		r = *j.key ? build_cached(&j, &k, e) : build_loose(&j, &k, e);
	job_release(&j);
	if (r < 0) {
		kernel_release(&k);
		return r;
	}
	*ret = k;
	return 0;
}
