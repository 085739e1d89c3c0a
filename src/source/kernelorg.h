/* SPDX-License-Identifier: MIT */
/*
 * Private to src/source: kernel.org, or the mirror that $VMRIG_KERNEL_MIRROR names. A mirror stands for
 * https://cdn.kernel.org/pub/linux/kernel; with one no other host is ever asked.
 */
#ifndef SOURCE_KERNELORG_H
#define SOURCE_KERNELORG_H

#include "base/buf.h"
#include "source/release.h"
#include "source/source.h"

/* How old a list may be before it is fetched again. */
#define KERNELORG_FRESH_MS (60 * 60 * 1000)

/* releases.json; where it cannot be had, the one that was fetched last, of which RET_NOTE then tells. */
int kernelorg_list(
	const struct source_options *o, struct release_list *ret, char **ret_note, struct err *e);

/* The sums of the folder that R lies in; for one that must be in them (MUST), however fresh, they are fetched anew
 * where it is not. RET_TEXT (may be NULL) is the text, for its signature. */
int kernelorg_sums(const struct source_options *o, const struct release *r, bool must,
	struct release_sums *ret, struct buf *ret_text, char **ret_note, struct err *e);

/* Where the tarball of R is; the caller owns the string. */
char *kernelorg_url(const struct release *r);

/* The release R as a tree. */
int kernelorg_get(
	const struct release *r, const struct source_options *o, struct source *ret, struct err *e);

#endif
