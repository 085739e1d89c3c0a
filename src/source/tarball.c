/* SPDX-License-Identifier: MIT */
#include "source/tarball.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "base/unpack.h"
#include "debian/debian.h"
#include "fetch/fetch.h"

/* ---- downloading ---- */

struct watch {
	const struct source_options *o; /* borrowed */
	const char *name; /* borrowed */
	int tenth; /* told last */
};

static void on_progress(void *arg, int64_t done, int64_t total)
{
	struct watch *w = arg;
	int tenth = total ? (int)(10 * done / total) : 0;

	if (tenth <= w->tenth)
		return;
	w->tenth = tenth;
	source_say(w->o, "%s: %d %% of %lld MiB", w->name, 10 * tenth, (long long)(total >> 20));
}

int tarball_download(const char *url, const char *sha256, const char *dst,
	char ret_sha256[static HASH_HEX_LEN + 1], const struct source_options *o, struct err *e)
{
	struct watch w = { .o = o, .name = path_base(url) };
	const struct fetch_spec spec = {
		.url = url, .sha256 = sha256, .progress = on_progress, .arg = &w
	};

	source_say(o, "downloading %s", url);
	return fetch_file(&spec, dst, ret_sha256, e);
}

/* ---- unpacking ---- */

static int fill(void *arg, const char *aside, struct err *e)
{
	_cleanup_free_ char *in = path_join(aside, "tree.in");
	const struct unpack_spec spec = { .dir = in, .links = true };
	int r = dir_make(in, 0755, e);

	return r < 0 ? r : unpack_tar_file(arg, &spec, e);
}

int tarball_get(const char *path, const char *sha256, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e)
{
	char identity[HASH_HEX_LEN + 1];
	_cleanup_free_ char *file = xstrdup(path);
	const struct store_spec spec = {
		.identity = identity, .label = label, .checked = checked, .fill = fill, .arg = file
	};

	store_hash(identity, "source by its tarball, 1", sha256, NULL);
	if (store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	source_say(o, "unpacking %s", label);
	return store_make(&spec, o, ret, e);
}

/* ---- Debian packages ---- */

/* Of a linux-source package its tarball alone, into the folder itself. ARG counts them. */
static const char *source_in_package(void *arg, const char *path)
{
	static const char start[] = "usr/src/linux-source-";
	int *n = arg;

	if (!str_starts(path, start) || strchr(path + strlen(start), '/') || !strstr(path, ".tar"))
		return NULL;
	return (*n)++ == 0 ? path_base(path) : NULL;
}

static char *only_file(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	char *path = NULL;

	while (d && (f = readdir(d)) && !path)
		if (str_starts(f->d_name, "linux-source-"))
			path = path_join(dir, f->d_name);
	if (d)
		closedir(d);
	return path;
}

/* SCRATCH: a folder that is ours and empty. */
static int get_deb(const char *deb, const char *scratch, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *tarball = NULL;
	char sum[HASH_HEX_LEN + 1];
	int n = 0, r;
	const struct unpack_spec spec = { .dir = scratch, .place = source_in_package, .arg = &n };

	r = deb_unpack(deb, &spec, e);
	if (r < 0)
		return r;
	tarball = only_file(scratch);
	if (n != 1 || !tarball)
		return err_set(e, -EINVAL,
			"%s holds no kernel source: no /usr/src/linux-source-*.tar.*", deb);
	r = hash_file(tarball, sum, e);
	return r < 0 ? r : tarball_get(tarball, sum, label, checked, o, ret, e);
}

/* A folder for NAME, whose lock we hold: empty, whatever a process that died left there. */
static int make_scratch(const char *name, char **ret, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r = store_place(name, &path, e);

	if (r == 0)
		r = dir_remove(path, e);
	if (r == 0)
		r = dir_make(path, 0755, e);
	if (r == 0)
		*ret = TAKE_PTR(path);
	return r;
}

/* The package's own sum tells whether its tree is here already. */
static int get_deb_file(const char *deb, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *scratch = NULL, *name = NULL;
	_cleanup_close_ int lock = -1;
	char sum[HASH_HEX_LEN + 1], identity[HASH_HEX_LEN + 1];
	int r = store_file_sum(deb, sum, e);

	if (r < 0)
		return r;
	name = xasprintf("package file %s", sum);
	lock = store_name_lock(name, e);
	if (lock < 0)
		return lock;
	if (store_name_get(name, identity) == 0 && store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	r = make_scratch(name, &scratch, e);
	if (r < 0)
		return r;
	r = get_deb(deb, scratch, label, checked, o, ret, e);
	dir_remove(scratch, NULL);
	return r == 0 ? store_name_set(name, ret->identity, e) : r;
}

int tarball_get_file(const char *path, const char *label, const char *checked,
	const struct source_options *o, struct source *ret, struct err *e)
{
	char sum[HASH_HEX_LEN + 1];
	int r;

	if (deb_is(path))
		return get_deb_file(path, label, checked, o, ret, e);
	r = store_file_sum(path, sum, e);
	return r < 0 ? r : tarball_get(path, sum, label, checked, o, ret, e);
}

/* The machine's lists; where they do not serve, lists of our own. */
static int find_and_download(const char *package, const char *scratch,
	const struct source_options *o, char **ret_deb, char **ret_version, struct err *e)
{
	const struct debian_query q = {
		.prefix = package, .arch = arch_dpkg(arch_host()), .what = package
	};
	struct err first = ERR_INIT;
	int r = -ENOENT;

	for (int own = o->refresh ? 1 : 0; own < 2 && r < 0; own++) {
		struct debian_package p = { 0 };

		if (own && first.code)
			source_say(o, "%s", err_text(&first));
		source_say(
			o, own ? "fetching the lists of packages" : "asking apt for %s", package);
		err_release(&first);
		r = debian_find(&q, own, &p, &first);
		if (r == 0) {
			source_say(o, "downloading %s %s (%lld MiB)", p.name, p.version,
				p.size ? strtoll(p.size, NULL, 10) >> 20 : 0);
			r = debian_download(&p, scratch, ret_deb, &first);
		}
		if (r == 0)
			*ret_version = xstrdup(p.version);
		debian_package_release(&p);
	}
	if (r < 0)
		err_move(e, &first);
	err_release(&first);
	return r;
}

static int get_package(const char *package, const char *scratch, const struct source_options *o,
	struct source *ret, struct err *e)
{
	_cleanup_free_ char *deb = NULL, *version = NULL, *label = NULL, *checked = NULL;
	_cleanup_free_ char *files = path_join(scratch, "files");
	int r = dir_make(files, 0755, e);

	if (r == 0)
		r = find_and_download(package, scratch, o, &deb, &version, e);
	if (r < 0)
		return r;
	label = xasprintf("debian:%s", package);
	checked = xasprintf("apt: %s %s", package, version);
	return get_deb(deb, files, label, checked, o, ret, e);
}

int tarball_get_package(
	const char *package, const struct source_options *o, struct source *ret, struct err *e)
{
	_cleanup_free_ char *name = xasprintf("package %s", package), *scratch = NULL;
	_cleanup_close_ int lock = -1;
	char identity[HASH_HEX_LEN + 1];
	int r;

	if (!o->refresh && store_name_get(name, identity) == 0 &&
		store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	if (o->offline)
		return err_set(e, -ENETDOWN,
			"debian:%s is not in the cache, and may not be downloaded: offline",
			package);
	lock = store_name_lock(name, e);
	if (lock < 0)
		return lock;
	if (!o->refresh && store_name_get(name, identity) == 0 &&
		store_load(identity, o->verify, ret, NULL) == 0)
		return 0;
	r = make_scratch(name, &scratch, e);
	if (r < 0)
		return r;
	r = get_package(package, scratch, o, ret, e);
	dir_remove(scratch, NULL);
	return r == 0 ? store_name_set(name, ret->identity, e) : err_wrap(e, "debian:%s", package);
}
