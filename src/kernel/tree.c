/* SPDX-License-Identifier: MIT */
/* Kernels in the tree that they were built in: the source tree, or the folder of make O=…. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "kernel/folder.h"

static bool has(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);
	struct stat st;

	return stat(path, &st) == 0;
}

static bool is_source(const char *dir)
{
	return has(dir, "Kconfig") && has(dir, "Kbuild") && has(dir, "Makefile") &&
	       has(dir, "arch") && has(dir, "init");
}

/* "make" writes it early, for a build folder and for a source tree alike. */
static bool is_build(const char *dir)
{
	return has(dir, "include/config/kernel.release");
}

bool tree_is_kernel(const char *dir)
{
	return is_build(dir) || is_source(dir);
}

char *tree_find(const char *dir)
{
	_cleanup_free_ char *at = path_absolute(dir, NULL);

	while (!tree_is_kernel(at)) {
		char *parent;

		if (streq(at, "/"))
			return NULL;
		parent = path_dir(at);
		free(at);
		at = parent;
	}
	return TAKE_PTR(at);
}

/* In nanoseconds; 0: not there. */
static int64_t mtime(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode)
		       ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec
		       : 0;
}

/* The newest image of DIR, its vmlinux when that is newer than what is made from it. */
static char *choose_image(const char *dir, bool *ret_stale)
{
	static const char *const images[] = { "arch/x86/boot/bzImage", "arch/arm64/boot/Image" };
	_cleanup_free_ char *vmlinux = path_join(dir, "vmlinux");
	_cleanup_free_ char *best = NULL;
	int64_t best_ns = 0;

	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		_cleanup_free_ char *path = path_join(dir, images[i]);
		int64_t ns = mtime(path);

		if (ns > best_ns) {
			str_replace(&best, path);
			best_ns = ns;
		}
	}
	*ret_stale = best && mtime(vmlinux) > best_ns;
	if ((!best || *ret_stale) && mtime(vmlinux))
		str_replace(&best, vmlinux);
	return TAKE_PTR(best);
}

static int not_built(const char *dir, struct err *e)
{
	err_set(e, -ENOENT, "the kernel tree %s is not built: it has no bzImage, Image or vmlinux",
		dir);
	return err_hint(e,
		"Run vmrig kernel build %s, or make there, or name the folder of make O=… (or another "
		"kernel) with --kernel.",
		dir);
}

static char *first_line(const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t n;

	if (file_read(path, 4096, &text, NULL) < 0)
		return NULL;
	n = strcspn(buf_str(&text), "\r\n");
	return n ? xstrndup(buf_str(&text), n) : NULL;
}

/* Modules are used where make left them. The list is empty when none was built. */
static char *built_modules(const char *dir)
{
	_cleanup_free_ char *order = path_join(dir, "modules.order");
	struct stat st;

	return stat(order, &st) == 0 && st.st_size > 0 ? xstrdup(dir) : NULL;
}

int kernel_from_tree(const char *dir, const char *image, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *chosen = NULL, *config = path_join(dir, ".config");
	_cleanup_free_ char *vmlinux = path_join(dir, "vmlinux");
	_cleanup_free_ char *map = path_join(dir, "System.map");
	_cleanup_free_ char *release = path_join(dir, "include/config/kernel.release");
	bool stale = false;
	struct kernel k;
	int r;

	chosen = image ? xstrdup(image) : choose_image(dir, &stale);
	if (!chosen && kernel_from_note(dir, ret, NULL) == 0)
		return 0;
	if (!chosen)
		return not_built(dir, e);
	r = kernel_read_image(chosen, &k, e);
	if (r < 0)
		return r;
	if (!k.release)
		k.release = first_line(release);
	if (!k.release)
		k.release = xstrdup("unknown");
	k.modules_dir = built_modules(dir);
	k.config = file_exists(config) ? TAKE_PTR(config) : NULL;
	kernel_find_symbols(&k, vmlinux, map);
	k.origin = xasprintf("built in %s: %s%s", dir,
		k.image + (path_below(k.image, dir) ? strlen(dir) + 1 : 0),
		stale ? ", which is newer than the boot image there" : "");
	*ret = k;
	return 0;
}
