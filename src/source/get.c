/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "source/git.h"
#include "source/kernelorg.h"
#include "source/patch.h"
#include "source/source.h"
#include "source/store.h"
#include "source/tarball.h"
#include "source/tree.h"

#define COPY_MS (30 * 60 * 1000)

void source_release(struct source *s)
{
	free(s->label);
	free(s->dir);
	free(s->identity);
	free(s->version);
	free(s->commit);
	free(s->dirty);
	if (s->hold > 0)
		close(s->hold);
	*s = (struct source){ 0 };
}

void source_say(const struct source_options *o, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (!o->progress)
		return;
	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	o->progress(o->arg, line);
}

/* ---- URLs ---- */

static bool is_url(const char *spec)
{
	return str_starts(spec, "http://") || str_starts(spec, "https://") ||
	       str_starts(spec, "file://");
}

/* Splits "URL#sha256=HEX". */
static int split_url(const char *spec, char **ret_url, char **ret_sha256, struct err *e)
{
	const char *hash = strchr(spec, '#');
	_cleanup_free_ char *sum = NULL;

	if (hash && !str_starts(hash, "#sha256="))
		return err_set(e, -EINVAL, "%s: behind the # stands sha256=HEX", spec);
	if (hash) {
		sum = xstrdup(hash + strlen("#sha256="));
		if (strlen(sum) != HASH_HEX_LEN ||
			strspn(sum, "0123456789abcdefABCDEF") != HASH_HEX_LEN)
			return err_set(e, -EINVAL, "%s: a SHA-256 has %d hexadecimal digits", spec,
				HASH_HEX_LEN);
		for (char *p = sum; *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	}
	*ret_url = hash ? xstrndup(spec, (size_t)(hash - spec)) : xstrdup(spec);
	*ret_sha256 = TAKE_PTR(sum);
	return 0;
}

static int download_url(const char *url, const char *sum, const char *name,
	const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *dst = NULL, *checked = NULL;
	char got[HASH_HEX_LEN + 1];
	int r = store_place(url, &dst, e);

	if (r == 0)
		r = tarball_download(url, sum, dst, got, o, e);
	if (r < 0)
		return r;
	checked = xasprintf(sum ? "its SHA-256" : "nothing");
	r = tarball_get_file(dst, url, checked, o, ret, e);
	unlink(dst);
	return r == 0 ? store_name_set(name, ret->identity, e) : r;
}

static int get_url(
	const char *spec, const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *url = NULL, *sum = NULL, *name = NULL;
	_cleanup_close_ int lock = -1;
	char identity[HASH_HEX_LEN + 1];
	int r = split_url(spec, &url, &sum, e);

	if (r < 0)
		return r;
	if (!sum && !o->unchecked) {
		err_set(e, -EINVAL, "%s comes without a checksum", url);
		return err_hint(e, "Put #sha256=HEX behind the URL.");
	}
	name = sum ? xasprintf("download %s", sum) : xasprintf("unchecked %s", url);
	lock = store_name_lock(name, e);
	if (lock < 0)
		return lock;
	/* Without a checksum the cache tells only what came last time. */
	if ((sum || o->offline) && store_name_get(name, identity) == 0 &&
		store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	if (o->offline)
		return err_set(e, -ENETDOWN,
			"%s is not in the cache, and may not be downloaded: offline", url);
	return download_url(url, sum, name, o, ret, e);
}

/* ---- git ---- */

struct export
{
	const char *git_dir, *treeish;
};

static int fill_export(void *arg, const char *aside, struct err *e)
{
	const struct export *x = arg;

	return git_export(x->git_dir, x->treeish, aside, e);
}

/* "URL#REF", the URL being one, a path, or HOST:PATH as ssh has it. */
static int get_git(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	const char *hash = strrchr(spec, '#');
	_cleanup_free_ char *given = hash ? xstrndup(spec, (size_t)(hash - spec)) : xstrdup(spec);
	bool path = !strstr(given, "://") && (!strchr(given, ':') || strchr("./", given[0]));
	_cleanup_free_ char *url = path ? path_absolute(given, cwd) : xstrdup(given);
	_cleanup_free_ char *git_dir = NULL, *commit = NULL, *identity = NULL;
	_cleanup_free_ char *label = xasprintf("git+%s", spec);
	struct export x;
	struct store_spec s = { .label = label, .fill = fill_export, .arg = &x };
	int r;

	if (!*given || given[0] == '-')
		return err_set(e, -EINVAL, "git+%s names no repository", spec);
	r = git_fetch(url, hash ? hash + 1 : "HEAD", o, &git_dir, &commit, e);
	if (r < 0)
		return r;
	identity = git_identity(commit, "");
	x = (struct export){ git_dir, commit };
	s.identity = identity;
	s.commit = commit;
	r = store_make(&s, o, ret, e);
	return r;
}

/* ---- files and folders ---- */

/* A release as tags ("v6.12") and archives ("linux-6.12.57") call it. */
static const char *release_in(const char *spec)
{
	static const char *const begins[] = { "v", "linux-", "linux-v" };

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (str_starts(spec, begins[i]) && source_is_release(spec + strlen(begins[i])))
			return spec + strlen(begins[i]);
	return NULL;
}

static int no_such_path(const char *spec, const char *path, struct err *e)
{
	const char *release = release_in(spec), *colon = strstr(spec, "://");

	if (colon)
		return err_set(e, -EINVAL, "sources come by http, https and file, not by %.*s",
			(int)(colon - spec), spec);
	if (release)
		return err_set(
			e, -ENOENT, "there is no %s; the release is called %s", path, release);
	err_set(e, -ENOENT, "there is no %s", path);
	return err_hint(e,
		"A source is a kernel tree or a tarball by its path, a release (6.12, 6.12.57, stable, "
		"longterm, mainline), git+URL#REF, a URL with #sha256=, or debian:linux-source-6.12.");
}

static int get_path(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	_cleanup_free_ char *path = path_absolute(spec, cwd);

	if (dir_exists(path))
		return tree_in_place(path, ret, e);
	if (file_exists(path))
		return tarball_get_file(path, path, NULL, o, ret, e);
	return no_such_path(spec, path, e);
}

static int get_release(
	const char *spec, const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_strv_ struct strv exact = STRV_INIT;
	_cleanup_free_ char *note = NULL;
	struct release release;
	int r;

	if (strstr(spec, "..")) {
		return err_set(
			e, -EINVAL, "%s stands for several releases, and one is wanted", spec);
	}
	r = source_expand(spec, o, &exact, &note, e);
	if (r < 0)
		return r;
	if (note)
		source_say(o, "%s", note);
	BUG_ON(exact.n != 1 || !release_parse(exact.v[0], &release));
	if (!streq(spec, exact.v[0]))
		source_say(o, "%s is %s", spec, exact.v[0]);
	return kernelorg_get(&release, o, ret, e);
}

static int get_package(
	const char *spec, const struct source_options *o, struct source *ret, struct err *e)
{
	const char *package = spec + strlen("debian:");

	if (!str_starts(package, "linux-source-") ||
		strspn(package, "abcdefghijklmnopqrstuvwxyz0123456789.+-") != strlen(package)) {
		err_set(e, -EINVAL, "%s is no source package", spec);
		return err_hint(
			e, "Debian's kernel sources are called as in debian:linux-source-6.12.");
	}
	return tarball_get_package(package, o, ret, e);
}

static int get_unpatched(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	if (str_starts(spec, "git+"))
		return get_git(spec + 4, cwd, o, ret, e);
	if (str_starts(spec, "debian:"))
		return get_package(spec, o, ret, e);
	if (is_url(spec))
		return get_url(spec, o, ret, e);
	if (source_is_release(spec))
		return get_release(spec, o, ret, e);
	return get_path(spec, cwd, o, ret, e);
}

/* As it was called now: the entry of the cache may have come under another name. */
static char *label_of(const char *spec, const struct source *s, const char *cwd)
{
	struct release exact;

	if (source_is_release(spec) && release_parse(s->label, &exact))
		return xstrdup(s->label);
	if (is_url(spec))
		return xstrndup(spec, strcspn(spec, "#"));
	return str_starts(spec, "git+") || str_starts(spec, "debian:") ? xstrdup(spec)
								       : path_absolute(spec, cwd);
}

/* ---- patches ---- */

struct patched {
	const struct source *base; /* borrowed */
	const struct strv *patches; /* borrowed: absolute */
	const struct source_options *o; /* borrowed */
};

/* A copy, which shares its blocks where the file system can. */
static int copy_tree(const char *from, const char *aside, struct err *e)
{
	_cleanup_free_ char *to = path_join(aside, "tree");
	const char *argv[] = { "cp", "-R", "--preserve=mode,timestamps,links", "--reflink=auto",
		"--", from, to, NULL };
	_cleanup_buf_ struct buf err = BUF_INIT, why = BUF_INIT;
	const char *tail;
	int status, r = proc_capture(argv, NULL, NULL, &err, COPY_MS, &status, e);
	size_t len;

	if (r < 0)
		return err_wrap(e, "cannot copy %s", from);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	tail = text_last_lines(buf_str(&err), err.len, 1, &len);
	text_clean(&why, tail, len);
	return err_set(e, strstr(buf_str(&why), strerror(ENOSPC)) ? -ENOSPC : -EIO,
		"cannot copy %s: %s", from, buf_str(&why));
}

/* Of a tree in place only what its commit holds: what was built there is none of the source. */
static int fill_base(const struct source *base, const char *aside, struct err *e)
{
	_cleanup_free_ char *treeish = NULL;
	struct git_state g = { 0 };
	int r;

	if (!base->in_place)
		return copy_tree(base->dir, aside, e);
	r = git_state(base->dir, &g, e);
	if (r < 0)
		return r;
	treeish = xasprintf("%s:%s", base->commit, g.prefix);
	r = git_export(g.git_dir, treeish, aside, e);
	git_state_release(&g);
	return r;
}

static int fill_patched(void *arg, const char *aside, struct err *e)
{
	const struct patched *p = arg;
	_cleanup_free_ char *tree = path_join(aside, "tree");
	int r = fill_base(p->base, aside, e);

	for (size_t i = 0; i < p->patches->n && r == 0; i++) {
		source_say(p->o, "applying %s", path_base(p->patches->v[i]));
		r = patch_apply(tree, p->patches->v[i], e);
	}
	return r;
}

static int patched_identity(const struct source *base, const struct strv *patches,
	char ret[static HASH_HEX_LEN + 1], struct err *e)
{
	_cleanup_buf_ struct buf sums = BUF_INIT;

	for (size_t i = 0; i < patches->n; i++) {
		char sum[HASH_HEX_LEN + 1];
		int r = hash_file(patches->v[i], sum, e);

		if (r < 0)
			return err_wrap(e, "patch %s", patches->v[i]);
		buf_addf(&sums, "%s\n", sum);
	}
	store_hash(ret, "source with patches, 1", base->identity, buf_str(&sums), NULL);
	return 0;
}

/* BASE becomes RET, or is released. */
static int lay_patches(struct source *base, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	_cleanup_strv_ struct strv patches = STRV_INIT;
	char identity[HASH_HEX_LEN + 1];
	struct patched p = { base, &patches, o };
	struct store_spec s = { .identity = identity,
		.label = base->label,
		.commit = base->commit,
		.fill = fill_patched,
		.arg = &p };
	int r;

	if (!base->identity) {
		err_set(e, -EINVAL, "no patch is laid on %s: its content is not known: %s",
			base->dir, base->dirty);
		return err_hint(e, "Commit what is changed, or apply the patches there yourself.");
	}
	for (size_t i = 0; i < o->patches->n; i++)
		strv_take(&patches, path_absolute(o->patches->v[i], cwd));
	r = patched_identity(base, &patches, identity, e);
	if (r == 0)
		r = store_make(&s, o, ret, e);
	return r;
}

/* ---- the door ---- */

static int get(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	_cleanup_free_ char *label = NULL;
	struct source base = { 0 };
	int r = get_unpatched(spec, cwd, o, &base, e);

	if (r < 0)
		return r;
	label = label_of(spec, &base, cwd);
	if (o->patches && o->patches->n) {
		r = lay_patches(&base, cwd, o, ret, e);
		source_release(&base);
	} else {
		*ret = base;
	}
	if (r == 0)
		str_replace(&ret->label, label);
	return r;
}

int source_get(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e)
{
	static const struct source_options none = { 0 };
	struct source s = { 0 };
	int r;

	if (!spec[strspn(spec, " \t\n")])
		return err_set(e, -EINVAL, "the name of the source is empty");
	r = get(spec, cwd, o ? o : &none, &s, e);
	/* When it was last used, for source_clean(). */
	if (r == 0 && s.hold > 0)
		(void)futimens(s.hold, NULL);
	if (r == 0)
		*ret = s;
	else if (r == -ENOSPC || r == -EDQUOT || r == -EROFS)
		err_hint(e,
			"A kernel's source takes 1.7 GB, and half a gigabyte more while it comes; "
			"VMRIG_CACHE_DIR names another folder for the cache.");
	return r < 0 ? err_wrap(e, "source %s", spec) : 0;
}
