/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "share/node.h"

#define SLOTS_MIN  8
#define SLOTS_MAX  512
#define SLOTS_KEEP 2 /* never closed for want of descriptors: those of the call under way */

void slots_init(struct slots *c)
{
	struct rlimit limit;

	*c = (struct slots){ .used = SLOT_INIT, .max = SLOTS_MAX };
	c->used.prev = c->used.next = &c->used;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 8 < SLOTS_MAX)
		c->max = limit.rlim_cur / 8;
	if (c->max < SLOTS_MIN)
		c->max = SLOTS_MIN;
}

static void slot_unlink(struct slot *slot)
{
	slot->prev->next = slot->next;
	slot->next->prev = slot->prev;
	slot->prev = slot->next = NULL;
}

static void slot_link(struct slots *c, struct slot *slot)
{
	slot->prev = &c->used;
	slot->next = c->used.next;
	slot->next->prev = slot;
	c->used.next = slot;
}

int slots_use(struct slots *c, struct slot *slot)
{
	if (slot->fd >= 0) {
		slot_unlink(slot);
		slot_link(c, slot);
	}
	return slot->fd;
}

void slots_close(struct slots *c, struct slot *slot)
{
	if (slot->fd < 0)
		return;
	slot_unlink(slot);
	slot->fd = fd_close(slot->fd);
	c->n--;
}

static void slots_shrink(struct slots *c, size_t keep)
{
	while (c->n > keep)
		slots_close(c, c->used.prev);
}

void slots_put(struct slots *c, struct slot *slot, int fd)
{
	slots_close(c, slot);
	slots_shrink(c, c->max - 1);
	slot->fd = fd;
	slot_link(c, slot);
	c->n++;
}

int slots_openat(struct slots *c, int dirfd, const char *name, int flags)
{
	int fd = openat(dirfd, name, flags | O_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && c->n > SLOTS_KEEP) {
		slots_shrink(c, c->n / 2 > SLOTS_KEEP ? c->n / 2 : SLOTS_KEEP);
		fd = openat(dirfd, name, flags | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}
