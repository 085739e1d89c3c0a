/* SPDX-License-Identifier: MIT */
/* The recipe: what the project says of a configuration, before any source is looked at. */
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "build/private.h"

#define CONFIG_MAX (16u << 20)
#define UNPACK_MS  10000

/*
 * Keys that each build makes anew, and a version that says how many commits ago a tag was, make other
 * bytes of the same source. The certificates that a distribution names in its configuration are not in
 * anybody else's tree.
 */
const char recipe_first[] = "# CONFIG_LOCALVERSION_AUTO is not set\n"
			    "# CONFIG_MODULE_SIG is not set\n"
			    "CONFIG_SYSTEM_TRUSTED_KEYS=\"\"\n"
			    "CONFIG_SYSTEM_REVOCATION_KEYS=\"\"\n";

int recipe_wishes(const struct build_spec *s, struct kconfig_wishes *ret, struct err *e)
{
	const char *arch = s->arch ? s->arch : arch_host();
	struct kconfig_wishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && s->fragments && i < s->fragments->n; i++)
		r = kconfig_wish_fragment(&w, s->fragments->v[i], arch, s->dir, e);
	for (size_t i = 0; r == 0 && s->options && i < s->options->n; i++)
		r = kconfig_wish_option(&w, s->options->v[i],
			s->options_origin ? s->options_origin : "--config", e);
	if (r < 0) {
		kconfig_wishes_release(&w);
		return r;
	}
	*ret = w;
	return 0;
}

/* ---- the base ---- */

static int unpack(const char *path, struct buf *ret, struct err *e)
{
	const char *argv[] = { "gzip", "-dc", path, NULL };
	int status, r = proc_capture(argv, NULL, ret, NULL, UNPACK_MS, &status, e);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, -EIO, "cannot unpack %s", path);
	return 0;
}

/* The running kernel's, where distributions put it. */
static int host_config(struct buf *ret, struct err *e)
{
	_cleanup_free_ char *boot = NULL, *modules = NULL;
	struct utsname u;

	uname(&u);
	boot = xasprintf("/boot/config-%s", u.release);
	modules = xasprintf("/lib/modules/%s/config", u.release);
	if (file_exists(boot))
		return file_read(boot, CONFIG_MAX, ret, e);
	if (file_exists(modules))
		return file_read(modules, CONFIG_MAX, ret, e);
	if (file_exists("/proc/config.gz"))
		return unpack("/proc/config.gz", ret, e);
	err_set(e, -ENOENT,
		"the host's kernel shows no configuration: no %s, %s or /proc/config.gz", boot,
		modules);
	return err_hint(e, "Name a file with --base, or take defconfig.");
}

int recipe_base(const struct build_spec *s, struct buf *ret, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (!s->base || streq(s->base, "defconfig") || streq(s->base, "tinyconfig"))
		return 0;
	if (streq(s->base, "host")) {
		if (s->arch && !streq(s->arch, arch_host()))
			return err_set(e, -EINVAL,
				"the host's configuration is for %s, the kernel for %s",
				arch_host(), s->arch);
		return host_config(ret, e);
	}
	path = path_absolute(s->base, s->dir);
	r = file_read(path, CONFIG_MAX, ret, e);
	if (r == -ENOENT && !strchr(s->base, '/') && !strchr(s->base, '.'))
		err_hint(e, "A base is defconfig, tinyconfig, host, or a file.");
	return r;
}

static bool asks_btf(const char *text)
{
	return strstr(text, "CONFIG_DEBUG_INFO_BTF=y") != NULL;
}

bool recipe_wants_btf(const struct build_spec *s, const struct kconfig_wishes *w)
{
	_cleanup_buf_ struct buf base = BUF_INIT;

	/* The last word on it is a wish's. */
	for (size_t i = 0; i < w->n; i++)
		if (streq(w->v[i].option, "DEBUG_INFO_BTF"))
			return streq(w->v[i].value, "y");
	return recipe_base(s, &base, NULL) == 0 && asks_btf(buf_str(&base));
}

/* ---- the hash ---- */

static int hash_base(struct hash *h, const struct build_spec *s, struct err *e)
{
	_cleanup_buf_ struct buf base = BUF_INIT;
	int r = recipe_base(s, &base, e);

	if (r < 0)
		return r;
	if (base.len) {
		hash_adds(h, "file");
		hash_adds(h, buf_str(&base));
	} else {
		hash_adds(h, s->base ? s->base : "defconfig");
	}
	return 0;
}

static int hash_patches(struct hash *h, const struct build_spec *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && s->patches && i < s->patches->n; i++) {
		_cleanup_free_ char *path = path_absolute(s->patches->v[i], s->dir);
		char hex[HASH_HEX_LEN + 1];

		r = hash_file(path, hex, e);
		if (r == 0)
			hash_adds(h, hex);
	}
	return r < 0 ? err_wrap(e, "patch") : 0;
}

int build_recipe(const struct build_spec *s, char ret_hex[static 65], struct err *e)
{
	_cleanup_buf_ struct buf wishes = BUF_INIT;
	struct kconfig_wishes w = { 0 };
	struct hash *h = hash_new();
	char hex[HASH_HEX_LEN + 1];
	int r = recipe_wishes(s, &w, e);

	hash_adds(h, "a kernel's recipe, 1");
	hash_adds(h, recipe_first);
	hash_adds(h, s->arch ? s->arch : arch_host());
	hash_adds(h, s->llvm ? s->llvm : "");
	hash_adds(h, s->modules ? "modules" : "");
	if (r == 0)
		r = hash_base(h, s, e);
	if (r == 0) {
		kconfig_wishes_text(&w, &wishes);
		hash_adds(h, buf_str(&wishes));
		r = hash_patches(h, s, e);
	}
	hash_final(h, hex);
	kconfig_wishes_release(&w);
	if (r == 0)
		memcpy(ret_hex, hex, sizeof(hex));
	return r;
}
