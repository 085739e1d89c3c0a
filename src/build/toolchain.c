/* SPDX-License-Identifier: MIT */
/* Compilers and their versions: part of a kernel's key, because they are part of its bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "build/private.h"

#define VERSION_MS 10000

static const struct machine {
	const char *arch, *make_arch, *target, *image, *cross;
} machines[] = {
	{ "x86_64", "x86_64", "bzImage", "arch/x86/boot/bzImage", "x86_64-linux-gnu-" },
	{ "aarch64", "arm64", "Image", "arch/arm64/boot/Image", "aarch64-linux-gnu-" },
};

static const struct machine *find_machine(const char *arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (streq(machines[i].arch, arch))
			return &machines[i];
	return NULL;
}

void toolchain_release(struct toolchain *t)
{
	free(t->cc);
	free(t->objcopy);
	free(t->text);
	strv_release(&t->args);
	*t = (struct toolchain){ 0 };
}

/* The Debian package that has PROGRAM. */
static char *package_of(const char *program, const char *cross, bool llvm)
{
	if (llvm)
		return xstrdup(str_starts(program, "clang") ? "clang"
			       : str_starts(program, "ld.") ? "lld"
							    : "llvm");
	if (!*cross)
		return xstrdup(str_ends(program, "gcc") ? "gcc" : "binutils");
	/* "aarch64-linux-gnu-" → gcc-aarch64-linux-gnu */
	return xasprintf("%s-%.*s", str_ends(program, "gcc") ? "gcc" : "binutils",
		(int)strlen(cross) - 1, cross);
}

/* The first line of `PROGRAM --version`. */
static int version(const char *program, char **ret, struct err *e)
{
	const char *argv[] = { "env", "LC_ALL=C", program, "--version", NULL };
	_cleanup_buf_ struct buf out = BUF_INIT;
	int status, r = proc_capture(argv, NULL, &out, NULL, VERSION_MS, &status, e);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, -EIO, "%s --version failed", program);
	*ret = xstrndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
	return 0;
}

static int add_version(struct toolchain *t, struct buf *text, const char *program,
	const char *cross, struct err *e)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	int r;

	if (path_program(program, &path) < 0) {
		_cleanup_free_ char *package = streq(program, "pahole")
						       ? xstrdup("pahole")
						       : package_of(program, cross, t->llvm);

		err_set(e, -ENOENT, "%s is missing, which building a kernel for %s takes", program,
			t->arch);
		return err_hint(e, "On Debian: apt install %s", package);
	}
	r = version(path, &line, e);
	if (r == 0)
		buf_addf(text, "%s%s: %s", text->len ? "\n" : "", program, line);
	return r;
}

/* LLVM= takes "1", a suffix ("-14") or a folder with a slash at its end. */
static void llvm_names(const char *llvm, const char *program, char **ret)
{
	bool folder = str_ends(llvm, "/");

	*ret = xasprintf("%s%s%s", folder ? llvm : "", program, llvm[0] == '-' ? llvm : "");
}

int toolchain_find(const struct build_spec *s, bool btf, struct toolchain *ret, struct err *e)
{
	const char *arch = s->arch ? s->arch : arch_host();
	const struct machine *m = find_machine(arch);
	struct toolchain t = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *ld = NULL;
	const char *cross;
	int r;

	if (!m)
		return err_set(
			e, -EINVAL, "kernels for %s cannot be built: x86_64 and aarch64 can", arch);
	cross = s->cross_compile ? s->cross_compile : streq(arch, arch_host()) ? "" : m->cross;
	t = (struct toolchain){ m->arch, m->make_arch, m->target, m->image };
	t.llvm = s->llvm != NULL;
	if (t.llvm) {
		llvm_names(s->llvm, "clang", &t.cc);
		llvm_names(s->llvm, "ld.lld", &ld);
		llvm_names(s->llvm, "llvm-objcopy", &t.objcopy);
		strv_addf(&t.args, "LLVM=%s", s->llvm);
	} else {
		t.cc = xasprintf("%sgcc", cross);
		ld = xasprintf("%sld", cross);
		t.objcopy = xasprintf("%sobjcopy", cross);
	}
	strv_addf(&t.args, "ARCH=%s", t.make_arch);
	if (!t.llvm || s->cross_compile)
		strv_addf(&t.args, "CROSS_COMPILE=%s", cross);
	r = add_version(&t, &text, t.cc, cross, e);
	if (r == 0)
		r = add_version(&t, &text, ld, cross, e);
	if (r == 0 && btf)
		r = add_version(&t, &text, "pahole", cross, e);
	if (r < 0) {
		toolchain_release(&t);
		return r;
	}
	t.text = buf_detach(&text);
	*ret = t;
	return 0;
}

int build_toolchain(const struct build_spec *s, char **ret, struct err *e)
{
	struct kconfig_wishes w = { 0 };
	struct toolchain t = { 0 };
	int r = recipe_wishes(s, &w, e);

	if (r == 0)
		r = toolchain_find(s, recipe_wants_btf(s, &w), &t, e);
	if (r == 0)
		*ret = TAKE_PTR(t.text);
	toolchain_release(&t);
	kconfig_wishes_release(&w);
	return r;
}
