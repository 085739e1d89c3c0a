/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kvmio/private.h"

/* Far above what any kernel has; a header beyond it is not a header. */
#define MAX_STATS     65536
#define MAX_NAME_SIZE 4096

static int read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, buf, len, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EPROTO;
}

static size_t desc_size(const struct kvmio_stats *stats)
{
	return sizeof(struct kvm_stats_desc) + stats->header.name_size;
}

static struct kvm_stats_desc *desc_at(const struct kvmio_stats *stats, size_t i)
{
	return (void *)(stats->descs + i * desc_size(stats));
}

static int read_descriptions(struct kvmio_stats *stats)
{
	struct kvm_stats_header *h = &stats->header;
	int r = read_at(stats->fd, h, sizeof(*h), 0);

	if (r < 0)
		return r;
	if (h->num_desc > MAX_STATS || h->name_size == 0 || h->name_size > MAX_NAME_SIZE ||
		h->name_size % _Alignof(struct kvm_stats_desc))
		return -EPROTO;
	stats->id = calloc(1, h->name_size);
	stats->descs = calloc((size_t)h->num_desc + 1, desc_size(stats));
	if (!stats->id || !stats->descs)
		return -ENOMEM;
	r = read_at(stats->fd, stats->id, h->name_size, h->id_offset);
	if (r >= 0)
		r = read_at(
			stats->fd, stats->descs, h->num_desc * desc_size(stats), h->desc_offset);
	if (r < 0)
		return r;
	stats->id[h->name_size - 1] = '\0';
	for (size_t i = 0; i < h->num_desc; i++)
		desc_at(stats, i)->name[h->name_size - 1] = '\0';
	return 0;
}

static int open_stats(int fd, struct kvmio_stats *ret)
{
	struct kvmio_stats stats = { .fd = kvm_ioctl_value(fd, KVM_GET_STATS_FD, 0) };
	int r;

	if (stats.fd < 0)
		return stats.fd;
	r = read_descriptions(&stats);
	if (r < 0)
		kvmio_stats_release(&stats);
	else
		*ret = stats;
	return r;
}

int kvmio_vm_stats(const struct kvmio_vm *vm, struct kvmio_stats *ret)
{
	return open_stats(vm->fd, ret);
}

int kvmio_vcpu_stats(const struct kvmio_vcpu *vcpu, struct kvmio_stats *ret)
{
	return open_stats(vcpu->fd, ret);
}

void kvmio_stats_release(struct kvmio_stats *stats)
{
	if (stats->fd >= 0)
		close(stats->fd);
	free(stats->id);
	free(stats->descs);
	*stats = (struct kvmio_stats)KVMIO_STATS_INIT;
}

size_t kvmio_stats_count(const struct kvmio_stats *stats)
{
	return stats->header.num_desc;
}

const struct kvm_stats_desc *kvmio_stats_desc(const struct kvmio_stats *stats, size_t i)
{
	return i < stats->header.num_desc ? desc_at(stats, i) : NULL;
}

int kvmio_stats_find(const struct kvmio_stats *stats, const char *name)
{
	for (size_t i = 0; i < stats->header.num_desc; i++) {
		if (!strcmp(desc_at(stats, i)->name, name))
			return (int)i;
	}
	return -ENOENT;
}

int kvmio_stats_read(const struct kvmio_stats *stats, size_t i, uint64_t *values, size_t n)
{
	const struct kvm_stats_desc *desc = kvmio_stats_desc(stats, i);
	int r;

	if (!desc)
		return -ENOENT;
	if (n > desc->size)
		n = desc->size;
	r = read_at(stats->fd, values, n * sizeof(*values),
		(uint64_t)stats->header.data_offset + desc->offset);
	return r < 0 ? r : desc->size;
}
