/* SPDX-License-Identifier: MIT */
/* By QEMU's docs/interop/qcow2.txt. */
#include <string.h>

#include "base/alloc.h"
#include "disk/inspect.h"

#define OFFSET_MASK    0x00fffffffffffe00ull
#define COMPRESSED     (1ull << 62)
#define EXTERNAL_DATA  (1ull << 2)
#define EXTENDED_L2    (1ull << 4)
#define KNOWN_FEATURES 0x1full
#define L1_MAX         (4u << 20) /* entries; QEMU's own limit is 32 MiB */
#define BACKING_MAX    1023u

struct qcow2 {
	uint64_t cluster, l1_at, features;
	uint32_t cluster_bits, l1_n, l2_n, entry_size;
};

static int damaged(const struct inspection *i, const char *what, struct err *e)
{
	return err_set(e, -EBADMSG, "%s: damaged qcow2 image: %s", i->path, what);
}

static int read_backing(struct inspection *i, const unsigned char *h, struct err *e)
{
	uint64_t at = get_be64(h + 8);
	uint32_t len = get_be32(h + 16);
	int r;

	if (!at)
		return 0;
	if (!len || len > BACKING_MAX)
		return damaged(i, "the name of its backing file has an impossible length", e);
	i->backing = xcalloc(1, len + 1);
	r = inspect_read(i, i->backing, len, at, "the name of its backing file", e);
	return r < 0 ? r : strlen(i->backing) != len ? damaged(i, "a NUL in a name", e) : 0;
}

static int read_header(struct inspection *i, struct qcow2 *q, struct err *e)
{
	unsigned char h[104] = { 0 };
	uint32_t version;
	uint64_t per_l2;
	int r = inspect_read(i, h, 72, 0, "its header", e);

	if (r < 0)
		return r;
	version = get_be32(h + 4);
	if (version != 2 && version != 3)
		return err_set(e, -ENOTSUP, "%s: qcow2 of version %u", i->path, version);
	if (version == 3)
		r = inspect_read(i, h, sizeof(h), 0, "its header", e);
	if (r < 0)
		return r;
	q->features = version == 3 ? get_be64(h + 72) : 0;
	q->cluster_bits = get_be32(h + 20);
	q->l1_n = get_be32(h + 36);
	q->l1_at = get_be64(h + 40);
	i->info->virtual_size = get_be64(h + 24);
	if (q->cluster_bits < 9 || q->cluster_bits > 21)
		return damaged(i, "clusters of an impossible size", e);
	if (q->features & EXTERNAL_DATA)
		return err_set(e, -EPERM, "%s keeps its data in another file", i->path);
	if (q->features & ~KNOWN_FEATURES)
		return err_set(
			e, -ENOTSUP, "%s: a qcow2 image with features that are not known", i->path);
	q->cluster = 1ull << q->cluster_bits;
	q->entry_size = q->features & EXTENDED_L2 ? 16 : 8;
	q->l2_n = (uint32_t)(q->cluster / q->entry_size);
	per_l2 = q->cluster * q->l2_n;
	if (q->l1_n > L1_MAX || i->info->virtual_size / per_l2 > q->l1_n ||
		(i->info->virtual_size && !q->l1_n))
		return damaged(i, "its first table does not fit its size", e);
	return read_backing(i, h, e);
}

/* The compressed cluster may be shorter than its sectors say at the file's very end. */
static bool lies_within(const struct inspection *i, const struct qcow2 *q, uint64_t entry)
{
	uint32_t shift = 62 - (q->cluster_bits - 8);

	if (entry & COMPRESSED)
		return (entry & ((1ull << shift) - 1)) < i->info->size;
	return (entry & OFFSET_MASK) < i->info->size;
}

static int follow_l2(const struct inspection *i, const struct qcow2 *q, uint64_t at,
	unsigned char *table, struct err *e)
{
	int r = inspect_read(i, table, q->cluster, at, "a second table", e);

	for (uint32_t k = 0; r == 0 && k < q->l2_n; k++)
		if (!lies_within(i, q, get_be64(table + (size_t)k * q->entry_size)))
			r = damaged(i, "a cluster lies behind the file's end: it was cut short", e);
	return r;
}

static int follow_tables(const struct inspection *i, const struct qcow2 *q, struct err *e)
{
	_cleanup_free_ unsigned char *l1 = xmalloc((size_t)q->l1_n * 8 + 1);
	_cleanup_free_ unsigned char *l2 = xmalloc(q->cluster);
	uint64_t budget = i->info->size / q->cluster + 1; /* each table once, or they are shared */
	int r = inspect_read(i, l1, (size_t)q->l1_n * 8, q->l1_at, "its first table", e);

	for (uint32_t k = 0; r == 0 && k < q->l1_n; k++) {
		uint64_t at = get_be64(l1 + (size_t)k * 8) & OFFSET_MASK;

		if (!at)
			continue;
		if (!budget--)
			return damaged(i, "it has more tables than clusters", e);
		r = follow_l2(i, q, at, l2, e);
	}
	return r;
}

int inspect_qcow2(struct inspection *i, struct err *e)
{
	struct qcow2 q = { 0 };
	int r = read_header(i, &q, e);

	return r < 0 ? r : follow_tables(i, &q, e);
}
