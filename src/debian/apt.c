/* SPDX-License-Identifier: MIT */
/* apt's own programs: its lists, its signatures, its download. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/version.h"
#include "debian/debian.h"

#define QUERY_MS      (2 * 60 * 1000)
#define UPDATE_MS     (15 * 60 * 1000)
#define DOWNLOAD_MS   (60 * 60 * 1000)
#define MESSAGE_LINES 4

/* Where lists of our own for ARCH are; the machine's own have theirs for themselves. */
static int own_state_dir(const char *arch, char **ret, struct err *e)
{
	_cleanup_free_ char *name = NULL;

	if (streq(arch, arch_dpkg(arch_host())))
		return path_cache_sub("apt", ret, e);
	name = xasprintf("apt-%s", arch);
	return path_cache_sub(name, ret, e);
}

/* Lists of our own, for a machine whose lists are empty, stale, or not for us. */
static int add_own_state(struct strv *argv, const char *arch, struct err *e)
{
	_cleanup_free_ char *apt = NULL, *lists = NULL, *archives = NULL;
	int r = own_state_dir(arch, &apt, e);

	if (r < 0)
		return r;
	strv_add(argv, "-o");
	strv_addf(argv, "APT::Architecture=%s", arch);
	strv_add(argv, "-o");
	strv_addf(argv, "APT::Architectures=%s", arch);
	lists = path_join(apt, "lists/partial");
	archives = path_join(apt, "cache/archives/partial");
	r = dir_make(lists, 0755, e);
	if (r == 0)
		r = dir_make(archives, 0755, e);
	strv_add(argv, "-o");
	strv_addf(argv, "Dir::State=%s", apt);
	strv_add(argv, "-o");
	strv_addf(argv, "Dir::State::lists=%s/lists", apt);
	strv_add(argv, "-o");
	strv_addf(argv, "Dir::Cache=%s/cache", apt);
	return r;
}

/* OWN_ARCH: lists of our own, for that machine; NULL: those of this machine. */
static int start_argv(struct strv *argv, const char *program, const char *own_arch, struct err *e)
{
	_cleanup_free_ char *path = NULL;

	if (path_program(program, &path) < 0) {
		err_set(e, -ENOENT, "%s is not here, and kernel packages come by it", program);
		return err_hint(e,
			"On a machine without apt, name a kernel by its path: an image, a build "
			"tree, or a folder that holds an unpacked package.");
	}
	strv_take(argv, TAKE_PTR(path));
	strv_add(argv, "-q");
	/* Root's apt would download as a user that cannot enter our folder. */
	if (geteuid() == 0) {
		strv_add(argv, "-o");
		strv_add(argv, "APT::Sandbox::User=root");
	}
	return own_arch ? add_own_state(argv, own_arch, e) : 0;
}

static int run(const struct strv *argv, struct buf *ret_out, int64_t timeout_ms, struct err *e)
{
	_cleanup_buf_ struct buf err = BUF_INIT, message = BUF_INIT;
	_cleanup_free_ char *command = strv_shell(argv);
	const char *tail;
	size_t len;
	int status, r;

	r = proc_capture((const char *const *)argv->v, NULL, ret_out, &err, timeout_ms, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", command);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	while (err.len && isspace((unsigned char)err.data[err.len - 1]))
		buf_truncate(&err, err.len - 1);
	tail = text_last_lines(buf_str(&err), err.len, MESSAGE_LINES, &len);
	proc_describe_status(&message, status);
	buf_adds(&message, len ? ": " : "");
	text_clean(&message, tail, len);
	return err_set(e, -EIO, "%s: %s", command, buf_str(&message));
}

static int update_lists(const char *arch, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = start_argv(&argv, "apt-get", arch, e);

	if (r < 0)
		return r;
	/* Lists that cannot be had are a warning to apt, and old ones serve. */
	strv_add(&argv, "-o");
	strv_add(&argv, "APT::Update::Error-Mode=any");
	strv_add(&argv, "update");
	r = run(&argv, NULL, UPDATE_MS, e);
	return r < 0 ? err_wrap(e, "cannot fetch the lists of packages") : 0;
}

/* The line "FIELD: value" of a record of apt's; NULL: none. The caller owns the string. */
static char *record_field(const char *record, const char *field)
{
	size_t n = strlen(field);

	for (const char *p = record; p && *p; p = strchr(p, '\n'), p += p ? 1 : 0) {
		size_t len = strcspn(p, "\n");

		if (len == 0 && p != record) /* the end of the first record */
			return NULL;
		if (len > n + 1 && memcmp(p, field, n) == 0 && p[n] == ':') {
			p += n + 1;
			len -= n + 1;
			while (len && *p == ' ') {
				p++;
				len--;
			}
			return xstrndup(p, len);
		}
	}
	return NULL;
}

static int show_package(
	const char *name, const char *own_arch, struct debian_package *ret, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct debian_package p = { .own_arch = own_arch };
	int r = start_argv(&argv, "apt-cache", own_arch, e);

	if (r < 0)
		return r;
	strv_add(&argv, "show");
	strv_add(&argv, "--no-all-versions");
	strv_add(&argv, name);
	r = run(&argv, &out, QUERY_MS, e);
	if (r < 0)
		return r;
	p.name = xstrdup(name);
	p.version = record_field(buf_str(&out), "Version");
	p.sha256 = record_field(buf_str(&out), "SHA256");
	p.size = record_field(buf_str(&out), "Size");
	if (!p.version || !p.sha256) {
		debian_package_release(&p);
		return err_set(e, -EBADMSG, "apt tells no version or no SHA-256 of %s", name);
	}
	*ret = p;
	return 0;
}

/* For apt-cache's regular expressions: NAME alone, or what begins so. */
static char *pattern_of(const struct debian_query *q)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '^');
	for (const char *p = q->prefix; *p; p++)
		buf_addf(&b, isalnum((unsigned char)*p) || *p == '-' ? "%c" : "[%c]", *p);
	if (!q->matches)
		buf_addc(&b, '$');
	return buf_detach(&b);
}

static int search(
	const struct debian_query *q, const char *own_arch, struct buf *ret, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *pattern = pattern_of(q);
	int r = start_argv(&argv, "apt-cache", own_arch, e);

	if (r < 0)
		return r;
	strv_add(&argv, "search");
	strv_add(&argv, "--names-only");
	strv_add(&argv, pattern);
	return run(&argv, ret, QUERY_MS, e);
}

static bool matches(const struct debian_query *q, const char *name)
{
	return q->matches ? q->matches(q->arg, name) : streq(name, q->prefix);
}

/* Lines are "NAME - description". */
static char *newest_of(const struct debian_query *q, const char *lines)
{
	char *best = NULL;

	for (const char *p = lines; p && *p; p = strchr(p, '\n'), p += p ? 1 : 0) {
		_cleanup_free_ char *name = xstrndup(p, strcspn(p, " \t\n"));

		if (!matches(q, name) || (best && version_compare(name, best) <= 0))
			continue;
		str_replace(&best, name);
	}
	return best;
}

static int find(
	const struct debian_query *q, bool own_state, struct debian_package *ret, struct err *e)
{
	_cleanup_buf_ struct buf lines = BUF_INIT;
	_cleanup_free_ char *name = NULL;
	const char *own_arch = own_state ? q->arch : NULL;
	struct err why = ERR_INIT;
	int updated = own_state ? update_lists(q->arch, &why) : 0;
	int r = search(q, own_arch, &lines, e);

	name = r == 0 ? newest_of(q, buf_str(&lines)) : NULL;
	if (r == 0 && !name)
		r = updated < 0 ? err_move(e, &why)
				: err_set(e, -ENOENT, "apt knows no package %s", q->what);
	err_release(&why);
	return r < 0 ? r : show_package(name, own_arch, ret, e);
}

int debian_find(
	const struct debian_query *q, bool own_state, struct debian_package *ret, struct err *e)
{
	_cleanup_free_ char *apt = NULL, *path = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	if (!own_state)
		return find(q, false, ret, e);
	r = own_state_dir(q->arch, &apt, e);
	if (r < 0)
		return r;
	path = path_join(apt, "vmrig.lock");
	lock = lock_take(path, false, clock_ms() + UPDATE_MS, e);
	return lock < 0 ? lock : find(q, true, ret, e);
}

void debian_package_release(struct debian_package *p)
{
	free(p->name);
	free(p->version);
	free(p->sha256);
	free(p->size);
	*p = (struct debian_package){ 0 };
}

/* ---- downloading ---- */

static char *only_deb(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	char *path = NULL;

	while (d && (f = readdir(d)) && !path)
		if (str_ends(f->d_name, ".deb"))
			path = path_join(dir, f->d_name);
	if (d)
		closedir(d);
	return path;
}

static int check_sum(const struct debian_package *p, const char *path, struct err *e)
{
	char sum[HASH_HEX_LEN + 1];
	int r = hash_file(path, sum, e);

	if (r < 0)
		return r;
	if (!streq(sum, p->sha256))
		return err_set(e, -EBADMSG, "%s is damaged: its SHA-256 is %s, apt states %s",
			path_base(path), sum, p->sha256);
	return 0;
}

int debian_download(const struct debian_package *p, const char *dir, char **ret_path, struct err *e)
{
	_cleanup_strv_ struct strv apt = STRV_INIT, argv = STRV_INIT;
	_cleanup_free_ char *path = NULL;
	int r = start_argv(&apt, "apt-get", p->own_arch, e);

	if (r < 0)
		return r;
	/* "apt-get download" writes to its working folder. */
	strv_add(&argv, "sh");
	strv_add(&argv, "-c");
	strv_add(&argv, "cd \"$1\" && shift && exec \"$@\"");
	strv_add(&argv, "sh");
	strv_add(&argv, dir);
	strv_addv(&argv, &apt);
	strv_add(&argv, "download");
	strv_addf(&argv, "%s=%s", p->name, p->version);
	r = run(&argv, NULL, DOWNLOAD_MS, e);
	if (r < 0)
		return err_wrap(e, "cannot download %s", p->name);
	path = only_deb(dir);
	if (!path)
		return err_set(e, -EIO, "apt-get download left no package of %s", p->name);
	r = check_sum(p, path, e);
	if (r == 0)
		*ret_path = TAKE_PTR(path);
	return r;
}
