/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/strv.h"

char *path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	if (*b == '/' || n == 0)
		return xstrdup(b);
	if (*b == '\0')
		return xstrdup(a);
	while (n && a[n - 1] == '/')
		n--;
	return xasprintf("%.*s/%s", (int)n, a, b);
}

char *path_absolute(const char *path, const char *cwd)
{
	_cleanup_free_ char *own = NULL, *full = NULL;
	struct buf b = BUF_INIT;
	char *part, *rest;

	if (*path != '/' && !cwd)
		cwd = own = getcwd(NULL, 0);
	full = path_join(cwd ? cwd : "/", path);
	for (part = strtok_r(full, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (b.len && b.data[b.len - 1] != '/')
				b.len--;
			buf_truncate(&b, b.len ? b.len - 1 : 0);
			continue;
		}
		buf_addf(&b, "/%s", part);
	}
	if (b.len == 0)
		buf_addc(&b, '/');
	return buf_detach(&b);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return *path == '/';
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

char *path_upwards(const char *dir, const char *name)
{
	char *at = xstrdup(dir);

	for (;;) {
		_cleanup_free_ char *there = path_join(at, name);
		char *up;

		if (access(there, F_OK) == 0)
			return at;
		up = strcmp(at, "/") == 0 ? NULL : path_dir(at);
		free(at);
		if (!up)
			return NULL;
		at = up;
	}
}

/* The variable, NULL where it is unset or empty. */
static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* Makes the folder; says whether we can write in it. */
static int writable_dir(const char *path, struct err *e)
{
	int r = dir_make(path, 0700, e);

	if (r < 0)
		return r;
	if (access(path, W_OK | X_OK) < 0)
		return err_sys(e, errno, "cannot write in %s", path);
	return 0;
}

/* In a folder where everyone writes, only one that no one else can have prepared will do. */
static int private_tmp(char **ret, struct err *e)
{
	const char *tmp = env("TMPDIR");
	_cleanup_free_ char *base = path_absolute(tmp ? tmp : "/tmp", NULL);
	_cleanup_free_ char *path = xasprintf("%s/vmrig-%u", base, (unsigned)getuid());
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the folder %s", path);
	if (lstat(path, &st) < 0)
		return err_sys(e, errno, "cannot read the status of %s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 07777) != 0700)
		return err_set(e, -EPERM, "%s is not a folder of ours with mode 0700", path);
	*ret = TAKE_PTR(path);
	return 0;
}

int path_cache(char **ret, struct err *e)
{
	struct err why = ERR_INIT, tmp_why = ERR_INIT;
	char *candidates[3] = { NULL };
	size_t n = 0;
	int r = -ENOENT;

	if (env("VMRIG_CACHE_DIR")) { /* asked for by name: no other takes its place */
		_cleanup_free_ char *dir = path_absolute(env("VMRIG_CACHE_DIR"), NULL);

		r = writable_dir(dir, e);
		if (r == 0)
			*ret = TAKE_PTR(dir);
		else
			err_wrap(e, "the cache folder that VMRIG_CACHE_DIR names");
		return r;
	}
	/* The XDG specification: a relative path there is to be ignored. */
	if (env("XDG_CACHE_HOME") && *env("XDG_CACHE_HOME") == '/')
		candidates[n++] = path_join(env("XDG_CACHE_HOME"), "vmrig");
	if (env("HOME") && *env("HOME") == '/')
		candidates[n++] = path_join(env("HOME"), ".cache/vmrig");

	for (size_t i = 0; i < n && r < 0; i++) {
		/* Of several, the folder asked for first is the one to explain. */
		r = writable_dir(candidates[i], why.code ? NULL : &why);
		if (r == 0)
			*ret = TAKE_PTR(candidates[i]);
	}
	if (r < 0)
		r = private_tmp(ret, &tmp_why);
	if (r < 0) {
		err_set(e, r, "no folder for the cache: %s%s%s", why.code ? err_text(&why) : "",
			why.code ? "; " : "", err_text(&tmp_why));
		err_hint(e, "Set VMRIG_CACHE_DIR to a folder that can be written.");
	}
	for (size_t i = 0; i < n; i++)
		free(candidates[i]);
	err_release(&why);
	err_release(&tmp_why);
	return r;
}

int path_cache_sub(const char *name, char **ret, struct err *e)
{
	_cleanup_free_ char *cache = NULL, *path = NULL;
	int r = path_cache(&cache, e);

	if (r < 0)
		return r;
	path = path_join(cache, name);
	r = dir_make(path, 0700, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

int path_cache_sub_read(const char *name, char **ret, struct err *e)
{
	const char *named = env("VMRIG_CACHE_DIR");

	if (named) {
		_cleanup_free_ char *cache = path_absolute(named, NULL);
		_cleanup_free_ char *path = path_join(cache, name);

		if (access(path, R_OK | X_OK) == 0) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return path_cache_sub(name, ret, e);
}

bool path_is_program(const char *path)
{
	return file_exists(path) && access(path, X_OK) == 0;
}

/* PATH/PROGRAM, absolute without folding "..", which symbolic links would turn into another file. */
static char *program_in(const char *dir, const char *program)
{
	_cleanup_free_ char *path = path_join(dir, program), *cwd = NULL;

	if (*path == '/')
		return TAKE_PTR(path);
	cwd = getcwd(NULL, 0);
	return path_join(cwd ? cwd : "/", path);
}

int path_program(const char *program, char **ret)
{
	const char *path = env("PATH");
	_cleanup_free_ char *dirs = NULL, *found = NULL;
	char *dir, *rest;

	if (strchr(program, '/')) {
		found = program_in("", program);
		if (!path_is_program(found))
			return -ENOENT;
		*ret = TAKE_PTR(found);
		return 0;
	}
	if (!*program)
		return -ENOENT;
	dirs = xstrdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	for (dir = strtok_r(dirs, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
		free(found);
		found = program_in(dir, program);
		if (path_is_program(found)) {
			*ret = TAKE_PTR(found);
			return 0;
		}
	}
	return -ENOENT;
}

int path_libexec(const char *name, char **ret, struct err *e)
{
	char self[PATH_MAX] = "";
	/* Not realpath(3): it fails once a rebuild has replaced the running file. */
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	_cleanup_free_ char *dir = path_dir(self), *places = NULL;
	_cleanup_strv_ struct strv tried = STRV_INIT;

	if (env("VMRIG_LIBEXEC_DIR"))
		strv_take(&tried, path_join(env("VMRIG_LIBEXEC_DIR"), name));
	if (n > 0) {
		static const char *const near[] = { "agent", "forkserver", "../../agent",
			"../libexec/vmrig" };

		for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
			_cleanup_free_ char *there = path_absolute(near[i], dir);

			strv_take(&tried, path_join(there, name));
		}
	}
	strv_take(&tried, path_join(VMRIG_LIBEXECDIR "/vmrig", name));

	for (size_t i = 0; i < tried.n; i++) {
		if (file_exists(tried.v[i])) {
			*ret = path_absolute(tried.v[i], NULL);
			return 0;
		}
	}
	places = strv_join(&tried, ", ");
	err_set(e, -ENOENT, "cannot find %s; tried %s", name, places);
	return err_hint(e, "Install it, build it (ninja), or set VMRIG_LIBEXEC_DIR to its folder.");
}
