/* SPDX-License-Identifier: MIT */
/*
 * Kernels to take away: one that was resolved, packed for people who know nothing of the cache.
 *
 * What is packed lies as in a distribution's package, so that it can be unpacked over a root, and the folder that
 * it was unpacked into is a kernel SPEC:
 *
 *	boot/vmlinuz-RELEASE	the boot image
 *	boot/vmlinux-RELEASE	the ELF file: with symbols where the kernel has one, else as unpacked from the image
 *	boot/config-RELEASE, boot/System.map-RELEASE
 *	lib/modules/RELEASE/
 *	manifest.json		what it is, what it was made from, what is not there and why
 *	SHA256SUMS[.asc]	of all these
 *
 * The same kernel gives the same bytes with the same libraries; a signature alone has its time in it.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/strv.h"
#include "kernel/kernel.h"
#include "pack/pack.h"

struct export_spec {
	const struct kernel *kernel; /* borrowed */
	const char
		*gpg_key; /* borrowed: signs the checksums (gpg --detach-sign --armor); NULL: not */
	const struct pack_progress *progress; /* borrowed; NULL: nobody wants to know */
	int level; /* of zstd, 1 (soon) to 19 (small), and of gzip where that is 9 or less; 0: what the form is usually packed with */
	bool force; /* what stands in the destination's place is replaced; else that is -EEXIST */
};

struct export_result {
	uint64_t size; /* bytes of the file, or of the layer */
	char sha256[HASH_HEX_LEN + 1]; /* of the file, or of the image's manifest */
	struct strv missing; /* owned: "System.map: the kernel has none with symbols" */
};

void export_result_release(struct export_result *r);

/* The file DST, .tar.zst. DST.sha256 stands beside it, and DST.sha256.asc where it is signed. */
int export_tar(
	const struct export_spec *s, const char *dst, struct export_result *ret, struct err *e);

/* What microVM monitors boot, the file DST: the ELF vmlinux (x86_64) or the Image (aarch64), zstd -19. DST.sha256 and
 * DST.sha256.asc as above. */
int export_bin(
	const struct export_spec *s, const char *dst, struct export_result *ret, struct err *e);

/*
 * An OCI image in the layout DST (made where it is missing; a folder with anything else in it is -ENOTEMPTY),
 * called TAG: one layer, tar+gzip, with the files of export_tar() under /, so that a Dockerfile may COPY --from
 * it. A kernel of another architecture under a TAG that is there joins it: TAG is then an index with one image
 * for each. One of the same architecture takes the place of that one with `force` alone. OCI image specification
 * 1.0: image-layout.md, image-index.md, manifest.md, config.md.
 */
int export_oci(const struct export_spec *s, const char *dst, const char *tag,
	struct export_result *ret, struct err *e);

#endif
