/* SPDX-License-Identifier: MIT */
#include "source/git.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "source/store.h"

#define LOOK_MS       (5 * 60 * 1000)
#define FETCH_MS      (2 * 60 * 60 * 1000)
#define MESSAGE_LINES 4

/* ---- running it ---- */

/* What says how to reach a server stays the user's; what says where and on what to work does not. */
static bool stays(const char *name)
{
	static const char *const ours[] = { "GIT_SSL_", "GIT_SSH", "GIT_HTTP_", "GIT_PROXY_",
		"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_starts(name, ours[i]))
			return true;
	return false;
}

static int start_argv(struct strv *argv, const char *index, struct err *e)
{
	static const char *const set[] = { "GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_LITERAL_PATHSPECS=1", "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh",
		"LC_ALL=C" };
	static const char *const config[] = { "core.hooksPath=/dev/null", "core.fsmonitor=false",
		"core.autocrlf=false", "core.attributesFile=/dev/null", "core.sparseCheckout=false",
		"gc.auto=0", "maintenance.auto=false", "protocol.version=2" };
	_cleanup_free_ char *git = NULL;

	if (path_program("git", &git) < 0) {
		err_set(e, -ENOENT, "git is not here");
		return err_hint(e, "Debian's package is git.");
	}
	strv_add(argv, "env");
	for (char **p = environ; *p; p++) {
		_cleanup_free_ char *name = xstrndup(*p, strcspn(*p, "="));

		if (str_starts(name, "GIT_") && !stays(name)) {
			strv_add(argv, "-u");
			strv_add(argv, name);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		strv_add(argv, set[i]);
	if (!getenv("GIT_SSH_COMMAND") && !getenv("GIT_SSH"))
		strv_add(argv, "GIT_SSH_COMMAND=ssh -o BatchMode=yes");
	if (index)
		strv_addf(argv, "GIT_INDEX_FILE=%s", index);
	strv_add(argv, git);
	for (size_t i = 0; i < ARRAY_SIZE(config); i++) {
		strv_add(argv, "-c");
		strv_add(argv, config[i]);
	}
	return 0;
}

/* Git's last words as the error. */
static int failed(const char *what, struct buf *err, int status, struct err *e)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	const char *tail;
	size_t len;

	while (err->len && isspace((unsigned char)err->data[err->len - 1]))
		buf_truncate(err, err->len - 1);
	tail = text_last_lines(buf_str(err), err->len, MESSAGE_LINES, &len);
	if (len)
		text_clean(&message, tail, len);
	else
		proc_describe_status(&message, status);
	return err_set(e, -EIO, "%s: %s", what, buf_str(&message));
}

/* `git ARGS…` to its end; the newline at its output's end is cut. INDEX: its index file, or NULL. WHAT it
 * is, for messages. -EIO with git's words when it fails. */
static int run(const char *what, const char *index, const char *const *args, int64_t timeout_ms,
	struct buf *ret, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_buf_ struct buf err = BUF_INIT;
	int status, r = start_argv(&argv, index, e);

	if (r < 0)
		return r;
	for (; *args; args++)
		strv_add(&argv, *args);
	r = proc_capture((const char *const *)argv.v, NULL, ret, &err, timeout_ms, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", what);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return failed(what, &err, status, e);
	if (ret && ret->len && ret->data[ret->len - 1] == '\n')
		buf_truncate(ret, ret->len - 1);
	return 0;
}

#define ARGS(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

/* ---- a tree in place ---- */

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

/* Records of `git status --porcelain -z`: "XY path", and behind a rename its old path. */
static char *describe_changes(const struct buf *b)
{
	_cleanup_buf_ struct buf first = BUF_INIT;
	size_t changed = 0, untracked = 0, n;
	bool skip = false;

	for (size_t at = 0; at < b->len; at += n + 1) {
		const char *record = b->data + at;

		n = strlen(record);
		if (skip || n < 4) {
			skip = false;
			continue;
		}
		skip = record[0] == 'R' || record[0] == 'C';
		if (first.len == 0)
			text_clean(&first, record + 3, n - 3);
		if (record[0] == '?')
			untracked++;
		else
			changed++;
	}
	n = changed ? changed : untracked;
	return n == 0 ? NULL
		      : xasprintf("%zu file%s %s, first %s", n, n == 1 ? "" : "s",
				changed ? "changed" : "not tracked", buf_str(&first));
}

static int look(const char *dir, struct git_state *g, struct err *e)
{
	_cleanup_buf_ struct buf commit = BUF_INIT, prefix = BUF_INIT, status = BUF_INIT,
				 git_dir = BUF_INIT;
	int r = run("git rev-parse", NULL, ARGS("-C", dir, "rev-parse", "--show-prefix"), LOOK_MS,
		&prefix, e);

	if (r == -EIO && e && strstr(err_text(e), "not a git repository"))
		return err_set(e, -ENODATA, "git does not know it");
	if (r < 0)
		return r;
	/* A folder that a repository around it ignores is none of its content. */
	r = run("git ls-files", NULL,
		ARGS("-C", dir, "ls-files", "--error-unmatch", "--", "Makefile", "Kconfig"),
		LOOK_MS, NULL, e);
	if (r < 0)
		return r == -EIO ? err_set(e, -ENODATA, "git does not track it") : r;
	r = run("git rev-parse", NULL,
		ARGS("-C", dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"), LOOK_MS,
		&commit, e);
	if (r < 0)
		return r == -EIO ? err_set(e, -ENODATA, "its repository has no commit") : r;
	r = run("git rev-parse", NULL, ARGS("-C", dir, "rev-parse", "--absolute-git-dir"), LOOK_MS,
		&git_dir, e);
	if (r == 0)
		r = run("git status", NULL,
			ARGS("-C", dir, "status", "--porcelain", "-z", "--untracked-files=normal",
				"--", "."),
			LOOK_MS, &status, e);
	if (r == -EFBIG)
		r = 0;
	if (r < 0)
		return r;
	g->dirty = describe_changes(&status);
	g->commit = buf_detach(&commit);
	g->prefix = buf_detach(&prefix);
	g->git_dir = buf_detach(&git_dir);
	return 0;
}

int git_state(const char *dir, struct git_state *ret, struct err *e)
{
	struct git_state g = { 0 };
	int r = look(dir, &g, e);

	if (r < 0)
		git_state_release(&g);
	else
		*ret = g;
	return r;
}

/* ---- a repository of our own ---- */

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
		r = run("git init", NULL, ARGS("init", "--quiet", "--bare", "--template=", repo),
			LOOK_MS, NULL, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(repo);
	*ret_lock = TAKE_FD(lock);
	return 0;
}

static int commit_of(const char *repo, const char *rev, char **ret, struct err *e)
{
	_cleanup_free_ char *full = xasprintf("%s^{commit}", rev);
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = run("git rev-parse", NULL,
		ARGS("--git-dir", repo, "rev-parse", "--verify", "--quiet", full), LOOK_MS, &b, e);

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
	r = run("git fetch", NULL,
		ARGS("--git-dir", repo, "fetch", "--quiet", "--no-tags", "--", url,
			"+HEAD:refs/all/HEAD", "+refs/heads/*:refs/all/heads/*",
			"+refs/tags/*:refs/all/tags/*"),
		FETCH_MS, NULL, e);
	if (r == 0)
		r = find_among_all(repo, ref, &commit, e);
	if (r == 0)
		r = run("git update-ref", NULL, ARGS("--git-dir", repo, "update-ref", ours, commit),
			LOOK_MS, NULL, e);
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
	int r = run("git fetch", NULL,
		ARGS("--git-dir", repo, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url,
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
		r = run("git read-tree", index,
			ARGS("--git-dir", git_dir, "--work-tree", tree, "read-tree", treeish),
			LOOK_MS, NULL, e);
	if (r == 0)
		r = run("git checkout-index", index,
			ARGS("-C", tree, "--git-dir", git_dir, "--work-tree", tree,
				"checkout-index", "--all", "--force", "--quiet"),
			LOOK_MS, NULL, e);
	if (r == 0 && unlink(index) < 0)
		r = err_sys(e, errno, "cannot remove %s", index);
	return r;
}
