/* SPDX-License-Identifier: MIT */
/* What was built becomes an entry of the cache: only what a guest and a person who debugs it need. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "build/private.h"

#define STRIP_MS (10 * 60 * 1000)

static int read_release(const struct job *j, char **ret, struct err *e)
{
	_cleanup_free_ char *path = path_join(j->out, "include/config/kernel.release");
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, 4096, &text, e);

	if (r == 0)
		*ret = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\r\n"));
	return r;
}

static int copy(const struct job *j, const char *from, const struct cache_build *b, const char *to,
	const char *release, struct err *e)
{
	_cleanup_free_ char *src = path_join(j->out, from);
	_cleanup_free_ char *dst = xasprintf("%s/boot/%s-%s", b->aside, to, release);

	return file_copy(src, dst, 0644, e);
}

/* With BTF, debug information was but a means to it, and takes hundreds of megabytes for nothing. */
static bool wants_lines(const struct job *j)
{
	_cleanup_free_ char *path = path_join(j->out, ".config");
	struct kconfig *config = NULL;
	bool yes;

	if (kconfig_load(path, &config, NULL) < 0)
		return false;
	yes = kconfig_tristate(config, "DEBUG_INFO") == 'y' &&
	      kconfig_tristate(config, "DEBUG_INFO_BTF") != 'y';
	kconfig_free(config);
	return yes;
}

/* The symbols stay, for traces, and of a kernel that was asked for them the lines, compressed. */
static int add_vmlinux(
	const struct job *j, const struct cache_build *b, const char *release, struct err *e)
{
	_cleanup_free_ char *src = path_join(j->out, "vmlinux");
	_cleanup_free_ char *dst = xasprintf("%s/boot/vmlinux-%s", b->aside, release);
	const char *how = wants_lines(j) ? "--compress-debug-sections=zlib" : "--strip-debug";
	const char *argv[] = { j->tools.objcopy, how, src, dst, NULL };
	int status = 0, r = proc_capture(argv, NULL, NULL, NULL, STRIP_MS, &status, NULL);

	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	job_say(j, BUILD_STORE, "%s %s failed on vmlinux: it is kept whole", j->tools.objcopy, how);
	return file_copy(src, dst, 0644, e);
}

static bool has_modules(const struct job *j)
{
	_cleanup_free_ char *order = path_join(j->out, "modules.order");
	_cleanup_buf_ struct buf text = BUF_INIT;

	return file_exists(order) && file_read(order, 16 << 20, &text, NULL) == 0 && text.len;
}

/* The links to source and build folder name paths of this machine. */
static int drop_links(const char *dir)
{
	static const char *const links[] = { "build", "source" };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = path_join(dir, links[i]);

		unlink(path);
	}
	return 0;
}

static int install_modules(
	struct job *j, const struct cache_build *b, const char *release, struct err *e)
{
	_cleanup_free_ char *into = xasprintf("INSTALL_MOD_PATH=%s", b->aside);
	_cleanup_free_ char *dir = xasprintf("%s/lib/modules/%s", b->aside, release);
	/* Our own index is made of the same facts everywhere; depmod adds its binary ones. */
	const char *targets[] = { "modules_install", into, "INSTALL_MOD_STRIP=1", "DEPMOD=true",
		NULL };
	int r;

	if (!j->spec->modules || !has_modules(j))
		return 0;
	r = make_run(j, targets, false, e);
	if (r == 0)
		r = drop_links(dir);
	if (r == 0)
		r = modules_index(dir, e);
	if (r == 0)
		kernel_binary_indexes(dir, release);
	return r;
}

static void describe(const struct job *j, struct cache_built *b)
{
	const struct build_spec *s = j->spec;

	b->asked = xstrdup(s->source);
	b->source = xstrdup(j->source.label);
	b->source_dir = j->source.in_place ? xstrdup(j->source.dir) : NULL;
	b->identity = xstrdup(j->source.identity);
	b->commit = xstrdup(j->source.commit);
	b->version = xstrdup(j->source.version);
	b->recipe = xstrdup(j->recipe);
	b->toolchain = xstrdup(j->tools.text);
	b->base = xstrdup(s->base ? s->base : "defconfig");
	b->llvm = xstrdup(s->llvm);
	b->cross_compile = xstrdup(s->cross_compile);
	b->steps = j->steps;
	b->aside = s->aside;
	for (size_t i = 0; i < j->wishes.n; i++)
		strv_addf(&b->options, "CONFIG_%s=%s", j->wishes.v[i].option, j->wishes.v[i].value);
	for (size_t i = 0; s->patches && i < s->patches->n; i++)
		strv_add(&b->patches, path_base(s->patches->v[i]));
	strv_addv(&b->unmet, &j->unmet);
}

static int gather(struct job *j, struct cache_build *b, const char *release, struct err *e)
{
	_cleanup_free_ char *boot = path_join(b->aside, "boot"),
			    *log = path_join(b->aside, "build.log");
	int r = dir_make(boot, 0755, e);

	if (r == 0)
		r = copy(j, j->tools.image, b, "vmlinuz", release, e);
	if (r == 0)
		r = copy(j, ".config", b, "config", release, e);
	if (r == 0)
		r = copy(j, "System.map", b, "System.map", release, e);
	if (r == 0)
		r = add_vmlinux(j, b, release, e);
	if (r == 0)
		r = install_modules(j, b, release, e);
	if (r == 0)
		r = file_copy(j->log, log, 0644, e);
	return r;
}

int store(struct job *j, struct cache_build *b, struct err *e)
{
	struct cache_entry c = { .is_built = true };
	_cleanup_free_ char *release = NULL;
	int r = read_release(j, &release, e);

	if (r == 0)
		r = gather(j, b, release, e);
	if (r == 0)
		r = cache_find_aside(b, &c.kernel, e);
	if (r == 0) {
		describe(j, &c.built);
		str_replace(&c.kernel.label, j->label);
		r = cache_commit(b, &c, e);
	}
	cache_entry_release(&c);
	return r < 0 ? err_wrap(e, "cannot store %s", j->label) : 0;
}
