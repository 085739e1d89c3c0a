/* SPDX-License-Identifier: MIT */
#include "kernel/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/text.h"

#define PREFIX "vmlinuz-"

void kernel_release(struct kernel *k)
{
	free(k->label);
	free(k->key);
	free(k->release);
	free(k->arch);
	free(k->image);
	free(k->modules_dir);
	free(k->config);
	free(k->vmlinux);
	free(k->system_map);
	free(k->origin);
	if (k->hold > 0)
		fd_close(k->hold);
	*k = (struct kernel){ 0 };
}

int kernel_read_image(const char *path, struct kernel *ret, struct err *e)
{
	struct image_info info = { 0 };
	int r = image_identify(path, &info, e);

	if (r < 0)
		return r;
	*ret = (struct kernel){
		.release = TAKE_PTR(info.release),
		.arch = info.arch ? TAKE_PTR(info.arch) : xstrdup("unknown"),
		.kind = info.kind,
		.image = path_absolute(path, NULL),
	};
	image_info_release(&info);
	return 0;
}

/* ---- symbols ---- */

/* "ffffffff81000000 T _text"; Debian's is one line that says where to look for it. */
static bool map_holds_symbols(const char *path)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	_cleanup_close_ int fd = file_open(path, 0, NULL);
	unsigned long long address;
	const char *p;
	char type;
	int lines = 0;

	if (fd < 0 || buf_read(&head, fd, 4096) <= 0)
		return false;
	for (p = buf_str(&head); p && lines < 3; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (sscanf(p, "%llx %c ", &address, &type) != 2)
			return false;
		lines++;
	}
	return lines == 3;
}

void kernel_find_symbols(struct kernel *k, const char *vmlinux, const char *map)
{
	_cleanup_free_ char *boot = xasprintf("/usr/lib/debug/boot/vmlinux-%s", k->release);
	_cleanup_free_ char *modules =
		xasprintf("/usr/lib/debug/lib/modules/%s/vmlinux", k->release);
	const char *const candidates[] = { vmlinux, boot, modules };

	for (size_t i = 0; i < ARRAY_SIZE(candidates) && !k->vmlinux; i++)
		if (candidates[i] && file_exists(candidates[i]) && image_has_symbols(candidates[i]))
			k->vmlinux = xstrdup(candidates[i]);
	if (map && file_exists(map) && map_holds_symbols(map))
		k->system_map = xstrdup(map);
}

/* ---- what lies around an image ---- */

static char *find_modules(const char *root, const char *release)
{
	static const char *const folders[] = { "lib/modules", "usr/lib/modules" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *dir = xasprintf("%s/%s/%s", root, folders[i], release);

		if (dir_exists(dir))
			return dir;
		free(dir);
	}
	return NULL;
}

static char *if_exists(char *path)
{
	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

/* IMAGE with what lies below ROOT for it. VERSION is what its name says. */
static int from_root(
	const char *root, const char *image, const char *version, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *map = xasprintf("%s/boot/System.map-%s", root, version);
	_cleanup_free_ char *vmlinux = xasprintf("%s/boot/vmlinux-%s", root, version);
	struct kernel k;
	int r = kernel_read_image(image, &k, e);

	if (r < 0)
		return r;
	if (!k.release)
		k.release = xstrdup(version);
	k.modules_dir = find_modules(root, k.release);
	k.config = if_exists(xasprintf("%s/boot/config-%s", root, version));
	kernel_find_symbols(&k, file_exists(vmlinux) ? vmlinux : image, map);
	*ret = k;
	return 0;
}

int kernel_from_root(const char *root, const char *version, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *boot = xasprintf("%s/boot/" PREFIX "%s", root, version);
	_cleanup_free_ char *modules = find_modules(root, version);
	_cleanup_free_ char *inside = modules ? path_join(modules, "vmlinuz") : NULL;

	if (strchr(version, '/') || version[0] == '\0')
		return err_set(e, -ENOENT, "%s is no kernel version", version);
	if (file_exists(boot))
		return from_root(root, boot, version, ret, e);
	if (inside && file_exists(inside))
		return from_root(root, inside, version, ret, e);
	return err_set(e, -ENOENT, "no installed kernel %s", boot);
}

/* The versions of DIR/boot/vmlinuz-*, sorted. */
static void list_boot(const char *dir, struct strv *ret)
{
	_cleanup_free_ char *boot = path_join(dir, "boot");
	DIR *d = opendir(boot);
	struct dirent *f;

	if (!d)
		return;
	while ((f = readdir(d)))
		if (str_starts(f->d_name, PREFIX) && f->d_name[strlen(PREFIX)])
			strv_add(ret, f->d_name + strlen(PREFIX));
	closedir(d);
	strv_sort(ret);
}

bool folder_is_package(const char *dir)
{
	_cleanup_strv_ struct strv versions = STRV_INIT;

	list_boot(dir, &versions);
	return versions.n > 0;
}

int kernel_from_folder(const char *dir, struct kernel *ret, struct err *e)
{
	_cleanup_strv_ struct strv versions = STRV_INIT;
	_cleanup_free_ char *image = NULL;

	list_boot(dir, &versions);
	if (versions.n == 0)
		return err_set(e, -ENOENT, "%s holds no boot/" PREFIX "*", dir);
	if (versions.n > 1) {
		_cleanup_free_ char *names = strv_join(&versions, ", ");

		err_set(e, -EINVAL, "%s holds several kernels: %s", dir, names);
		return err_hint(e, "Name the image: %s/boot/" PREFIX "%s.", dir,
			versions.v[versions.n - 1]);
	}
	image = xasprintf("%s/boot/" PREFIX "%s", dir, versions.v[0]);
	return from_root(dir, image, versions.v[0], ret, e);
}

/* The tree that PATH was built in, where its place says so: TREE/vmlinux, TREE/arch/ARCH/boot/IMAGE.
 * One that was merely put somewhere in a tree may be of another build. */
static char *tree_of_image(const char *path)
{
	_cleanup_free_ char *boot = path_dir(path), *machine = path_dir(boot);
	_cleanup_free_ char *arch = path_dir(machine), *tree = path_dir(arch);

	if (streq(path_base(path), "vmlinux") && tree_is_kernel(boot))
		return TAKE_PTR(boot);
	if (streq(path_base(boot), "boot") && streq(path_base(arch), "arch") &&
		tree_is_kernel(tree))
		return TAKE_PTR(tree);
	return NULL;
}

int kernel_from_image(const char *path, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *tree = tree_of_image(path), *boot = path_dir(path);
	const char *base = path_base(path);
	int r;

	if (tree)
		return kernel_from_tree(tree, path, ret, e);
	if (str_starts(base, PREFIX) && streq(path_base(boot), "boot")) {
		_cleanup_free_ char *root = path_dir(boot);

		return from_root(streq(root, "/") ? "" : root, path, base + strlen(PREFIX), ret, e);
	}
	r = kernel_read_image(path, ret, e);
	if (r < 0)
		return r;
	if (!ret->release)
		ret->release = xstrdup("unknown");
	kernel_find_symbols(ret, path, NULL);
	return 0;
}

/* ---- the key ---- */

/* A build writes its modules anew without touching anything common, so each counts. */
static int hash_built_modules(struct hash *h, const char *dir, struct err *e)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	int r = modules_files(dir, &paths, e);

	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = hash_add_file_identity(h, paths.v[i], e);
	return r;
}

/* depmod, which runs after each change of installed modules, writes modules.dep anew. */
static int hash_modules(struct hash *h, const char *dir, struct err *e)
{
	static const char *const files[] = { "modules.dep", "modules.order", "modules.builtin" };
	int r = hash_add_file_identity(h, dir, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(dir, files[i]);

		if (file_exists(path))
			r = hash_add_file_identity(h, path, e);
	}
	return r;
}

int kernel_set_key(struct kernel *k, struct err *e)
{
	struct hash *h = hash_new();
	char hex[HASH_HEX_LEN + 1];
	int r;

	hash_adds(h, "kernel by its files, 1");
	r = hash_add_file_identity(h, k->image, e);
	if (r == 0 && k->config)
		r = hash_add_file_identity(h, k->config, e);
	if (r == 0 && k->modules_dir)
		r = tree_is_kernel(k->modules_dir) ? hash_built_modules(h, k->modules_dir, e)
						   : hash_modules(h, k->modules_dir, e);
	hash_final(h, hex);
	if (r == 0)
		str_replace(&k->key, hex);
	return r;
}
