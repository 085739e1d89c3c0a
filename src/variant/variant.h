/* SPDX-License-Identifier: MIT */
/*
 * Variants: the kernels that a vmrig.yaml declares, each a source, a configuration and an architecture.
 *
 *	variants:
 *	  - name: runner
 *	    arch: [x86_64, aarch64]
 *	    source: { "6.12": "6.12", next: git+https://…#v6.13-rc1 }
 *	    base: tinyconfig
 *	    fragments: [guest, ./runner.config]
 *	    config: [CONFIG_ZRAM=y]
 *	    patches: [patches/a.patch]
 *
 * Several architectures or branches make a matrix: runner-x86_64-6.12, …. docs/kernels.md tells all keys.
 */
#ifndef VARIANT_VARIANT_H
#define VARIANT_VARIANT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "build/build.h"
#include "kernel/cache.h"
#include "kernel/kernel.h"

#define VARIANT_PREFIX "variant:"

struct variant {
	char *name; /* owned: of this one of the matrix */
	char *family; /* owned: as it stands in the file */
	char *label; /* owned: "variant:NAME" */
	char *branch; /* owned; NULL: it has no name */
	char *arch, *source, *base, *llvm,
		*cross_compile; /* owned; base, llvm, cross_compile may be NULL */
	struct strv fragments, options, patches; /* files are against the file's folder */
	char *origin; /* owned: "vmrig.yaml:8", where its options stand */
	int line;
};

struct variants {
	char *path, *dir; /* owned: the file, its folder */
	struct variant *v; /* owned */
	size_t n;
};

void variants_release(struct variants *v);

/* Reads the file PATH. One without the key `variants` has none. -EINVAL with FILE:LINE:COLUMN. */
int variants_load(const char *path, struct variants *ret, struct err *e);

/* That of the vmrig.yaml in CWD (NULL: ours) or above it; CWD may also be a file. -ENOENT: there is none. */
int variants_find(const char *cwd, struct variants *ret, struct err *e);

/*
 * Those called NAME: one of a matrix, or all of a family; of ARCH unless that is NULL. RET points into V, and the
 * caller frees the array. -ENOENT names those there are, nearest first.
 */
int variants_named(const struct variants *v, const char *name, const char *arch,
	const struct variant ***ret, size_t *ret_n, struct err *e);

/* What build_kernel() is told of it; borrows from both. */
struct build_spec variant_spec(const struct variants *v, const struct variant *one);

/*
 * kernel_resolve_explain() that knows `variant:NAME` as well: the kernel in the cache that was built by the
 * recipe and of the source that the file has now. One built by another is an error that says what is
 * another and to build. A family serves where only one of it is for ARCH (NULL: this machine's).
 */
int variant_resolve(const char *spec, const char *arch, const char *cwd, struct strv *ret_places,
	struct kernel *ret, struct err *e);

/*
 * The keys that what SPEC names has in the cache once it is fetched or built, whether it is there or not: a package's by apt's
 * lists, one built by its source (which is fetched for it, as HOW says), configuration and compilers. A family has several. ARCH:
 * NULL is this machine's, or all of a family. -EINVAL: it has no key, being a dirty tree.
 */
int variant_keys(const char *spec, const char *arch, const char *cwd, const struct build_how *how,
	struct strv *ret, struct err *e);

/* Marks those of the entries CACHE_STALE that were built by another recipe than their variant's is now (by the
 * file that CWD finds, if any), or with other compilers, with the reason. */
void variant_judge(struct cache_entry *entries, size_t n, const char *cwd);

#endif
