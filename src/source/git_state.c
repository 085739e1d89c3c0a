/* SPDX-License-Identifier: MIT */
/*
 * What git knows of a tree in place, and what a build would read all the same: files of the source's kind that a
 * rule of .gitignore hides, and tracked ones that git was told not to look at.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "source/git.h"
#include "source/git_run.h"
#include "source/store.h"
#include "source/tree.h"

void git_state_release(struct git_state *s)
{
	free(s->commit);
	free(s->prefix);
	free(s->dirty);
	free(s->git_dir);
	*s = (struct git_state){ 0 };
}

char *git_identity(const char *commit, const char *prefix)
{
	char hex[HASH_HEX_LEN + 1];

	store_hash(hex, "source by its commit, 1", commit, prefix ? prefix : "", NULL);
	return xstrdup(hex);
}

/* ---- which files a build would read ---- */

/* By what the names of the kernel's sources begin or end with. What a build makes of them (.o, .ko, .cmd, …) is not
 * among them, but C that it generates is: lying in the source, it would be read in the place of what belongs there. */
static bool has_source_name(const char *path)
{
	static const char *const begins[] = { "Kconfig", "Makefile", "Kbuild", "localversion",
		".scmversion" };
	static const char *const ends[] = { ".c", ".h", ".S", ".inc", ".rs", ".dts", ".dtsi",
		".dtso", ".lds", ".l", ".y", ".asn1", ".tbl", ".uni", ".map", ".ppm", ".pbm",
		".pgm", ".config", "_defconfig", ".mak", ".sh", ".pl", ".py", ".awk", ".sed" };
	const char *base = path_base(path);

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (str_starts(base, begins[i]) && !str_ends(base, "~"))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (str_ends(base, ends[i]) && base[0] != '.')
			return true;
	return false;
}

/* Folders where nothing of a kernel is: those of editors and environments, and those that only programs of their own
 * are made of. */
static bool lies_aside(const char *path)
{
	return path[0] == '.' ? strchr(path, '/') != NULL
			      : strstr(path, "/.") && strchr(strstr(path, "/.") + 1, '/');
}

static bool is_of_programs(const char *path)
{
	return str_starts(path, "tools/testing/") || str_starts(path, "tools/perf/");
}

/* ---- what git tells ---- */

struct changes {
	size_t changed, untracked, hidden, unseen;
	struct buf first; /* the first that counts, as it is shown */
	struct strv
		tops; /* "drivers/", …: the top folders with something tracked; no build reads others */
};

static void changes_release(struct changes *c)
{
	buf_release(&c->first);
	strv_release(&c->tops);
}

static void count(struct changes *c, size_t *kind, const char *path)
{
	++*kind;
	if (c->first.len == 0)
		text_clean(&c->first, path, strlen(path));
}

static bool is_top(const struct changes *c, const char *path)
{
	size_t n = strcspn(path, "/");

	if (!path[n])
		return true;
	for (size_t i = 0; i < c->tops.n; i++)
		if (strncmp(c->tops.v[i], path, n + 1) == 0)
			return true;
	return false;
}

/* Records of `git ls-files -v -z`: "H path", in order; a small letter and S are files it was told not to look at. */
static void read_tracked(struct changes *c, const struct buf *b)
{
	for (size_t at = 0; at < b->len; at += strlen(b->data + at) + 1) {
		const char *record = b->data + at, *path = record + 2;
		size_t n;

		if (strlen(record) < 3)
			continue;
		n = strcspn(path, "/");
		if (path[n] &&
			(c->tops.n == 0 || strncmp(c->tops.v[c->tops.n - 1], path, n + 1) != 0))
			strv_take(&c->tops, xstrndup(path, n + 1));
		if (islower((unsigned char)record[0]) || record[0] == 'S')
			count(c, &c->unseen, path);
	}
}

/* Records of `git status --porcelain -z`: "XY path" from the repository's top, and behind a rename its old path. */
static void read_status(struct changes *c, const struct buf *b, const char *prefix, bool ignored)
{
	bool skip = false;
	size_t n;

	for (size_t at = 0; at < b->len; at += n + 1) {
		const char *record = b->data + at, *path = record + 3;

		n = strlen(record);
		if (skip || n < 4) {
			skip = false;
			continue;
		}
		skip = record[0] == 'R' || record[0] == 'C';
		if (record[0] == '?') {
			count(c, &c->untracked, path);
		} else if (record[0] != '!') {
			count(c, &c->changed, path);
		} else if (ignored) {
			path += str_starts(path, prefix) ? strlen(prefix) : 0;
			if (has_source_name(path) && !lies_aside(path) && !is_of_programs(path) &&
				is_top(c, path))
				count(c, &c->hidden, path);
		}
	}
}

static char *describe(const struct changes *c)
{
	const struct {
		size_t n;
		const char *one, *many;
	} kinds[] = {
		{ c->changed, "file changed", "files changed" },
		{ c->untracked, "file not tracked", "files not tracked" },
		{ c->hidden, "ignored file that a build would read",
			"ignored files that a build would read" },
		{ c->unseen, "file that git was told not to look at",
			"files that git was told not to look at" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].n)
			return xasprintf("%zu %s, first %s", kinds[i].n,
				kinds[i].n == 1 ? kinds[i].one : kinds[i].many, buf_str(&c->first));
	return NULL;
}

/*
 * A tree that was configured in place is built there by make's own rules, and nothing of it is stored: what its
 * builds generated is no dirt. In any other, which is built elsewhere, whatever is hidden counts.
 */
static int ask_changes(const char *dir, const char *prefix, char **ret, struct err *e)
{
	__attribute__((cleanup(changes_release))) struct changes c = { 0 };
	_cleanup_buf_ struct buf tracked = BUF_INIT, status = BUF_INIT;
	int r = git_run("git ls-files", NULL,
		GIT_ARGS("-C", dir, "ls-files", "-v", "-z", "--", "."), GIT_LOOK_MS, &tracked, e);
	bool cut = false;

	if (r == 0)
		r = git_run("git status", NULL,
			GIT_ARGS("-C", dir, "status", "--porcelain", "-z", "--untracked-files=all",
				"--ignored=traditional", "--", "."),
			GIT_LOOK_MS, &status, e);
	if (r == -EFBIG) {
		cut = true;
		r = 0;
	}
	if (r < 0)
		return r;
	read_status(&c, &status, prefix, false);
	read_tracked(&c, &tracked);
	if (!c.changed && !c.untracked && !source_is_configured(dir))
		read_status(&c, &status, prefix, true);
	*ret = describe(&c);
	if (cut && !*ret)
		*ret = xstrdup("more ignored files than git can be asked for");
	return 0;
}

int git_state(const char *dir, struct git_state *ret, struct err *e)
{
	__attribute__((cleanup(git_state_release))) struct git_state g = { 0 };
	_cleanup_buf_ struct buf commit = BUF_INIT, prefix = BUF_INIT, git_dir = BUF_INIT;
	int r = git_run("git rev-parse", NULL, GIT_ARGS("-C", dir, "rev-parse", "--show-prefix"),
		GIT_LOOK_MS, &prefix, e);

	if (r == -EIO && e && strstr(err_text(e), "not a git repository"))
		return err_set(e, -ENODATA, "git does not know it");
	if (r < 0)
		return r;
	/* A folder that a repository around it ignores is none of its content. */
	r = git_run("git ls-files", NULL,
		GIT_ARGS("-C", dir, "ls-files", "--error-unmatch", "--", "Makefile", "Kconfig"),
		GIT_LOOK_MS, NULL, e);
	if (r < 0)
		return r == -EIO ? err_set(e, -ENODATA, "git does not track it") : r;
	r = git_run("git rev-parse", NULL,
		GIT_ARGS("-C", dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
		GIT_LOOK_MS, &commit, e);
	if (r < 0)
		return r == -EIO ? err_set(e, -ENODATA, "its repository has no commit") : r;
	r = git_run("git rev-parse", NULL, GIT_ARGS("-C", dir, "rev-parse", "--absolute-git-dir"),
		GIT_LOOK_MS, &git_dir, e);
	if (r == 0)
		r = ask_changes(dir, buf_str(&prefix), &g.dirty, e);
	if (r < 0)
		return r;
	g.commit = buf_detach(&commit);
	g.prefix = buf_detach(&prefix);
	g.git_dir = buf_detach(&git_dir);
	*ret = g;
	g = (struct git_state){ 0 };
	return 0;
}
