/* SPDX-License-Identifier: MIT */
/*
 * What a guest boots from: kernel images decoded on the host, the closure of modules that a kernel
 * needs to reach us, and the initramfs that carries them with the agent.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "kconfig/kconfig.h"

/* ---- kernel images ---- */

enum image_kind {
	IMAGE_UNKNOWN,
	IMAGE_BZIMAGE, /* x86 boot protocol 2.06 or newer */
	IMAGE_ELF, /* vmlinux */
	IMAGE_ARM64, /* arm64 Image, or one packed by gzip: Image.gz */
};

struct image_info {
	enum image_kind kind;
	char *release; /* owned: "6.1.0-50-amd64", from the image itself; NULL where it does not tell */
	char *arch; /* owned: "x86_64", "aarch64", …; NULL where unknown */
	bool pvh; /* ELF only: has the note XEN_ELFNOTE_PHYS32_ENTRY */
};
void image_info_release(struct image_info *i);

/* Looks at the file's headers. -ENOEXEC with what was found instead when it is no kernel image;
 * -EBADMSG for one that is truncated. */
int image_identify(const char *path, struct image_info *ret, struct err *e);

/*
 * Writes the uncompressed ELF vmlinux inside SRC (a bzImage: gzip, xz, zstd, lz4, lzma, bzip2 is
 * refused by name) to the file DST, atomically; an ELF SRC is copied. The size is bounded (1 GiB), the
 * result is checked to be a whole ELF of this machine. Linux: Documentation/x86/boot.rst
 * (payload_offset, payload_length).
 */
int image_vmlinux(const char *src, const char *dst, struct err *e);

/* Writes what a loader without a decompressor boots from SRC to the file DST: the ELF vmlinux as
 * image_vmlinux() does, of an arm64 kernel its Image, unpacked where it is Image.gz. */
int image_plain(const char *src, const char *dst, struct err *e);

/* Writes what SRC, a file in gzip, xz, zstd or lz4, unpacks to (at most 1 GiB) to DST; -EINVAL where it is in
 * none of these. */
int image_unpacked(const char *src, const char *dst, struct err *e);

/* Whether PATH is an ELF file with a symbol table: one that traces can be decoded with. */
bool image_has_symbols(const char *path);

/* ---- kernel configuration ---- */

/* From CONFIG_IKCONFIG data inside an ELF vmlinux or a bzImage; -ENODATA where there is none. */
int kconfig_extract(const char *image, struct kconfig **ret, struct err *e);

/* The same as the text of its .config, appended to RET. */
int kconfig_extract_text(const char *image, struct buf *ret, struct err *e);

/* ---- modules ---- */

/*
 * The closure over modules.dep of the modules WANTED (names; "-" and "_" are the same), in an
 * order in which they load; built-in ones (modules.builtin) are left out. DIR is the kernel's
 * lib/modules/RELEASE, or its build tree. Modules that exist neither way are appended to
 * RET_MISSING (may be NULL: then they are an error). Soft dependencies ("softdep X pre: Y" in
 * modules.softdep) count as dependencies where they exist, by name or by an alias without wildcards
 * (of several providers the generic one, else the first by name).
 *
 * Where there is no modules.dep (an unpacked package, a build tree), the modules are found by
 * modules.order or by a walk, and their own .modinfo tells what they need. A broken modules.dep is
 * an error that says to run depmod; modules that need each other are -ELOOP.
 */
int modules_closure(const char *dir, const char *const *wanted, struct strv *ret_paths,
	struct strv *ret_missing, struct err *e);

/* Whether the module is there: 'y' (modules.builtin), 'm' (as a file), 'n'. */
char modules_find(const char *dir, const char *name);

/* Appends the paths of all modules, sorted by name. */
int modules_files(const char *dir, struct strv *ret, struct err *e);

/*
 * Writes modules.dep, modules.softdep and modules.alias into DIR, in depmod's form, from what
 * the modules say of themselves; depmod is not needed. For an unpacked package: modules_closure()
 * is fast there afterwards, and a modprobe in the guest that reads text (busybox) works.
 */
int modules_index(const char *dir, struct err *e);

/* ---- initramfs ---- */

struct initramfs_file {
	const char *guest_path; /* borrowed: absolute; its folders are made */
	const char *host_path; /* borrowed: its content; NULL: `data` */
	const void *data; /* borrowed */
	size_t len;
	uint32_t mode; /* permission bits; with S_IFDIR: an empty folder */
};

struct initramfs_spec {
	/* borrowed: the static agent's path; becomes /init. NULL: an archive that goes behind another
	 * one, with its files (and their folders) alone */
	const char *agent;
	/* borrowed: host paths in load order; .ko.xz, .ko.gz and .ko.zst are decompressed; may be NULL */
	const struct strv *modules;
	const struct initramfs_file *files; /* borrowed */
	size_t n_files;
};

/*
 * The archive (cpio newc, uncompressed, by libarchive): /init, /vmrig/modules (a line for each
 * module in load order: its path in the archive), the modules under /vmrig/m/, the files; folders
 * /dev /proc /sys /run /tmp and /dev/console. Reproducible: owner 0:0, time 0, sorted inodes.
 */
int initramfs_build(const struct initramfs_spec *spec, struct buf *ret, struct err *e);

/* Adds PROGRAM (a host path), its interpreter and libraries (elf_closure) at their own paths, as files
 * for initramfs_build(). The strings live in STORE. */
int initramfs_add_program(const char *program, struct initramfs_file **files, size_t *n_files,
	size_t *cap_files, struct strv *store, struct err *e);

#endif
