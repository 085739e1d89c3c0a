/* SPDX-License-Identifier: MIT */
/*
 * Kernels to take away: one that was resolved, packed for people who know nothing of the cache. Reproducible: the
 * same kernel gives the same bytes.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "base/err.h"
#include "kernel/kernel.h"

struct export_spec {
	const struct kernel *kernel; /* borrowed */
	const char *gpg_key; /* SHA256SUMS is signed by it (gpg --detach-sign --armor); NULL: not */
};

/* NAME.tar.zst: image, vmlinux, modules/, config, System.map, manifest.json, SHA256SUMS[.asc]. */
int export_tar(const struct export_spec *s, const char *dst, struct err *e);

/* vmlinux.bin.zst: what microVM monitors boot: the ELF vmlinux (x86_64) or the Image (aarch64), zstd -19. A
 * file DST.sha256 stands beside it. */
int export_bin(const struct export_spec *s, const char *dst, struct err *e);

/* An OCI image layout in the folder DST (made; must be empty): one layer with the files of export_tar() under
 * /, so that a Dockerfile may COPY --from it. Platform: the kernel's architecture. Further kernels into the same
 * layout add a manifest each to its index. OCI image specification 1.0, image-layout.md. */
int export_oci(const struct export_spec *s, const char *dst, const char *tag, struct err *e);

#endif
