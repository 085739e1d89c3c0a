/* SPDX-License-Identifier: MIT */
/* From base and wishes to OUT/.config, and what did not take. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "build/private.h"

#define CONFIG_MAX (16u << 20)
#define STAMP      "vmrig-configured" /* holds the key that .config was made for */

static bool is_configured(const struct job *j)
{
	_cleanup_free_ char *stamp = path_join(j->out, STAMP),
			    *config = path_join(j->out, ".config");
	_cleanup_buf_ struct buf text = BUF_INIT;

	return *j->key && file_exists(config) && file_exists(stamp) &&
	       file_read(stamp, 256, &text, NULL) == 0 && streq(buf_str(&text), j->key);
}

/* The base, by make or from a file, in .config; recipe_first stands where it may be contradicted by people. */
static int lay_base(struct job *j, const char *config, struct buf *ret, struct err *e)
{
	const char *target = j->spec->base ? j->spec->base : "defconfig";
	const char *targets[] = { target, NULL };
	bool host = streq(target, "host");
	int r = recipe_base(j->spec, ret, e);

	if (r < 0)
		return r;
	if (ret->len) {
		_cleanup_buf_ struct buf base = *ret;

		*ret = (struct buf)BUF_INIT;
		buf_addf(ret, "%s\n%s\n%s", host ? "" : recipe_first, buf_str(&base),
			host ? recipe_first : "");
		return 0;
	}
	r = make_run(j, targets, false, e);
	if (r == 0)
		r = file_read(config, CONFIG_MAX, ret, e);
	buf_adds(ret, recipe_first);
	return r;
}

static int make_config(struct job *j, const char *config, struct err *e)
{
	static const char *const targets[] = { "olddefconfig", NULL };
	_cleanup_free_ char *stamp = path_join(j->out, STAMP);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = lay_base(j, config, &text, e);

	if (r < 0)
		return r;
	kconfig_wishes_text(&j->wishes, &text);
	r = file_write_atomic(config, text.data, text.len, 0644, e);
	if (r == 0)
		r = make_run(j, targets, false, e);
	if (r == 0)
		r = file_write_atomic(stamp, j->key, strlen(j->key), 0644, e);
	return r;
}

static int check_unmet(struct job *j, const char *config, struct err *e)
{
	_cleanup_free_ char *all = NULL;
	struct kconfig *got = NULL;
	int r = kconfig_load(config, &got, e);

	if (r < 0)
		return r;
	r = kconfig_unmet(&j->wishes, got, j->source.dir, j->tools.arch, &j->unmet, e);
	kconfig_free(got);
	if (r < 0)
		return r;
	if (!j->unmet.n)
		return 0;
	if (j->spec->allow_unmet) {
		for (size_t i = 0; i < j->unmet.n; i++)
			job_say(j, BUILD_CONFIG, "not granted: %s", j->unmet.v[i]);
		return 0;
	}
	all = strv_join(&j->unmet, "\n  ");
	err_set(e, -EINVAL, "%zu option%s did not take:\n  %s", j->unmet.n,
		j->unmet.n == 1 ? "" : "s", all);
	return err_hint(e, "--allow-unmet builds without them.");
}

int configure(struct job *j, struct err *e)
{
	_cleanup_free_ char *config = path_join(j->out, ".config");
	int r;

	if (j->own)
		return 0;
	if (!is_configured(j)) {
		job_say(j, BUILD_CONFIG, "configuring: %s and %zu wish%s",
			j->spec->base ? j->spec->base : "defconfig", j->wishes.n,
			j->wishes.n == 1 ? "" : "es");
		r = needs_check(j, NULL, e);
		if (r == 0)
			r = make_config(j, config, e);
		if (r < 0)
			return r;
	}
	return check_unmet(j, config, e);
}

/* A configuration alone is made beside the build of the same key, which may be going on for hours. */
static int configure_aside(struct job *j, struct err *e)
{
	char *out = xasprintf("%s.config", j->out);
	int r;

	free(j->out);
	j->out = out;
	str_replace(&j->log, "");
	free(j->log);
	j->log = path_join(out, "build.log");
	r = job_lock(j, e);
	return r < 0 ? r : configure(j, e);
}

int build_configure(const struct build_spec *s, const struct build_how *how, const char *dst,
	struct strv *ret_unmet, struct err *e)
{
	struct build_spec spec = *s;
	struct job j = JOB_INIT;
	_cleanup_free_ char *config = NULL;
	int r;

	spec.allow_unmet = true;
	r = job_plan(&j, &spec, how, e);
	if (r == 0 && !j.own)
		r = configure_aside(&j, e);
	if (r == 0) {
		config = path_join(j.out, ".config");
		r = file_copy(config, dst, 0644, e);
	}
	if (r == 0 && ret_unmet)
		strv_addv(ret_unmet, &j.unmet);
	if (r == 0 && !j.own)
		dir_remove(j.out, NULL);
	job_release(&j);
	return r;
}

int build_menuconfig(const struct build_spec *s, const struct build_how *how, const char *target,
	const char *before, const char *dst, struct err *e)
{
	struct build_spec spec = *s;
	struct job j = JOB_INIT;
	_cleanup_free_ char *config = NULL;
	int r;

	spec.allow_unmet = true;
	r = job_plan(&j, &spec, how, e);
	if (r == 0 && j.own)
		r = err_set(
			e, -EINVAL, "%s was configured in place: run make %s there", j.out, target);
	if (r == 0)
		r = configure_aside(&j, e);
	if (r == 0) {
		config = path_join(j.out, ".config");
		r = file_copy(config, before, 0644, e);
	}
	if (r == 0)
		r = make_on_terminal(&j, target, e);
	if (r == 0)
		r = file_copy(config, dst, 0644, e);
	if (r == 0 && !j.own)
		dir_remove(j.out, NULL);
	job_release(&j);
	return r;
}
