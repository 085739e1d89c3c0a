/* SPDX-License-Identifier: MIT */
/*
 * Listings. Offsets are the host's own (d_off), so a listing can be taken up anywhere, also on a
 * descriptor opened anew. What getdents64(2) gave beyond the guest's page is kept for its next request.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "share/ops.h"

/* As getdents64(2) has it; the kernel's headers do not export it. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};

static struct folder *folder_find(struct share *s, const struct request *rq, uint64_t fh)
{
	struct folder *f = fh - 1 < s->n_folders ? s->folders[fh - 1] : NULL;

	return f && f->node == rq->node ? f : NULL;
}

/* Its descriptor, opened again if it was closed meanwhile. */
static int folder_fd(struct share *s, struct folder *f)
{
	int fd = slots_use(&s->nodes.slots, &f->slot);

	if (fd >= 0)
		return fd;
	fd = nodes_folder_fd(&s->nodes, f->node);
	if (fd < 0)
		return fd;
	fd = slots_openat(&s->nodes.slots, fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	slots_put(&s->nodes.slots, &f->slot, fd);
	f->pos = 0;
	return fd;
}

static void folder_free(struct share *s, struct folder *f)
{
	if (s->dents.of == f)
		s->dents.of = NULL;
	slots_close(&s->nodes.slots, &f->slot);
	nodes_unref(&s->nodes, f->node);
	free(f);
}

void folders_close(struct share *s)
{
	for (size_t i = 0; i < s->n_folders; i++) {
		if (s->folders[i])
			folder_free(s, s->folders[i]);
	}
	free(s->folders);
	s->folders = NULL;
	s->n_folders = s->cap_folders = 0;
}

int op_opendir(struct share *s, const struct request *rq, struct buf *reply)
{
	/* The guest may keep the listing too; kernels before 5.1 do not know how, and read it again. */
	struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR };
	struct fuse_open_in in;
	struct folder *f;
	size_t at = 0;
	int r;

	memcpy(&in, rq->arg, sizeof(in));
	if ((in.flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	if (!S_ISDIR(rq->node->type))
		return -ENOTDIR;
	while (at < s->n_folders && s->folders[at])
		at++;
	if (at >= SHARE_FOLDERS_MAX)
		return -ENFILE;
	f = xcalloc(1, sizeof(*f));
	*f = (struct folder){ .node = rq->node, .slot = SLOT_INIT };
	nodes_ref(f->node);
	r = folder_fd(s, f);
	if (r < 0) {
		folder_free(s, f);
		return r;
	}
	if (at == s->n_folders) {
		VEC_GROW(s->folders, s->n_folders, s->cap_folders);
		s->n_folders++;
	}
	s->folders[at] = f;
	out.fh = at + 1;
	buf_add(reply, &out, sizeof(out));
	return 0;
}

int op_releasedir(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_release_in in;
	struct folder *f;

	memcpy(&in, rq->arg, sizeof(in));
	f = folder_find(s, rq, in.fh);
	if (!f)
		return -EBADF;
	s->folders[in.fh - 1] = NULL;
	folder_free(s, f);
	return 0;
}

/* Makes the entries behind OFFSET the next in s->dents. 1, 0 at the end, or -errno. */
static int dents_at(struct share *s, struct folder *f, uint64_t offset)
{
	struct dents *d = &s->dents;
	long n;
	int fd;

	/* From the beginning again (rewinddir): the folder may have changed. */
	if (offset && d->of == f && d->next == offset && d->start < d->len)
		return 1;
	d->of = NULL;
	fd = folder_fd(s, f);
	if (fd < 0)
		return fd;
	if (offset > INT64_MAX)
		return -EINVAL;
	if (f->pos != offset || !offset) {
		if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
			return -errno;
	}
	n = syscall(SYS_getdents64, fd, d->data, sizeof(d->data));
	f->pos = UINT64_MAX;
	if (n < 0)
		return -errno;
	d->of = f;
	d->next = offset;
	d->start = 0;
	d->len = (size_t)n;
	return n > 0;
}

static void dents_take(struct dents *d, struct folder *f, const struct linux_dirent64 *e)
{
	d->start += e->d_reclen;
	d->next = (uint64_t)e->d_off;
	if (d->start == d->len)
		f->pos = d->next;
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

static bool add_plain(struct share *s, struct folder *f, const struct linux_dirent64 *e, size_t max,
	struct buf *reply)
{
	struct fuse_dirent out = {
		.ino = nodes_inode(&s->nodes, f->node->dev, e->d_ino),
		.off = (uint64_t)e->d_off,
		.namelen = (uint32_t)strlen(e->d_name),
		.type = e->d_type,
	};

	return add_dirent(reply, max, NULL, 0, &out, e->d_name);
}

/* With attributes, which count as a lookup. Node 0: the guest has to ask if it wants to know; so for
 * "." and "..", for what cannot be examined, and when there is no room for one more node. */
static bool add_plus(struct share *s, struct folder *f, int fd, const struct linux_dirent64 *e,
	size_t max, struct buf *reply)
{
	struct fuse_entry_out entry = { 0 };
	struct fuse_dirent out = {
		.ino = nodes_inode(&s->nodes, f->node->dev, e->d_ino),
		.off = (uint64_t)e->d_off,
		.namelen = (uint32_t)strlen(e->d_name),
		.type = e->d_type,
	};
	struct node *n;
	struct stat st;

	/* Before the lookup is counted: what does not fit was not told. */
	if (sizeof(entry) + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + out.namelen) > max)
		return false;
	if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
		n = nodes_lookup(&s->nodes, f->node, e->d_name, &st);
		if (n) {
			fill_entry(s, n, &st, &entry);
			out.ino = entry.attr.ino;
			out.type = (st.st_mode & S_IFMT) >> 12;
		}
	}
	return add_dirent(reply, max, &entry, sizeof(entry), &out, e->d_name);
}

static int list(struct share *s, const struct request *rq, struct buf *reply, bool plus)
{
	struct fuse_read_in in;
	size_t from = reply->len, max;
	uint64_t offset;
	struct folder *f;
	int r, fd;

	memcpy(&in, rq->arg, sizeof(in));
	f = folder_find(s, rq, in.fh);
	if (!f)
		return -EBADF;
	max = in.size < SHARE_READ_MAX ? in.size : SHARE_READ_MAX;
	fd = folder_fd(s, f);
	if (fd < 0)
		return fd;
	for (offset = in.offset; (r = dents_at(s, f, offset)) > 0; offset = s->dents.next) {
		const struct linux_dirent64 *e = (const void *)(s->dents.data + s->dents.start);
		size_t room = max - (reply->len - from);

		if (!(plus ? add_plus(s, f, fd, e, room, reply) : add_plain(s, f, e, room, reply)))
			break;
		dents_take(&s->dents, f, e);
	}
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
