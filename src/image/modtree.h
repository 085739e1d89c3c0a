/* SPDX-License-Identifier: MIT */
/*
 * The modules of one kernel: names, files and what each needs.
 *
 * Where depmod has run, modules.dep, modules.softdep and modules.alias tell it. Where it has not (an
 * unpacked package, a build tree), the names come from the folder or from modules.order, and
 * the rest from a module's own .modinfo section, read when it is asked for.
 */
#ifndef IMAGE_MODTREE_H
#define IMAGE_MODTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"

struct module {
	char *name; /* owned: with '_' for '-' */
	char *path; /* owned: relative to the tree's folder */
	char *dep_line; /* owned: of modules.dep, behind the colon; NULL: none, or read */
	struct strv needs; /* owned: names; valid after modtree_read() */
	struct strv soft; /* owned: names or aliases to load before; likewise */
	struct strv aliases; /* owned: patterns; only without modules.dep */
	bool read;
};

struct module_alias {
	char *alias; /* owned */
	size_t module;
};

struct modtree {
	char *dir; /* owned */
	struct module *modules; /* owned; sorted by name */
	size_t n, cap;
	struct strv builtin; /* owned; sorted names */
	struct module_alias *aliases; /* owned; sorted; without patterns */
	size_t n_aliases, cap_aliases;
	bool indexed; /* by depmod */
	bool have_aliases;
};

#define _cleanup_modtree_ __attribute__((cleanup(modtree_release)))

/* Opens the tree; with SCAN modules.dep is passed over even when it is there. -EBADMSG when
 * modules.dep is broken. RET is to be released only after success. */
int modtree_open(const char *dir, bool scan, struct modtree *ret, struct err *e);
void modtree_release(struct modtree *t);

/* The index of module NAME ('-' and '_' are the same), or -1. */
ssize_t modtree_find(const struct modtree *t, const char *name);
bool modtree_builtin(const struct modtree *t, const char *name);

/* Fills what module I needs. */
int modtree_read(struct modtree *t, size_t i, struct err *e);

/* The module that a soft dependency means: by name, else by alias, where several offer it the
 * generic one, else the first by name. -1: none is there as a file, or the kernel has it built in. */
ssize_t modtree_soft_target(struct modtree *t, const char *name);

/*
 * The modules that I needs (hard dependencies, with SOFT also the others) and I itself, in load
 * order, appended to the indexes ORDER (room for T's n); DONE (n of them, false at first) marks
 * those already there. -ELOOP names a cycle; -ENOENT a module that is needed and not there.
 */
int modtree_closure(struct modtree *t, size_t i, bool soft, bool *done, size_t *order, size_t *n,
	struct err *e);

/* The lines of a file, each cut off at its newline; a missing file has none. */
int modtree_lines(const char *dir, const char *file, struct strv *ret, struct err *e);

/* NAME of "a/b/NAME.ko.xz", with '_' for '-'; NULL when the path is no module's. */
char *module_name(const char *path);

/* The words behind "pre:" in a soft dependency ("pre: a b post: c"), appended to RET. */
void softdep_pre(const char *text, struct strv *ret);

/* ---- modinfo.c ---- */

/* Reads the section .modinfo of the module file PATH into M's needs, soft and aliases. */
int modinfo_read(const char *path, struct module *m, struct err *e);

#endif
