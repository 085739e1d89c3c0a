/* SPDX-License-Identifier: MIT */
/*
 * Listings. The guest's kernel opens folders by itself (ENOSYS once, FUSE_NO_OPENDIR_SUPPORT) or with a
 * handle that means nothing; either way a listing is known by its folder and the offset wanted next.
 * Offsets are the host's own (d_off), so any can be taken up on a descriptor opened anew. The few
 * listings under way keep their descriptor and what getdents64(2) gave beyond the guest's page.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "share/ops.h"

/* As getdents64(2) has it; the kernel's headers do not export it. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

void listings_init(struct share *s)
{
	for (size_t i = 0; i < SHARE_LISTINGS; i++)
		s->listings[i].slot = (struct slot)SLOT_INIT;
}

static void listing_end(struct share *s, struct listing *l)
{
	slots_close(&s->nodes.slots, &l->slot);
	l->folder = 0;
}

void listings_close(struct share *s)
{
	for (size_t i = 0; i < SHARE_LISTINGS; i++)
		listing_end(s, &s->listings[i]);
}

/* The listing of N that has come to OFFSET; else the one unused for longest, started anew. */
static struct listing *listing_at(struct share *s, const struct node *n, uint64_t offset)
{
	struct listing *l, *oldest = &s->listings[0];

	for (size_t i = 0; i < SHARE_LISTINGS; i++) {
		l = &s->listings[i];
		/* From the beginning again (rewinddir) it is read again: the folder may have changed. */
		if (offset && l->folder == n->id && l->next == offset)
			goto found;
		if (l->used < oldest->used)
			oldest = l;
	}
	l = oldest;
	listing_end(s, l);
	l->folder = n->id;
	l->next = offset;
	l->start = l->len = 0;
found:
	l->used = ++s->listing_clock;
	return l;
}

/* The descriptor of L, which shows N, in front of the entries wanted next. */
static int listing_fd(struct share *s, struct listing *l, struct node *n)
{
	int fd = slots_use(&s->nodes.slots, &l->slot);

	if (fd >= 0)
		return fd;
	fd = nodes_folder_fd(&s->nodes, n);
	if (fd < 0)
		return fd;
	fd = slots_openat(&s->nodes.slots, fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	slots_put(&s->nodes.slots, &l->slot, fd);
	/* Entries still in memory lie before this place, not behind it. */
	return l->next && lseek(fd, (off_t)l->next, SEEK_SET) < 0 ? -errno : fd;
}

/* 1 when L has an entry, 0 at the end, or -errno. */
static int listing_fill(struct share *s, struct listing *l, struct node *n)
{
	int fd;
	long len;

	if (l->start < l->len)
		return 1;
	fd = listing_fd(s, l, n);
	if (fd < 0)
		return fd;
	len = syscall(SYS_getdents64, fd, l->data, sizeof(l->data));
	l->start = 0;
	l->len = len > 0 ? (size_t)len : 0;
	return len < 0 ? -errno : len > 0;
}

int op_opendir(struct share *s, const struct request *rq, struct buf *reply)
{
	/* The guest may keep the listing too; kernels before 4.20 do not know how, and read it again. */
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR };
	struct fuse_open_in in;
	_cleanup_close_ int fd = -1;
	int dirfd;

	if (s->flags & FUSE_NO_OPENDIR_SUPPORT)
		return -ENOSYS;
	memcpy(&in, rq->arg, sizeof(in));
	if ((in.flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	dirfd = nodes_folder_fd(&s->nodes, rq->node);
	if (dirfd < 0)
		return dirfd;
	fd = slots_openat(&s->nodes.slots, dirfd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	buf_add(reply, &out, sizeof(out));
	return 0;
}

/* One entry with padding to 8, below MAX bytes in all: whether it fitted. HEAD goes before it. */
static bool add_dirent(struct buf *reply, size_t max, const void *head, size_t head_len,
	const struct fuse_dirent *out, const char *name)
{
	static const char zero[8];
	size_t len = FUSE_NAME_OFFSET + out->namelen, pad = FUSE_DIRENT_ALIGN(len) - len;

	if (head_len + len + pad > max)
		return false;
	buf_add(reply, head, head_len);
	buf_add(reply, out, FUSE_NAME_OFFSET);
	buf_add(reply, name, out->namelen);
	buf_add(reply, zero, pad);
	return true;
}

static bool add_plain(struct share *s, const struct node *n, const struct linux_dirent64 *e,
	size_t max, struct buf *reply)
{
	struct fuse_dirent out = {
		.ino = nodes_inode(&s->nodes, n->dev, e->d_ino),
		.off = (uint64_t)e->d_off,
		.namelen = (uint32_t)strlen(e->d_name),
		.type = e->d_type,
	};

	return add_dirent(reply, max, NULL, 0, &out, e->d_name);
}

/* With attributes, which count as a lookup. Node 0: the guest has to ask if it wants to know; so for
 * "." and "..", for what cannot be examined, and when there is no room for one more node. */
static bool add_plus(struct share *s, struct node *n, int fd, const struct linux_dirent64 *e,
	size_t max, struct buf *reply)
{
	struct fuse_entry_out entry = { 0 };
	struct fuse_dirent out = {
		.ino = nodes_inode(&s->nodes, n->dev, e->d_ino),
		.off = (uint64_t)e->d_off,
		.namelen = (uint32_t)strlen(e->d_name),
		.type = e->d_type,
	};
	struct node *child;
	struct stat st;

	/* Before the lookup is counted: what does not fit was not told. */
	if (sizeof(entry) + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + out.namelen) > max)
		return false;
	if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
		child = nodes_lookup(&s->nodes, n, e->d_name, &st);
		if (child) {
			fill_entry(s, child, &st, &entry);
			out.ino = entry.attr.ino;
			out.type = (st.st_mode & S_IFMT) >> 12;
		}
	}
	return add_dirent(reply, max, &entry, sizeof(entry), &out, e->d_name);
}

static int list(struct share *s, const struct request *rq, struct buf *reply, bool plus)
{
	struct node *n = rq->node;
	struct fuse_read_in in;
	struct listing *l;
	size_t from = reply->len, max;
	int r, fd;

	memcpy(&in, rq->arg, sizeof(in));
	if (in.offset > INT64_MAX)
		return -EINVAL;
	max = in.size < SHARE_READ_MAX ? in.size : SHARE_READ_MAX;
	fd = nodes_folder_fd(&s->nodes, n);
	if (fd < 0)
		return fd;
	l = listing_at(s, n, in.offset);
	while ((r = listing_fill(s, l, n)) > 0) {
		const struct linux_dirent64 *e = (const void *)(l->data + l->start);
		size_t room = max - (reply->len - from);

		/* Filling may have closed it. */
		fd = plus ? nodes_folder_fd(&s->nodes, n) : -1;
		if (!(plus ? add_plus(s, n, fd, e, room, reply) : add_plain(s, n, e, room, reply)))
			break;
		l->start += e->d_reclen;
		l->next = (uint64_t)e->d_off;
	}
	if (r <= 0)
		listing_end(s, l);
	/* What was told already counts as looked up: an error has to wait for the next request. */
	if (reply->len > from)
		return 0;
	return r > 0 ? -EINVAL : r;
}

int op_readdir(struct share *s, const struct request *rq, struct buf *reply)
{
	return list(s, rq, reply, false);
}

int op_readdirplus(struct share *s, const struct request *rq, struct buf *reply)
{
	return list(s, rq, reply, true);
}
