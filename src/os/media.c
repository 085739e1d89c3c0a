/* SPDX-License-Identifier: MIT */
/*
 * What a guest may write to: files of ours without a name, that are gone with their last descriptor, however we end.
 * The empty qcow2 image is written here, for qemu-img would want a name, and a process for each test.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "os/private.h"

/* Not every file system makes files without a name; then it has one for a moment. */
static int open_unnamed(const char *dir, struct err *e)
{
	_cleanup_free_ char *name = path_join(dir, ".disk-XXXXXX");
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a disk for the guest in %s", dir);
	unlink(name);
	return fd;
}

int os_media_empty(const char *dir, uint64_t size, struct err *e)
{
	_cleanup_close_ int fd = open_unnamed(dir, e);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) < 0)
		return err_sys(e, errno, "cannot make a disk of %llu bytes in %s",
			(unsigned long long)size, dir);
	return TAKE_FD(fd);
}

/* QEMU: docs/interop/qcow2.txt, version 3. */
struct qcow2_header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t crypt_method, l1_size;
	uint64_t l1_offset, refcounts_offset;
	uint32_t refcounts_clusters, n_snapshots;
	uint64_t snapshots_offset, incompatible, compatible, autoclear;
	uint32_t refcount_order, header_length;
};
#define CLUSTER 65536u
#define L2_SPAN \
	((uint64_t)CLUSTER * CLUSTER / 8) /* bytes of the disk that an entry of L1 stands for */

/* Clusters: the header, the table of reference counts, one block of them, L1 of nothing but zeros. */
int os_media_overlay(const char *dir, uint64_t virtual_size, struct err *e)
{
	uint64_t l1 = (virtual_size + L2_SPAN - 1) / L2_SPAN;
	uint64_t clusters = 3 + (l1 * 8 + CLUSTER - 1) / CLUSTER;
	uint64_t block = htobe64(2 * CLUSTER);
	_cleanup_free_ uint16_t *counts = xcalloc(clusters, sizeof(*counts));
	const struct qcow2_header h = {
		.magic = htobe32(0x514649fb),
		.version = htobe32(3),
		.cluster_bits = htobe32(16),
		.size = htobe64(virtual_size),
		.l1_size = htobe32((uint32_t)l1),
		.l1_offset = htobe64(3 * CLUSTER),
		.refcounts_offset = htobe64(CLUSTER),
		.refcounts_clusters = htobe32(1),
		.refcount_order = htobe32(4),
		.header_length = htobe32(sizeof(h)),
	};
	_cleanup_close_ int fd = os_media_empty(dir, clusters * CLUSTER, e);

	_Static_assert(sizeof(h) == 104, "qcow2's header");
	if (fd < 0)
		return fd;
	for (uint64_t i = 0; i < clusters; i++)
		counts[i] = htobe16(1);
	if (pwrite(fd, &h, sizeof(h), 0) != sizeof(h) ||
		pwrite(fd, &block, sizeof(block), CLUSTER) != sizeof(block) ||
		pwrite(fd, counts, clusters * 2, 2 * CLUSTER) != (ssize_t)(clusters * 2))
		return err_sys(e, errno, "cannot make a disk for the guest in %s", dir);
	return TAKE_FD(fd);
}

int os_media_copy(const char *dir, const char *path, struct err *e)
{
	_cleanup_close_ int from = file_open(path, O_RDONLY, e), to = -1;
	ssize_t n;

	if (from < 0)
		return from;
	to = open_unnamed(dir, e);
	if (to < 0)
		return to;
	do
		n = sendfile(to, from, NULL, 1u << 30);
	while (n > 0);
	if (n < 0)
		return err_sys(e, errno, "cannot copy %s to %s", path, dir);
	return TAKE_FD(to);
}

int os_media_reopen(int fd, struct err *e)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

	return file_open(path, O_RDONLY, e);
}
