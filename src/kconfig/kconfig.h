/* SPDX-License-Identifier: MIT */
/*
 * Kernel configurations: reading one, laying fragments over each other, and telling what did not take and
 * why. The kernel's own `make olddefconfig` decides; here is what is asked of it and what came out.
 */
#ifndef KCONFIG_KCONFIG_H
#define KCONFIG_KCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct kconfig;
/* Reads a .config ("CONFIG_X=y", "# CONFIG_X is not set"). */
int kconfig_load(const char *path, struct kconfig **ret, struct err *e);
int kconfig_parse(const struct buf *text, struct kconfig **ret, struct err *e);
void kconfig_free(struct kconfig *k);
/* 'y', 'm' or 'n' (also for one that does not stand there); OPTION with or without "CONFIG_". */
char kconfig_tristate(const struct kconfig *k, const char *option);
/* The value as written ("y", "0x200000", "\"text\""), borrowed; NULL when not set. */
const char *kconfig_value(const struct kconfig *k, const char *option);
/* Whether it stands there, if only as one that is not set. */
bool kconfig_mentions(const struct kconfig *k, const char *option);
/* The option at I in the order of names (without "CONFIG_") and its value (NULL: it says that it is not set), both
 * borrowed; false at the end. Of an option that stands there twice the last word alone. */
bool kconfig_at(const struct kconfig *k, size_t i, const char **ret_option, const char **ret_value);

/* ---- fragments ---- */

/* What somebody wants of a configuration: the last word on each option, and who said it. */
struct kconfig_wish {
	char *option; /* owned: without "CONFIG_" */
	char *value; /* owned: as a .config writes it; "n": not set */
	char *origin; /* owned: "fragment guest", "kernel.config:12", "vmrig.yaml:8" */
	bool if_known; /* only of kernels that know the option; see kconfig_wish_fragment() */
};

struct kconfig_wishes {
	struct kconfig_wish *v; /* owned; in the order of first mention */
	size_t n, cap;
	uint32_t *slots; /* owned: where each option is in V, plus one */
	size_t n_slots;
};

void kconfig_wishes_release(struct kconfig_wishes *w);

/* The names of the built-in fragments, ending with NULL. */
const char *const *kconfig_fragment_names(void);

/* What a built-in fragment says for ARCH (NULL: for all of them), comments and all, to the end of RET. */
int kconfig_fragment_text(const char *fragment, const char *arch, struct buf *ret, struct err *e);

/*
 * Lays a built-in fragment or a file (a FRAGMENT with a slash or a dot; relative against DIR) over W. A
 * built-in one may have a part for each architecture. -ENOENT names the built-in ones, nearest first.
 *
 * A fragment is written as a .config is. A line "# if known" makes those below it, down to the next empty line,
 * wishes for kernels that know the option: where no Kconfig file declares it, nothing is missing.
 */
int kconfig_wish_fragment(struct kconfig_wishes *w, const char *fragment, const char *arch,
	const char *dir, struct err *e);

/* The same for a fragment's text; WHAT stands in origins and errors: "WHAT:LINE". */
int kconfig_wish_text(
	struct kconfig_wishes *w, const struct buf *text, const char *what, struct err *e);

/* Lays one option ("CONFIG_X=y", "X=m", "X=n") over W. */
int kconfig_wish_option(
	struct kconfig_wishes *w, const char *text, const char *origin, struct err *e);

/* The wishes as lines of a .config, to stand behind a base before olddefconfig. Canonical: equal wishes give
 * equal text, whoever said them. */
void kconfig_wishes_text(const struct kconfig_wishes *w, struct buf *ret);

/* ---- what came of it ---- */

/*
 * For each wish that GOT does not grant, a line to RET: "CONFIG_SCHED_CLASS_EXT=y (fragment bpf) is n: it depends
 * on DEBUG_INFO_BTF, which is n: it depends on …". SRCTREE's Kconfig files are read for the reason as ARCH
 * ("x86_64", "aarch64") reads them (NULL: without reasons); an option that no Kconfig file has is told as such, with the nearest name.
 * Asked y and got m, or the reverse, is not granted; asked n and absent is.
 */
int kconfig_unmet(const struct kconfig_wishes *w, const struct kconfig *got, const char *srctree,
	const char *arch, struct strv *ret, struct err *e);

/* Options that differ, a line each: "-CONFIG_X=y", "+CONFIG_X=m", in the order of names. */
void kconfig_diff(const struct kconfig *a, const struct kconfig *b, struct strv *ret);

#endif
