/* SPDX-License-Identifier: MIT */
/*
 * The cache of kernels, fetched and built: CACHE/kernels/KEY/, as a package unpacks, with manifest.json.
 * Public besides kernel.h, because kernels are built and exchanged by rooms above.
 *
 * KEY.lock is held by whoever makes KEY, and KEY.tmp is where it is made, so a KEY.tmp whose lock is
 * free belongs to a process that died. An entry appears by a rename and is never changed after. Who uses
 * an entry holds a shared flock(2) on its folder, who removes it an exclusive one.
 */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "kernel/kernel.h"

/* How a kernel was built; all strings owned, NULL where there is none. */
struct cache_built {
	char *asked; /* the source as the caller named it: "6.12", "." */
	char *source; /* its label: "6.12.57", "git+…#v6.12", a path */
	char *source_dir; /* the caller's own tree; NULL for any other source */
	char *identity; /* of its content */
	char *commit;
	char *version; /* as its Makefile says */
	char *recipe; /* build_recipe() */
	char *toolchain; /* lines: compiler, linker, … */
	char *base, *llvm, *cross_compile;
	struct strv options; /* the wishes: "CONFIG_X=y" */
	struct strv patches; /* their file names */
	struct strv unmet; /* what did not take, and was allowed */
	int64_t steps; /* of the compilation; 0: unknown */
	bool aside; /* never the default kernel: built to be compared with another */
};

enum cache_state { CACHE_FRESH, CACHE_STALE, CACHE_CORRUPT };

struct cache_entry {
	struct kernel kernel;
	char *package, *version; /* owned: of a package; NULL for what was built */
	bool is_built;
	struct cache_built built; /* valid when is_built */
	char *made; /* owned: when, as time_format() writes it */
	char *dir; /* owned */
	int64_t bytes; /* on the disk */
	enum cache_state state; /* the cache itself knows of CACHE_CORRUPT alone */
	char *why; /* owned: of a state that is not fresh */
	struct strv labels; /* further ones */
};

void cache_entry_release(struct cache_entry *c);
void cache_entries_free(struct cache_entry *entries, size_t n);
void cache_built_release(struct cache_built *b);

/* Reads the entry KEY and holds it (struct kernel's `hold`). -ENOENT: there is none; -EBADMSG with the
 * reason: it is damaged. */
int cache_load(const char *key, struct cache_entry *ret, struct err *e);

/* All of them, this machine's architecture and the newest release first, of equal ones the plain flavour first.
 * Reads small files only. DAMAGED (may be NULL) gets a line for each that is left out. */
int cache_scan(struct cache_entry **ret, size_t *ret_n, struct strv *damaged, struct err *e);

/* Those alone whose manifest holds TEXT, a label or a version: others are not even parsed. */
int cache_scan_for(const char *text, struct cache_entry **ret, size_t *ret_n, struct strv *damaged,
	struct err *e);

/* As cache_scan() with those that are damaged, at the end, as CACHE_CORRUPT; of these only key, dir and `why` are
 * sure. */
int cache_list(struct cache_entry **ret, size_t *ret_n, struct err *e);
/* The same, with all content compared with the sums of the manifests: READING (may be NULL) is told before each, how many
 * have been read. */
int cache_verify(void (*reading)(void *arg, size_t done), void *arg, struct cache_entry **ret,
	size_t *ret_n, struct err *e);

/* The newest one built with that label for ARCH (NULL: any) and, unless NULL, by that recipe. 1: found and
 * held; 0: none; or an error. RET_OTHERS (may be NULL): how many more there are. */
int cache_find_built(const char *label, const char *arch, const char *recipe,
	struct cache_entry *ret, size_t *ret_others, struct err *e);

/* The kernel of an entry that was found, as people and guests want it; the rest is released. */
void cache_take_kernel(struct cache_entry *c, const char *label, struct kernel *ret);

/* Gives the entry a further name: the same kernel may be that of a release and of a variant. */
int cache_add_label(const struct cache_entry *c, const char *label, struct err *e);
bool cache_has_label(const struct cache_entry *c, const char *label);

/* ---- making one ---- */

/* An entry in the making. */
struct cache_build {
	char *key, *dir, *aside; /* owned: what it is called, will be, and is built in */
	int lock; /* owned */
};

#define CACHE_BUILD_INIT             \
	{                            \
		NULL, NULL, NULL, -1 \
	}

/*
 * Waits for KEY's lock and sweeps what dead processes left; then `aside` is there and empty. WAITING (may be
 * NULL) is told once who holds the lock. The caller then looks whether the other one made it: cache_load().
 */
int cache_begin(const char *key, void (*waiting)(void *arg, const char *line), void *arg,
	struct cache_build *ret, struct err *e);

/* Finds the kernel that lies in `aside` (boot/vmlinuz-RELEASE, lib/modules/RELEASE, …). */
int cache_find_aside(const struct cache_build *b, struct kernel *ret, struct err *e);

/* Writes the manifest for what lies in `aside` and makes it the entry. What stood in its place is
 * removed; -EBUSY: somebody uses it. */
int cache_commit(struct cache_build *b, const struct cache_entry *c, struct err *e);

/* The same for what lies in `aside` with the manifest of another machine's cache: it is held against the sums in
 * there first. -EBADMSG: it is not what its manifest says. */
int cache_adopt(struct cache_build *b, struct err *e);

/* Drops what was not committed. */
void cache_end(struct cache_build *b);

/*
 * kmod's modprobe, which a guest on the host's files may run, reads the binary indexes that only depmod
 * writes. Where there is no depmod there is no such modprobe either, so its absence is no matter. False:
 * depmod failed.
 */
bool kernel_binary_indexes(const char *modules_dir, const char *release);

/* ---- removing ---- */

struct cache_clean {
	int64_t keep; /* so many of the newest by the time they were made stay; -1: not asked */
	int64_t older_ms; /* those older go; -1: not asked */
	bool corrupt; /* damaged ones go */
	const struct strv *keys; /* these go (8 digits or more); may be NULL */
	bool dry_run; /* nothing is removed, only told */
	/* WHAT: a path; WHY: a reason, or why it stays; GONE: it was (or would be) removed. */
	void (*told)(void *arg, const char *what, const char *why, bool gone, int64_t bytes);
	void *arg;
};

/*
 * Removes entries that match any of the conditions and that nobody uses or makes. Damaged ones never count
 * as kept. Besides, folders that nothing needs any more go: of killed builds (builds/) after a week, of kernels
 * that are gone (boot/), where nobody holds their lock.
 */
int cache_clean(const struct cache_clean *c, struct err *e);

#endif
