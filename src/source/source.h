/* SPDX-License-Identifier: MIT */
/*
 * Where kernels are built from: a SPEC becomes a source tree on this disk whose content is known by name.
 *
 *	PATH			a tree in place, which is never written to; a tarball (xz, gz, bz2, zst); a .deb
 *				that holds one. A PATH that looks like one of the others begins with "./"
 *	http(s)://…/x.tar.xz#sha256=HEX	a tarball; the checksum may be left out only with `unchecked`
 *	git+URL#REF		shallow; any branch, tag, full ref or commit, slashes too; URL may be a path
 *	6.12.57, 6.13-rc4	a release of kernel.org, checked against the published sums
 *	6.12			the highest patch of that series; the series' first release is 6.12.0
 *	stable, longterm, mainline	the newest of that kind
 *	A..B			every release of the list from A to B, and A and B where they are exact; within
 *				one series (6.12.3..6.12.9) each patch
 *	debian:linux-source-6.12	Debian's source package, by apt's own signatures
 *
 * Trees that are not the caller's lie in the cache under sources/, unpacked once, locked while they are made,
 * never changed after; patches give a tree of its own. docs/kernels.md says where releases come from.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

struct source {
	char *label; /* owned: as people call it: "6.12.57", "git+…#v6.12", "debian:linux-source-6.12", the path */
	char *dir; /* owned: absolute: the tree, patched */
	char *identity; /* owned: 64 hex digits that stand for the content, patches included. NULL: unknown
			 (a tree in place that is dirty, or without git): what is built of it is never cached */
	char *version; /* owned: as its Makefile says: "6.12.57-rc1" */
	char *commit; /* owned: NULL where no git tells */
	char *dirty; /* owned: why identity is NULL: "3 files changed, first drivers/x.c"; else NULL */
	bool in_place; /* the caller's own tree */
	int hold; /* owned: a descriptor that keeps a tree of the cache from being removed; 0: none */
};

void source_release(struct source *s);

struct source_options {
	const struct strv
		*patches; /* borrowed: files (against CWD), applied in order; may be NULL */
	bool unchecked; /* a URL may come without a checksum */
	bool offline; /* nothing is downloaded: the cache, and lists fetched before, must do */
	bool refresh; /* asks anew what a Debian package's name stands for, and for lists however fresh */
	bool verify; /* every file of a tree of the cache is looked at (size and name), as before a build */
	void (*progress)(void *arg, const char *line); /* may be NULL */
	void *arg;
};

/*
 * Gets it. A SPEC of several (A..B) is -EINVAL: source_expand() first. What the cache has needs no network, but for
 * a git branch or tag, whose commit is asked for unless `offline`. A tree in place whose content is unknown takes
 * no patches. Errors: -EINVAL (SPEC; no kernel tree; a patch that does not apply), -ENOENT, -EBADMSG (damaged,
 * refused, checksum, signature), -ENETDOWN (`offline` and not in the cache), those of fetch_file(), and the disk's.
 */
int source_get(const char *spec, const char *cwd, const struct source_options *o,
	struct source *ret, struct err *e);

/* Whether the kernel tree DIR was configured in place: make then builds it there, and refuses O=. */
bool source_is_configured(const char *dir);

/* Whether SPEC has the form of a release: a version, a prefix, a range, or one of the names. */
bool source_is_release(const char *spec);

/*
 * What a release SPEC stands for, exact versions in rising order; any other SPEC is itself. By kernel.org's
 * list (mirror: $VMRIG_KERNEL_MIRROR), which is kept in the cache and serves offline and for an hour; how
 * old it is is said in RET_NOTE (may be NULL) where it is older.
 */
int source_expand(const char *spec, const struct source_options *o, struct strv *ret,
	char **ret_note, struct err *e);

/* A release of kernel.org's list. */
struct source_listed {
	char *version; /* owned: exact */
	const char *kind; /* static: "mainline", "stable", "longterm" */
	bool eol; /* no more maintained */
};

/* The list itself, in rising order; the caller frees it by source_list_free(). RET_NOTE as above. */
int source_list(const struct source_options *o, struct source_listed **ret, size_t *ret_n,
	char **ret_note, struct err *e);
void source_list_free(struct source_listed *list, size_t n);

/* ---- removing ---- */

struct source_clean {
	int64_t older_ms; /* what nobody asked for in so long goes */
	bool dry_run; /* nothing is removed, only told */
	/* WHAT: a path; WHY: a reason, or why it stays; GONE: it was (or would be) removed. */
	void (*told)(void *arg, const char *what, const char *why, bool gone, int64_t bytes);
	void *arg;
};

/* Removes trees and fetched repositories from the cache, but those in use, and what processes that died left. */
int source_clean(const struct source_clean *c, struct err *e);

#endif
