/* SPDX-License-Identifier: MIT */
/*
 * Kernels: from what a person names to an image, its configuration, modules and symbols.
 *
 * A SPEC is tried in this order: a path (an image; a tree with an image built, in it or by
 * `vmrig kernel build`; a folder with boot/ and lib/modules as a package unpacks); git+URL#REF and other URLs;
 * a release (6.12.57; 6.12 for the highest of that series; stable, …); a package (`debian:6.1-cloud`,
 * `debian:linux-source-6.12`); an installed version (`/boot/vmlinuz-VERSION`, `/lib/modules/VERSION`); a cache
 * key. URLs, releases and source packages stand for what was built of them. A kernel that was named and cannot be
 * had is an error that says what was tried; no other one takes its place: where the list of releases
 * says that 6.12 is 6.12.60, a cached 6.12.57 is not it. `variant:NAME` is the room variant's.
 *
 * A package is of this machine's architecture unless its name ends with another: `debian:6.1:arm64`.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

struct json_t;

/*
 * One that was found. The key names image, config and modules without reading them: for a kernel in
 * the cache it is the entry's name, which stands for the package's content; for others it is of the
 * files' identity. Of a build tree all modules count, of an installed kernel its modules.dep, which
 * depmod writes anew.
 */
struct kernel {
	char *label; /* owned: how people call it: "debian:6.1-cloud", "6.1.0-50-amd64", "./linux";
			the SPEC as given, else the cache's label or the tree's path */
	char *key; /* owned: 64 hex digits */
	char *release; /* owned: as uname -r will say */
	char *arch; /* owned: "x86_64" */
	char *image; /* owned: absolute path */
	enum image_kind kind;
	char *modules_dir; /* owned: absolute path of lib/modules/RELEASE, or of the build tree that
			holds them as make left them; NULL: none found */
	char *config; /* owned: path of the .config; NULL: only inside the image, or unknown */
	char *vmlinux; /* owned: ELF with symbols for decoding traces; NULL: none */
	char *system_map; /* owned: NULL: none that holds symbols */
	char *origin; /* owned: one line: where it came from and why it was chosen */
	int hold; /* owned: a descriptor that keeps the cache's entry from being removed; 0: none */
};

void kernel_release(struct kernel *k);

/*
 * The kernel that SPEC names (a relative path against CWD), or with SPEC NULL the default one: the
 * kernel tree that CWD lies in, else the newest in the cache (the highest release; of equal ones the
 * plain flavour). A tree that is not built is an error that says to build, never passed over. Errors
 * say every place tried and what to do.
 *
 * Reads headers and small files only, runs no program, fetches and builds nothing: that is done by
 * kernel_fetch() and build_kernel(). A key may be cut to its first 8 digits or more.
 */
int kernel_resolve(const char *spec, const char *cwd, struct kernel *ret, struct err *e);

/*
 * The same for the architecture ARCH ("x86_64", "aarch64"; NULL: as kernel_resolve()): packages are
 * that one's, the default is the newest of it, and a kernel of another is -EINVAL. Without ARCH a kernel
 * that is named may be of any, and the default one of the cache is of this machine's.
 */
int kernel_resolve_arch(
	const char *spec, const char *arch, const char *cwd, struct kernel *ret, struct err *e);

/* The same; RET_PLACES (may be NULL) gets a line for each place that was tried, also after an error. */
int kernel_resolve_explain(const char *spec, const char *arch, const char *cwd,
	struct strv *ret_places, struct kernel *ret, struct err *e);

/*
 * Fetches a package kernel into the cache unless the cache holds it: `debian:SERIES[-FLAVOUR][:ARCH]`
 * (SERIES as 6.1 or 6.1.0-50; FLAVOUR cloud, rt, or none; ARCH as dpkg or uname has it) with apt's own download (its signatures
 * and checksums), as an ordinary user, without dpkg. The machine's package lists serve; where they
 * do not, and with FORCE, which asks for a newer one, lists of our own are fetched into the cache.
 * modules.dep is made as well. PROGRESS (may be NULL) is called with one line for each step.
 */
int kernel_fetch(const char *spec, bool force, void (*progress)(void *arg, const char *line),
	void *arg, struct kernel *ret, struct err *e);

/* The key that kernel_fetch() of the package `debian:…` would store under now, by apt's lists: what is newest there, which the
 * cache need not have. As 64 hex digits and a NUL. */
int kernel_fetch_key(const char *spec, char ret_hex[static 65], struct err *e);

/* A kernel that somebody else built, to be fetched from a URL. Borrowed, all of it. */
struct kernel_download {
	const char *
		url; /* of a bzImage, vmlinux or Image (as it is, or in gzip, xz or zstd), a .deb, or an archive
			    of boot/ and lib/modules/, as `vmrig kernel export --tar` makes it */
	const char *sha256; /* 64 hex digits; NULL: none */
	const char *name; /* what it is called; NULL: as the URL's file */
	bool unchecked; /* no checksum is no error */
	bool force; /* although the cache has it */
};

/*
 * Downloads it into the cache unless the cache has it; then it is the kernel `prebuilt:NAME`. Without checksum and
 * without `unchecked` it is -EINVAL; another content than the checksum says, a file that is no kernel or several, is
 * -EBADMSG or -EINVAL, and nothing is kept.
 */
int kernel_download(const struct kernel_download *d, void (*progress)(void *arg, const char *line),
	void *arg, struct kernel *ret, struct err *e);

/* Those in the cache, this machine's architecture and the newest first; the caller releases each and frees the array. Damaged entries are
 * skipped; each is described by a line in RET_DAMAGED (may be NULL). */
int kernel_list(struct kernel **ret, size_t *ret_n, struct strv *ret_damaged, struct err *e);

/* What the cache knows of its making (source, commit, toolchain, package, …) as an object that is the same on every
 * machine: no path, no time. Empty for a kernel that is not of the cache. The caller owns it. */
struct json_t *kernel_provenance(const struct kernel *k);

/* Remembers that what was built last of the tree TREE lies in BUILT (an entry of the cache, or a build folder);
 * NULL: in the tree itself. kernel_resolve() of the tree finds it there. */
int kernel_note_tree(const char *tree, const char *built, struct err *e);

/* Its configuration, from its file or from inside the image. -ENODATA: nowhere to be had. */
int kernel_config(const struct kernel *k, struct kconfig **ret, struct err *e);

#endif
