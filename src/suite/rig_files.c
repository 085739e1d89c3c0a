/* SPDX-License-Identifier: MIT */
#include "suite/rig_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/path.h"
#include "base/text.h"

char *rig_missing_file(const struct suite *s, const struct suite_test *t)
{
	const char *root = s->root && !streq(s->root, "none") ? s->root : "";

	for (size_t i = 0; i < t->needs_files.n; i++) {
		const char *file = t->needs_files.v[i];
		_cleanup_free_ char *full = NULL;

		if (*file == '/')
			full = xasprintf("%s%s", root, file);
		else if (*root)
			full = xasprintf("%s%s/%s", root, t->cwd, file);
		else
			full = xasprintf("%s/%s", s->dir, file);
		if (access(full, F_OK) < 0)
			return xasprintf("needs file %s, which is not there", file);
	}
	return NULL;
}

static bool is_text(const struct strv *command)
{
	return command->n == 3 && streq(command->v[0], "sh") && streq(command->v[1], "-c");
}

char *rig_unfit(const struct suite *s, const struct suite_test *t, const char *arch)
{
	const struct strv *commands[] = { &t->setup, &t->run, &t->teardown };
	static const char *const names[] = { "setup", "run", "teardown" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (is_text(commands[i]) && !streq(arch, arch_host()))
			return xasprintf(
				"%s:%d: '%s' of test '%s' is a text, which sh would run, and a guest of %s without a "
				"root has no sh. Write it as a list of words, or give the suite a 'root' with programs "
				"of %s",
				s->path, t->line, names[i], t->name, arch, arch);
	for (size_t i = 0; i < t->put.n; i++) {
		struct stat st;
		int r = stat(t->put.v[i], &st) < 0 ? errno : S_ISREG(st.st_mode) ? 0 : -1;

		if (r)
			return xasprintf("%s:%d: test '%s': cannot put %s into the guest: %s",
				s->path, t->line, t->name, t->put.v[i],
				r > 0 ? strerror(r) : "it is no regular file");
	}
	return NULL;
}

static void add(struct strv *v, const char *path)
{
	if (!strv_has(v, path))
		strv_add(v, path);
}

/* A path is meant from where the test runs, a name alone from PATH. */
static void add_program(struct strv *programs, const char *program, const char *cwd)
{
	_cleanup_free_ char *path =
		strchr(program, '/') ? path_absolute(program, cwd) : xstrdup(program);

	add(programs, path);
}

static void gather_of(const struct suite_test *t, struct strv *programs, struct strv *puts)
{
	const struct strv *commands[] = { &t->setup, &t->run, &t->teardown };

	for (size_t k = 0; k < ARRAY_SIZE(commands); k++)
		if (commands[k]->n)
			add_program(programs, commands[k]->v[0], t->cwd);
	for (size_t k = 0; k < t->needs_files.n; k++)
		if (*t->needs_files.v[k] == '/' && access(t->needs_files.v[k], X_OK) == 0)
			add_program(programs, t->needs_files.v[k], t->cwd);
	for (size_t k = 0; k < t->put.n; k++)
		add(puts, t->put.v[k]);
}

void rig_gather(const struct suite *s, const struct suite_machine *m, const char *arch,
	struct strv *programs, struct strv *puts)
{
	if (s->template_setup.n)
		add_program(programs, s->template_setup.v[0], s->dir);
	for (size_t i = 0; i < s->n_tests; i++) {
		const struct suite_test *t = &s->tests[i];
		_cleanup_free_ char *why = NULL;

		if (t->machines.n && !strv_has(&t->machines, m->name))
			continue;
		why = rig_missing_file(s, t);
		if (!why)
			why = rig_unfit(s, t, arch);
		if (!why)
			gather_of(t, programs, puts);
	}
}
