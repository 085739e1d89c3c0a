/* SPDX-License-Identifier: MIT */
#include "suite/case_env.h"

#include <pwd.h>
#include <string.h>

#include "base/alloc.h"

/* The guest's users are the host's, unless it has a root of its own. */
static const char *home_of(const struct suite *s, const char *user)
{
	const struct passwd *pw;

	if (!user)
		return "/root";
	pw = s->root ? NULL : getpwnam(user);
	return pw ? pw->pw_dir : "/";
}

void case_environment_base(const struct suite *s, const char *user, struct strv *ret)
{
	strv_add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_addf(ret, "HOME=%s", home_of(s, user));
	strv_add(ret, "LANG=C.UTF-8");
	strv_add(ret, "TERM=dumb");
	strv_add(ret, "VMRIG=1");
}

bool case_template_setup(const struct suite *s, struct strv *env, struct job_command *ret)
{
	if (!s->template_setup.n)
		return false;
	case_environment_base(s, NULL, env);
	*ret = (struct job_command){
		.name = "template.setup",
		.argv = (const char *const *)s->template_setup.v,
		.env = (const char *const *)env->v,
		.cwd = s->root ? "/" : s->dir,
		.prepares = true,
	};
	return true;
}

void case_environment(const struct suite *s, const struct plan_case *c, struct strv *ret)
{
	const struct suite_test *t = c->test;

	case_environment_base(s, t->user, ret);
	strv_addf(ret, "VMRIG_TEST=%s", t->name);
	for (size_t i = 0; i < t->env.n; i++) {
		_cleanup_free_ char *name = xstrdup(t->env.v[i]);
		char *eq = strchr(name, '=');

		*eq = '\0';
		strv_setenv(ret, name, eq + 1);
	}
}

/* The id as a filter that matches it alone. */
static char *as_glob(const char *id)
{
	struct buf b = BUF_INIT;

	for (; *id; id++) {
		if (strchr("*?[\\", *id))
			buf_addc(&b, '\\');
		buf_addc(&b, *id);
	}
	return buf_detach(&b);
}

char *case_rerun(const struct run_options *o, const char *id)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	strv_add(&v, o->program ? o->program : "vmrig");
	strv_add(&v, "test");
	if (o->suite_arg)
		strv_add(&v, o->suite_arg);
	strv_add(&v, "--filter");
	strv_take(&v, as_glob(id));
	/* All of them: they decide what ids look like. */
	for (size_t i = 0; o->selection && i < o->selection->n_kernels; i++) {
		strv_add(&v, "--kernel");
		strv_add(&v, o->selection->kernels[i]);
	}
	if (o->arch) {
		strv_add(&v, "--arch");
		strv_add(&v, o->arch);
	}
	if (o->accel != ACCEL_AUTO) {
		strv_add(&v, "--accel");
		strv_add(&v, machine_accel_name(o->accel));
	}
	return strv_shell(&v);
}
