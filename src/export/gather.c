/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "export/private.h"

#define ORDER_MAX ((size_t)16 << 20)

struct gathering {
	const struct kernel *k; /* borrowed */
	const char *scratch; /* borrowed */
	struct pack *files; /* borrowed */
	struct strv *missing; /* borrowed */
};

int export_scratch_make(const char *dst, char **ret, struct err *e)
{
	_cleanup_free_ char *full = path_absolute(dst, NULL), *dir = path_dir(full);
	_cleanup_free_ char *path = xasprintf("%s/.%.200s.XXXXXX", dir, path_base(full));

	if (!mkdtemp(path))
		return err_sys(e, errno, "cannot make a folder in %s", dir);
	*ret = TAKE_PTR(path);
	return 0;
}

void export_scratch_drop(char **scratch)
{
	if (*scratch)
		dir_remove(*scratch, NULL);
	free(*scratch);
}

static int add_boot(struct gathering *g, const char *name, const char *host_path, struct err *e)
{
	_cleanup_free_ char *path = xasprintf("boot/%s-%s", name, g->k->release);

	return pack_add_file(g->files, path, host_path, e);
}

/* The one with symbols, else the one inside the image, which at least boots. */
static int add_vmlinux(struct gathering *g, struct err *e)
{
	const struct kernel *k = g->k;
	_cleanup_free_ char *unpacked = path_join(g->scratch, "vmlinux");
	int r;

	if (k->vmlinux)
		return streq(k->vmlinux, k->image) ? 0 : add_boot(g, "vmlinux", k->vmlinux, e);
	strv_add(g->missing, "symbols: the kernel has no vmlinux with a symbol table");
	if (k->kind != IMAGE_BZIMAGE)
		return 0;
	r = image_vmlinux(k->image, unpacked, e);
	return r < 0 ? r : add_boot(g, "vmlinux", unpacked, e);
}

static int add_config(struct gathering *g, struct err *e)
{
	_cleanup_free_ char *path = xasprintf("boot/config-%s", g->k->release);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	int r;

	if (g->k->config)
		return pack_add_file(g->files, path, g->k->config, e);
	r = kconfig_extract_text(g->k->image, &text, &why);
	if (r == 0)
		pack_add_data(g->files, path, text.data, text.len);
	if (r != -ENODATA)
		return err_move(e, &why);
	err_release(&why);
	strv_add(g->missing, "config: the kernel neither came with one nor carries one");
	return 0;
}

/* ---- modules ---- */

static int copy_beside(const char *from, const char *to, const char *name, struct err *e)
{
	_cleanup_free_ char *src = path_join(from, name), *dst = path_join(to, name);

	return file_exists(src) ? file_copy(src, dst, 0644, e) : 0;
}

/* "fs/ext4/ext4.o" of a build tree is "kernel/fs/ext4/ext4.ko" of an installed kernel. */
static int write_order(const char *tree, const char *dir, struct err *e)
{
	_cleanup_free_ char *src = path_join(tree, "modules.order");
	_cleanup_free_ char *dst = path_join(dir, "modules.order");
	_cleanup_buf_ struct buf text = BUF_INIT, order = BUF_INIT;
	int r = file_read(src, ORDER_MAX, &text, e);

	if (r < 0)
		return r;
	for (const char *p = buf_str(&text); *p; p += strspn(p, "\n")) {
		size_t len = strcspn(p, "\n"), stem = len;

		while (stem && p[stem] != '.')
			stem--;
		buf_addf(&order, "kernel/%.*s.ko\n", (int)(stem ? stem : len), p);
		p += len;
	}
	return file_write_atomic(dst, buf_str(&order), order.len, 0644, e);
}

/* What "make modules_install" would do with the modules of the build tree. */
static int install_modules(const char *tree, const char *dir, struct err *e)
{
	_cleanup_strv_ struct strv modules = STRV_INIT;
	int r = modules_files(tree, &modules, e);

	for (size_t i = 0; r == 0 && i < modules.n; i++) {
		const char *below = modules.v[i] + strlen(tree) + 1;
		_cleanup_free_ char *dst = xasprintf("%s/kernel/%s", dir, below);
		_cleanup_free_ char *folder = path_dir(dst);

		r = dir_make(folder, 0755, e);
		if (r == 0)
			r = file_copy(modules.v[i], dst, 0644, e);
	}
	if (r == 0)
		r = write_order(tree, dir, e);
	if (r == 0)
		r = copy_beside(tree, dir, "modules.builtin", e);
	if (r == 0)
		r = copy_beside(tree, dir, "modules.builtin.modinfo", e);
	return r < 0 ? r : modules_index(dir, e);
}

static int add_modules(struct gathering *g, struct err *e)
{
	const char *dir = g->k->modules_dir;
	_cleanup_free_ char *path = xasprintf("lib/modules/%s", g->k->release);
	_cleanup_free_ char *installed = path_join(g->scratch, "modules");
	_cleanup_free_ char *order = NULL, *source = NULL;
	int r;

	if (!dir) {
		strv_add(g->missing, "modules: the kernel has none");
		return 0;
	}
	order = path_join(dir, "modules.order");
	source = path_join(dir, "include/config/kernel.release");
	if (!file_exists(source) || !file_exists(order))
		return pack_add_tree(g->files, path, dir, e);
	r = dir_make(installed, 0755, e);
	if (r == 0)
		r = install_modules(dir, installed, e);
	return r < 0 ? r : pack_add_tree(g->files, path, installed, e);
}

/* ---- all of it ---- */

static int gather_parts(struct gathering *g, struct err *e)
{
	const struct kernel *k = g->k;
	int r;

	if (strchr(k->release, '/'))
		return err_set(e, -EINVAL, "its release %s is no file name", k->release);
	r = add_boot(g, "vmlinuz", k->image, e);
	if (r == 0)
		r = add_vmlinux(g, e);
	if (r == 0)
		r = add_config(g, e);
	if (r == 0 && k->system_map)
		r = add_boot(g, "System.map", k->system_map, e);
	else if (r == 0)
		strv_add(g->missing, "System.map: the kernel has none that holds symbols");
	if (r == 0)
		r = add_modules(g, e);
	return r < 0 ? r : pack_sort(g->files, e);
}

int export_gather(const struct export_spec *s, const char *scratch, struct pack *ret,
	struct strv *ret_missing, struct err *e)
{
	_cleanup_buf_ struct buf manifest = BUF_INIT, sums = BUF_INIT, signature = BUF_INIT;
	_cleanup_pack_ struct pack p = PACK_INIT;
	struct gathering g = { s->kernel, scratch, &p, ret_missing };
	int r = gather_parts(&g, e);

	if (r < 0)
		return err_wrap(e, "kernel %s", s->kernel->label);
	export_describe(s->kernel, &p, ret_missing, &manifest);
	pack_add_data(&p, "manifest.json", manifest.data, manifest.len);
	r = pack_sort(&p, e);
	pack_sums(&p, &sums);
	if (r == 0 && s->gpg_key)
		r = export_sign(s->gpg_key, &sums, &signature, e);
	if (r < 0)
		return r;
	pack_add_data(&p, "SHA256SUMS", sums.data, sums.len);
	if (s->gpg_key)
		pack_add_data(&p, "SHA256SUMS.asc", signature.data, signature.len);
	r = pack_sort(&p, e);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct pack)PACK_INIT;
	return 0;
}
