/* SPDX-License-Identifier: MIT */
#include "source/tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "source/git.h"

#define MAKEFILE_MAX (1 << 20)

/* The value of "NAME = VALUE" in the Makefile's head; NULL: no such line. The caller owns the string. */
static char *variable(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p += p ? 1 : 0) {
		const char *v = p + n;
		size_t len;

		if (strncmp(p, name, n) != 0)
			continue;
		v += strspn(v, " \t");
		if (*v++ != '=')
			continue;
		v += strspn(v, " \t");
		len = strcspn(v, "#\n");
		while (len && isspace((unsigned char)v[len - 1]))
			len--;
		return xstrndup(v, len);
	}
	return NULL;
}

static bool is_number(const char *s)
{
	return s && *s && strspn(s, "0123456789") == strlen(s);
}

int tree_version(const char *dir, char **ret, struct err *e)
{
	_cleanup_free_ char *makefile = path_join(dir, "Makefile"),
			    *kconfig = path_join(dir, "Kconfig");
	_cleanup_free_ char *major = NULL, *minor = NULL, *patch = NULL, *extra = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!file_exists(makefile) || !file_exists(kconfig))
		return err_set(e, -EINVAL,
			"%s is no kernel tree: that has a Makefile and a Kconfig at its top", dir);
	if (file_read(makefile, MAKEFILE_MAX, &b, e) < 0)
		return err_wrap(e, "the kernel tree %s", dir);
	major = variable(buf_str(&b), "VERSION");
	minor = variable(buf_str(&b), "PATCHLEVEL");
	patch = variable(buf_str(&b), "SUBLEVEL");
	extra = variable(buf_str(&b), "EXTRAVERSION");
	if (!is_number(major) || !is_number(minor))
		return err_set(e, -EINVAL,
			"%s is no kernel tree: its Makefile states no VERSION and PATCHLEVEL", dir);
	*ret = xasprintf("%s.%s%s%s%s", major, minor, is_number(patch) ? "." : "",
		is_number(patch) ? patch : "", extra ? extra : "");
	return 0;
}

bool source_is_configured(const char *dir)
{
	_cleanup_free_ char *config = path_join(dir, ".config"),
			    *made = path_join(dir, "include/config");

	return file_exists(config) || dir_exists(made);
}

/* Sets what git knows of it, or why it knows nothing. */
static void ask_git(struct source *s)
{
	struct git_state g = { 0 };
	struct err why = ERR_INIT;

	if (git_state(s->dir, &g, &why) < 0)
		s->dirty = xstrdup(err_text(&why));
	err_release(&why);
	s->commit = TAKE_PTR(g.commit);
	if (g.dirty)
		str_replace(&s->dirty, g.dirty);
	if (s->commit && !s->dirty)
		s->identity = git_identity(s->commit, g.prefix);
	git_state_release(&g);
}

int tree_in_place(const char *dir, struct source *ret, struct err *e)
{
	struct source s = { .in_place = true };
	int r = tree_version(dir, &s.version, e);

	if (r < 0)
		return r;
	s.dir = xstrdup(dir);
	s.label = xstrdup(dir);
	ask_git(&s);
	*ret = s;
	return 0;
}
