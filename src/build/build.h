/* SPDX-License-Identifier: MIT */
/*
 * Building a kernel: a source, a configuration, a toolchain → an entry of the kernel cache.
 *
 * The key is made of all that shapes the result (source, patches, recipe of the configuration, architecture,
 * toolchain) and is known before anything is built. One process builds a key, the others wait for it. The
 * build folder (builds/KEY in the cache) outlives a build that was killed, which is resumed. The same key
 * gives the same bytes.
 */
#ifndef BUILD_BUILD_H
#define BUILD_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "kernel/kernel.h"
#include "source/source.h"

/* What is to be built. Borrowed, all of it. */
struct build_spec {
	const char *label; /* what the entry is called: "variant:NAME", or NULL: made of the rest */
	const char *source; /* as source_get() takes it */
	const char *arch; /* "x86_64", "aarch64" */
	const char *
		base; /* "defconfig", "tinyconfig", "host", or a file; NULL: the tree's own .config where
			it is in place and has one, else "defconfig" */
	const struct strv *fragments; /* as kconfig_wish_fragment() takes them */
	const struct strv *options; /* CONFIG_X=y */
	const char *options_origin; /* who says them: "vmrig.yaml:8"; NULL: "--config" */
	const struct strv *patches; /* files */
	const char *cross_compile; /* NULL: as the architecture needs it */
	const char *llvm; /* NULL: gcc; "1", "-14" as LLVM= takes it */
	const char *dir; /* relative files are against it */
	bool allow_unmet; /* options that did not take are told, and no error */
	bool aside; /* built to be compared with another: never the default kernel */
	bool modules; /* build them, where the configuration has some */
};

enum build_stage { BUILD_SOURCE, BUILD_CONFIG, BUILD_COMPILE, BUILD_STORE };

struct build_watch {
	void (*stage)(void *arg, enum build_stage s, const char *line);
	/* While compiling: DONE of TOTAL steps (0: unknown), seconds left (-1: unknown). ESTIMATED: TOTAL is what
	 * builds of other configurations suggest. */
	void (*progress)(void *arg, int done, int total, bool estimated, int left_s);
	void *arg;
};

struct build_how {
	uint32_t jobs; /* 0: as many as CPUs may be used */
	uint32_t cpus; /* at most so many CPUs are used (sched_setaffinity); 0: all */
	bool force; /* although the cache has it */
	bool offline;
	const char *
		remote; /* the store of remote/remote.h; NULL: $VMRIG_KERNEL_REMOTE. Not asked with `offline` */
	bool unchecked; /* see struct source_options */
	const struct build_watch *watch; /* may be NULL */
	int *ret_signal; /* may be NULL: with -EINTR, the signal that ended it */
};

/*
 * Builds it unless the cache has it. Errors: of the source, of the configuration (each option that did
 * not take), of the compiler: the first errors as file:line with the path of the whole log. A source without
 * identity (a dirty tree) is built and not stored: RET's files lie in its build folder.
 *
 * A tree in place that was configured in place, or whose $KBUILD_OUTPUT was, is built there, as make by hand
 * would, when S asks for no configuration (base, wishes and patches are empty); else it is an error, because
 * make refuses such a tree.
 *
 * SIGINT and SIGTERM end make and all its children; then it is -EINTR, and the next call goes on from there.
 */
int build_kernel(
	const struct build_spec *s, const struct build_how *how, struct kernel *ret, struct err *e);

/* What build_kernel() would do; all strings owned. */
struct build_plan {
	char *label, *source, *version, *identity, *dirty; /* as in struct source; NULL: none */
	char *key; /* NULL: what is built is not stored */
	char *recipe, *toolchain;
	char *out; /* where it would be compiled */
	char *entry; /* of the cache, which has it; NULL: it would be compiled */
};

/* Gets the source and looks; compiles nothing. */
int build_plan(const struct build_spec *s, const struct build_how *how, struct build_plan *ret,
	struct err *e);
void build_plan_release(struct build_plan *p);

/* Only configures: writes the .config to DST and what did not take to RET_UNMET. */
int build_configure(const struct build_spec *s, const struct build_how *how, const char *dst,
	struct strv *ret_unmet, struct err *e);

/* The recipe's hash: base, wishes, patches; the part of the key that is the project's. An entry of the cache whose
 * recipe is another than its variant's now is stale. */
int build_recipe(const struct build_spec *s, char ret_hex[static 65], struct err *e);

/* The versions of the compilers that S is built with now, a line each; an entry built with others is stale. */
int build_toolchain(const struct build_spec *s, char **ret, struct err *e);

/* Opens TARGET ("menuconfig") on S's configuration with the terminal; writes what came of it to DST, and what it
 * was before to BEFORE. */
int build_menuconfig(const struct build_spec *s, const struct build_how *how, const char *target,
	const char *before, const char *dst, struct err *e);

#endif
