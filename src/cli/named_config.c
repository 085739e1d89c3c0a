/* SPDX-License-Identifier: MIT */
#include "cli/named_config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "image/image.h"
#include "kernel/kernel.h"

void named_config_release(struct named_config *c)
{
	free(c->label);
	free(c->srctree);
	kconfig_free(c->config);
	*c = (struct named_config){ 0 };
}

/* The file itself, or the .config of a folder; NULL: NAME is a kernel. */
static char *config_file(const char *name)
{
	struct image_info info = { 0 };
	struct stat st;
	char *path;

	if (!name || stat(name, &st) < 0)
		return NULL;
	if (S_ISDIR(st.st_mode)) {
		path = path_join(name, ".config");
		if (file_exists(path))
			return path;
		free(path);
		return NULL;
	}
	if (image_identify(name, &info, NULL) == 0) {
		image_info_release(&info);
		return NULL;
	}
	return xstrdup(name);
}

static bool is_srctree(const char *dir)
{
	_cleanup_free_ char *kconfig = path_join(dir, "Kconfig");

	return file_exists(kconfig);
}

/* Beside the .config, or where the folder of make O=… points to. */
static char *find_srctree(const char *config)
{
	_cleanup_free_ char *dir = path_dir(config), *source = path_join(dir, "source");

	if (is_srctree(dir))
		return TAKE_PTR(dir);
	return is_srctree(source) ? TAKE_PTR(source) : NULL;
}

static const char *arch_of(const struct kconfig *k)
{
	if (kconfig_tristate(k, "X86_64") == 'y')
		return "x86_64";
	return kconfig_tristate(k, "ARM64") == 'y' ? "aarch64" : arch_host();
}

static int of_kernel(const char *name, struct named_config *ret, struct err *e)
{
	struct kernel k = { 0 };
	int r = kernel_resolve(name, NULL, &k, e);

	if (r < 0)
		return r;
	ret->label = xstrdup(k.label);
	r = kernel_config(&k, &ret->config, e);
	if (r < 0)
		err_wrap(e, "kernel %s", k.label);
	else if (k.config)
		ret->srctree = find_srctree(k.config);
	kernel_release(&k);
	return r;
}

int named_config_get(const char *name, struct named_config *ret, struct err *e)
{
	_cleanup_free_ char *path = config_file(name);
	struct named_config c = { 0 };
	int r;

	if (path) {
		c.label = xstrdup(path);
		c.srctree = find_srctree(path);
		r = kconfig_load(path, &c.config, e);
	} else {
		r = of_kernel(name, &c, e);
	}
	if (r < 0) {
		named_config_release(&c);
		return r;
	}
	c.arch = arch_of(c.config);
	*ret = c;
	return 0;
}
