/* SPDX-License-Identifier: MIT */
/* What a build takes from the machine, looked for before it starts: an hour of compiling should not end at bc. */
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "build/private.h"

#define COMPILE_MS 10000

struct need {
	const char *what; /* a program, or a header ("x/y.h") */
	const char *package;
	const char *option; /* needed where this is set; NULL: always */
};

/* For configuring, which compiles the kernel's own tools. */
static const struct need first[] = {
	{ "make", "make", NULL },
	{ "gcc", "gcc", NULL },
	{ "flex", "flex", NULL },
	{ "bison", "bison", NULL },
};

static const struct need second[] = {
	{ "bc", "bc", NULL },
	{ "perl", "perl", NULL },
	{ "libelf.h", "libelf-dev", "OBJTOOL" },
	{ "libelf.h", "libelf-dev", "STACK_VALIDATION" },
	{ "openssl/evp.h", "libssl-dev", "SYSTEM_TRUSTED_KEYRING" },
	{ "openssl/evp.h", "libssl-dev", "MODULE_SIG" },
	{ "gmp.h", "libgmp-dev", "GCC_PLUGINS" },
	{ "pahole", "pahole", "DEBUG_INFO_BTF" },
	{ "python3", "python3", "DEBUG_INFO_BTF" },
	{ "gzip", "gzip", "KERNEL_GZIP" },
	{ "bzip2", "bzip2", "KERNEL_BZIP2" },
	{ "xz", "xz-utils", "KERNEL_XZ" },
	{ "lz4", "lz4", "KERNEL_LZ4" },
	{ "lzop", "lzop", "KERNEL_LZO" },
	{ "zstd", "zstd", "KERNEL_ZSTD" },
	{ "xz", "xz-utils", "MODULE_COMPRESS_XZ" },
	{ "zstd", "zstd", "MODULE_COMPRESS_ZSTD" },
	{ "cpio", "cpio", "IKHEADERS" },
};

static bool has_header(const struct toolchain *t, const char *header)
{
	const char *argv[] = { t->llvm ? t->cc : "gcc", "-fsyntax-only", "-include", header, "-x",
		"c", "/dev/null", NULL };
	int status;

	if (proc_capture(argv, NULL, NULL, NULL, COMPILE_MS, &status, NULL) < 0)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_there(const struct toolchain *t, const char *what)
{
	_cleanup_free_ char *path = NULL;

	if (str_ends(what, ".h"))
		return has_header(t, what);
	/* With LLVM= the kernel's own tools are made by clang too. */
	if (streq(what, "gcc") && t->llvm)
		return true;
	return path_program(what, &path) == 0;
}

int needs_check(const struct job *j, const struct kconfig *config, struct err *e)
{
	const struct need *list = config ? second : first;
	size_t n = config ? ARRAY_SIZE(second) : ARRAY_SIZE(first);
	_cleanup_strv_ struct strv missing = STRV_INIT, packages = STRV_INIT;
	_cleanup_free_ char *names = NULL, *install = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct need *need = &list[i];

		if (need->option && kconfig_tristate(config, need->option) == 'n')
			continue;
		if (strv_has(&missing, need->what) || is_there(&j->tools, need->what))
			continue;
		strv_add(&missing, need->what);
		if (!strv_has(&packages, need->package))
			strv_add(&packages, need->package);
	}
	if (!missing.n)
		return 0;
	names = strv_join(&missing, ", ");
	install = strv_join(&packages, " ");
	err_set(e, -ENOENT, "building %s takes what is missing here: %s", j->label, names);
	return err_hint(e, "On Debian: apt install %s", install);
}
