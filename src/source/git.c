/* SPDX-License-Identifier: MIT */
#include "source/git.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/text.h"
#include "source/git_run.h"
#include "source/store.h"

#define FETCH_MS (2 * 60 * 60 * 1000)

static bool is_commit(const char *ref)
{
	size_t n = strlen(ref);

	return (n == 40 || n == 64) && strspn(ref, "0123456789abcdef") == n;
}

/* gitrevisions(7) and git-check-ref-format(1): what could be read as an option, a refspec or an expression. */
static int check_ref(const char *ref, struct err *e)
{
	if (*ref && *ref != '-' && *ref != '+' && !strpbrk(ref, " ~^:?*[\\\t\n\"") &&
		!strstr(ref, "..") && !strstr(ref, "@{"))
		return 0;
	err_set(e, -EINVAL, "'%s' is no branch, tag or commit", ref);
	return err_hint(e,
		"Behind the # stands a branch, a tag, a full ref, or the 40 digits of a commit.");
}

/* Packs that a fetch which was killed, or for which the disk was too small, left half written. */
static void sweep_packs(const char *repo)
{
	_cleanup_free_ char *dir = path_join(repo, "objects/pack");
	DIR *d = opendir(dir);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		_cleanup_free_ char *path = path_join(dir, f->d_name);

		if (str_starts(f->d_name, "tmp_"))
			unlink(path);
	}
	if (d)
		closedir(d);
}

/* Ours for URL, made, and locked. */
static int own_repository(const char *url, char **ret, int *ret_lock, struct err *e)
{
	_cleanup_free_ char *dir = NULL, *repo = NULL, *head = NULL, *lock_path = NULL;
	_cleanup_close_ int lock = -1;
	char hex[HASH_HEX_LEN + 1];
	int r = store_dir("git", &dir, e);

	if (r < 0)
		return r;
	store_hash(hex, "git", url, NULL);
	repo = path_join(dir, hex);
	head = path_join(repo, "HEAD");
	lock_path = xasprintf("%s.lock", repo);
	lock = lock_take(lock_path, false, clock_ms() + FETCH_MS, e);
	if (lock < 0)
		return lock;
	if (!file_exists(head))
		r = git_run("git init", NULL,
			GIT_ARGS("init", "--quiet", "--bare", "--template=", repo), GIT_LOOK_MS,
			NULL, e);
	if (r < 0)
		return r;
	sweep_packs(repo);
	/* When it was last used, for source_clean(). */
	(void)utimensat(AT_FDCWD, repo, NULL, 0);
	*ret = TAKE_PTR(repo);
	*ret_lock = TAKE_FD(lock);
	return 0;
}

static int commit_of(const char *repo, const char *rev, char **ret, struct err *e)
{
	_cleanup_free_ char *full = xasprintf("%s^{commit}", rev);
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = git_run("git rev-parse", NULL,
		GIT_ARGS("--git-dir", repo, "rev-parse", "--verify", "--quiet", full), GIT_LOOK_MS,
		&b, e);

	if (r == 0)
		*ret = buf_detach(&b);
	return r;
}

static int no_such_ref(const char *ref, struct err *e)
{
	err_set(e, -ENOENT, "it has no branch, tag or commit %s", ref);
	return err_hint(e, "A commit is named by all its 40 digits.");
}

/* What REF is among all that was fetched, as git-fetch(1) looks for it. */
static int find_among_all(const char *repo, const char *ref, char **ret, struct err *e)
{
	static const char *const places[] = { "", "refs/all/tags/", "refs/all/heads/",
		"refs/all/" };
	int r = -ENOENT;

	for (size_t i = is_commit(ref) ? 0 : 1; i < ARRAY_SIZE(places) && r < 0; i++) {
		bool full = i == ARRAY_SIZE(places) - 1 && str_starts(ref, "refs/");
		_cleanup_free_ char *name =
			xasprintf("%s%s", places[i], full ? ref + strlen("refs/") : ref);

		r = commit_of(repo, name, ret, NULL);
	}
	return r < 0 ? no_such_ref(ref, e) : 0;
}

/* Some servers hand out no single commits, or no beginning of the history: then all of it, once. */
static int fetch_all(const char *repo, const char *url, const char *ref, const char *ours,
	const struct source_options *o, struct err *e)
{
	_cleanup_free_ char *commit = NULL;
	int r;

	source_say(o, "%s hands out no single commits; fetching all of it", url);
	r = git_run("git fetch", NULL,
		GIT_ARGS("--git-dir", repo, "fetch", "--quiet", "--no-tags", "--", url,
			"+HEAD:refs/all/HEAD", "+refs/heads/*:refs/all/heads/*",
			"+refs/tags/*:refs/all/tags/*"),
		FETCH_MS, NULL, e);
	if (r == 0)
		r = find_among_all(repo, ref, &commit, e);
	if (r == 0)
		r = git_run("git update-ref", NULL,
			GIT_ARGS("--git-dir", repo, "update-ref", ours, commit), GIT_LOOK_MS, NULL,
			e);
	return r;
}

/* In git's words, which LC_ALL=C keeps: the server cannot do what is asked, though it may have it. */
static bool wants_all(const char *words, const char *ref)
{
	return strstr(words, "does not support shallow") ||
	       (is_commit(ref) && strstr(words, "unadvertised"));
}

static int fetch(const char *repo, const char *url, const char *ref, const char *ours,
	const struct source_options *o, struct err *e)
{
	_cleanup_free_ char *spec = xasprintf("+%s:%s", ref, ours);
	struct err why = ERR_INIT;
	int r = git_run("git fetch", NULL,
		GIT_ARGS("--git-dir", repo, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url,
			spec),
		FETCH_MS, NULL, &why);

	if (r == -EIO && wants_all(err_text(&why), ref))
		r = fetch_all(repo, url, ref, ours, o, e);
	else if (r == -EIO && (strstr(err_text(&why), "find remote ref") ||
				      strstr(err_text(&why), "not our ref")))
		r = no_such_ref(ref, e);
	else if (r < 0)
		r = err_move(e, &why);
	err_release(&why);
	if (r < 0)
		sweep_packs(repo);
	return r < 0 ? err_wrap(e, "%s", url) : 0;
}

int git_fetch(const char *url, const char *ref, const struct source_options *o, char **ret_git_dir,
	char **ret_commit, struct err *e)
{
	_cleanup_free_ char *repo = NULL, *ours = NULL, *commit = NULL;
	char hex[HASH_HEX_LEN + 1];
	_cleanup_close_ int lock = -1;
	int r = check_ref(ref, e);

	if (r == 0)
		r = own_repository(url, &repo, &lock, e);
	if (r < 0)
		return r;
	store_hash(hex, "ref", ref, NULL);
	ours = xasprintf("refs/vmrig/%s", hex);
	r = commit_of(repo, ours, &commit, NULL);
	if (o->offline && r < 0)
		return err_set(e, -ENETDOWN,
			"%s#%s was not fetched before, and may not be now: offline", url, ref);
	if (!o->offline && (r < 0 || !is_commit(ref))) {
		source_say(o, "asking %s for %s", url, ref);
		r = fetch(repo, url, ref, ours, o, e);
		str_replace(&commit, NULL);
		if (r == 0)
			r = commit_of(repo, ours, &commit, e);
	}
	if (r < 0)
		return r;
	*ret_git_dir = TAKE_PTR(repo);
	*ret_commit = TAKE_PTR(commit);
	return 0;
}

int git_export(const char *git_dir, const char *treeish, const char *aside, struct err *e)
{
	_cleanup_free_ char *tree = path_join(aside, "tree"), *index = path_join(aside, "index");
	int r = dir_make(tree, 0755, e);

	if (r == 0)
		r = git_run("git read-tree", index,
			GIT_ARGS("--git-dir", git_dir, "--work-tree", tree, "read-tree", treeish),
			GIT_LOOK_MS, NULL, e);
	if (r == 0)
		r = git_run("git checkout-index", index,
			GIT_ARGS("-C", tree, "--git-dir", git_dir, "--work-tree", tree,
				"checkout-index", "--all", "--force", "--quiet"),
			GIT_LOOK_MS, NULL, e);
	if (r == 0 && unlink(index) < 0)
		r = err_sys(e, errno, "cannot remove %s", index);
	return r;
}
