/* SPDX-License-Identifier: MIT */
/* Requests about names and attributes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "share/ops.h"

/* A device number as the kernel's new_decode_dev() reads it (<linux/kdev_t.h>). */
static uint32_t encode_dev(dev_t dev)
{
	uint32_t ma = major(dev), mi = minor(dev);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffu) << 12;
}

static void fill_attr(struct share *s, const struct stat *st, struct fuse_attr *ret)
{
	*ret = (struct fuse_attr){
		.ino = nodes_inode(&s->nodes, st->st_dev, st->st_ino),
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = encode_dev(st->st_rdev),
		.blksize = (uint32_t)st->st_blksize,
	};
}

void fill_entry(
	struct share *s, const struct node *n, const struct stat *st, struct fuse_entry_out *ret)
{
	*ret = (struct fuse_entry_out){
		.nodeid = n->id,
		.entry_valid = SHARE_VALID_S,
		.attr_valid = SHARE_VALID_S,
	};
	fill_attr(s, st, &ret->attr);
}

/* The request's one name, or NULL: none, not ended, several, "." or "..", or a path. */
static const char *request_name(const struct request *rq)
{
	const char *name = (const char *)rq->arg;

	if (rq->len < 2 || memchr(name, '\0', rq->len) != name + rq->len - 1)
		return NULL;
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	return name;
}

int op_lookup(struct share *s, const struct request *rq, struct buf *reply)
{
	/* Node 0: there is no such file, and the guest may remember it. */
	struct fuse_entry_out out = { .entry_valid = SHARE_VALID_S };
	const char *name = request_name(rq);
	struct node *n;
	struct stat st;
	int dirfd;

	if (!name)
		return -EINVAL;
	dirfd = nodes_folder_fd(&s->nodes, rq->node);
	if (dirfd < 0)
		return dirfd;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
		n = nodes_lookup(&s->nodes, rq->node, name, &st);
		if (!n)
			return -ENFILE;
		fill_entry(s, n, &st, &out);
	} else if (errno != ENOENT) {
		return -errno;
	}
	buf_add(reply, &out, sizeof(out));
	return 0;
}

static void forget(struct share *s, uint64_t id, uint64_t lookups)
{
	struct node *n = nodes_find(&s->nodes, id);

	if (n && n != s->nodes.root)
		nodes_forget(&s->nodes, n, lookups);
}

int op_forget(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_forget_in in;

	memcpy(&in, rq->arg, sizeof(in));
	forget(s, rq->head.nodeid, in.nlookup);
	return 0;
}

int op_batch_forget(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;
	size_t n;

	memcpy(&in, rq->arg, sizeof(in));
	n = (rq->len - sizeof(in)) / sizeof(one);
	if (in.count < n)
		n = in.count;
	for (size_t i = 0; i < n; i++) {
		memcpy(&one, rq->arg + sizeof(in) + i * sizeof(one), sizeof(one));
		forget(s, one.nodeid, one.nlookup);
	}
	return 0;
}

int op_getattr(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_attr_out out = { .attr_valid = SHARE_VALID_S };
	struct stat st;
	int r = nodes_stat(&s->nodes, rq->node, &st);

	if (r < 0)
		return r;
	fill_attr(s, &st, &out.attr);
	buf_add(reply, &out, sizeof(out));
	return 0;
}

int op_readlink(struct share *s, const struct request *rq, struct buf *reply)
{
	/* A page of the guest holds the text and its NUL. */
	char text[PATH_MAX];
	const char *name;
	ssize_t n;
	int dirfd, r;

	if (!S_ISLNK(rq->node->type))
		return -EINVAL;
	r = nodes_place(&s->nodes, rq->node, &dirfd, &name);
	if (r < 0)
		return r;
	n = readlinkat(dirfd, name, text, sizeof(text) - 1);
	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? -ESTALE : -errno;
	buf_add(reply, text, (size_t)n);
	return 0;
}

int op_statfs(struct share *s, const struct request *rq, struct buf *reply)
{
	struct node *n = S_ISDIR(rq->node->type) ? rq->node : rq->node->parent;
	struct fuse_statfs_out out = { 0 };
	struct statfs fs;
	int fd = nodes_folder_fd(&s->nodes, n);

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){
		.blocks = fs.f_blocks,
		.bfree = fs.f_bfree,
		.bavail = fs.f_bavail,
		.files = fs.f_files,
		.ffree = fs.f_ffree,
		.bsize = (uint32_t)fs.f_bsize,
		.namelen = (uint32_t)fs.f_namelen,
		.frsize = (uint32_t)fs.f_frsize,
	};
	buf_add(reply, &out, sizeof(out));
	return 0;
}

/* Sent only by mounts without default_permissions; the answer is then what this process may do. */
int op_access(struct share *s, const struct request *rq, struct buf *reply)
{
	struct fuse_access_in in;
	const char *name;
	int dirfd, r;

	memcpy(&in, rq->arg, sizeof(in));
	if (in.mask & ~(uint32_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	if (in.mask & W_OK)
		return -EROFS;
	r = nodes_place(&s->nodes, rq->node, &dirfd, &name);
	if (r < 0)
		return r;
	if (S_ISLNK(rq->node->type))
		return 0;
	return faccessat(dirfd, *name ? name : ".", (int)in.mask,
		       AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0
		       ? -errno
		       : 0;
}
