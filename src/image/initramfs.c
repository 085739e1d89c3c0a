/* SPDX-License-Identifier: MIT */
/*
 * The first root of a guest. What is to be in it is gathered by path first (a folder for each file,
 * each path once), then written in the order of the paths, so the same input gives the same bytes.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "image/decompress.h"
#include "image/image.h"

#define FILE_SIZE_MAX ((size_t)1 << 30)
#define MODULE_LIST   "/vmrig/modules"
#define MODULE_FOLDER "/vmrig/m"

struct node {
	char *path; /* owned: absolute, folded */
	uint32_t mode; /* with the type */
	const char *host_path; /* borrowed; NULL: data */
	const void *data; /* borrowed */
	size_t len;
	bool unpack; /* when the host's file is compressed */
};

struct tree {
	struct node *nodes; /* owned */
	size_t n, cap;
};

static void tree_release(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->nodes[i].path);
	free(t->nodes);
}

static void add_node(struct tree *t, const struct node *node)
{
	VEC_GROW(t->nodes, t->n, t->cap);
	t->nodes[t->n++] = *node;
}

static void add_folder(struct tree *t, const char *path)
{
	add_node(t, &(struct node){ .path = xstrdup(path), .mode = S_IFDIR | 0755 });
}

/* Adds the node and the folders above it; those that are there twice are joined later. */
static void add_file(struct tree *t, const struct node *node)
{
	_cleanup_free_ char *path = path_absolute(node->path, "/");

	for (const char *p = path + 1; (p = strchr(p, '/')); p++)
		add_node(t, &(struct node){ .path = xstrndup(path, (size_t)(p - path)),
				    .mode = S_IFDIR | 0755 });
	add_node(t, node);
	t->nodes[t->n - 1].path = TAKE_PTR(path);
}

static int by_path(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* A parent's path is a prefix of its children's, so it sorts before them. */
static int settle(struct tree *t, struct err *e)
{
	size_t kept = 0;
	int r = 0;

	if (t->n)
		qsort(t->nodes, t->n, sizeof(*t->nodes), by_path);
	for (size_t i = 0; i < t->n; i++) {
		struct node *last = kept ? &t->nodes[kept - 1] : NULL, *node = &t->nodes[i];

		if (!last || !streq(last->path, node->path)) {
			t->nodes[kept++] = *node;
			continue;
		}
		if (!S_ISDIR(last->mode) || !S_ISDIR(node->mode))
			r = err_set(e, -EEXIST, "initramfs: two files for %s", node->path);
		free(node->path);
	}
	t->n = kept;
	return r;
}

static void add_skeleton(struct tree *t)
{
	static const char *const folders[] = { "/dev", "/proc", "/sys", "/run", "/tmp", "/vmrig",
		MODULE_FOLDER };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		add_folder(t, folders[i]);
	add_node(t, &(struct node){ .path = xstrdup("/dev/console"), .mode = S_IFCHR | 0600 });
}

/* "/a/b/virtio.ko.xz" becomes /vmrig/m/virtio.ko, and a line of LIST. */
static int add_module(struct tree *t, const char *host_path, struct buf *list, struct err *e)
{
	const char *base = path_base(host_path), *end = strstr(base, ".ko");
	_cleanup_free_ char *guest = NULL;

	if (!end)
		return err_set(e, -EINVAL, "initramfs: %s is not called as a module is", host_path);
	guest = xasprintf(MODULE_FOLDER "/%.*s.ko", (int)(end - base), base);
	buf_addf(list, "%s\n", guest);
	add_file(t, &(struct node){ .path = guest,
			    .mode = S_IFREG | 0644,
			    .host_path = host_path,
			    .unpack = true });
	return 0;
}

/* ---- writing ---- */

static la_ssize_t to_buf(struct archive *a, void *arg, const void *data, size_t len)
{
	buf_add(arg, data, len);
	return (la_ssize_t)len;
}

static int archive_failed(struct archive *a, const char *path, struct err *e)
{
	const char *why = archive_error_string(a);

	return err_set(e, -EIO, "initramfs: cannot write %s: %s", path, why ? why : "libarchive");
}

static int write_node(struct archive *a, struct archive_entry *entry, const struct node *node,
	size_t inode, struct err *e)
{
	_cleanup_buf_ struct buf content = BUF_INIT;
	const void *data = node->data;
	size_t len = node->len;
	int r = 0;

	if (node->host_path) {
		r = node->unpack ? decompress_file(node->host_path, FILE_SIZE_MAX, &content, e)
				 : file_read(node->host_path, FILE_SIZE_MAX, &content, e);
		if (r < 0)
			return err_wrap(e, "initramfs");
		data = content.data;
		len = content.len;
	}
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, node->path + 1);
	archive_entry_set_mode(entry, node->mode);
	archive_entry_set_ino64(entry, (la_int64_t)inode);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	if (S_ISCHR(node->mode))
		archive_entry_set_rdev(entry, makedev(5, 1));
	archive_entry_set_size(entry, S_ISREG(node->mode) ? (la_int64_t)len : 0);
	if (archive_write_header(a, entry) != ARCHIVE_OK)
		return archive_failed(a, node->path, e);
	if (S_ISREG(node->mode) && len && archive_write_data(a, data, len) != (la_ssize_t)len)
		return archive_failed(a, node->path, e);
	return 0;
}

static int write_archive(const struct tree *t, struct buf *ret, struct err *e)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int r = 0;

	if (!a || !entry || archive_write_set_format_cpio_newc(a) != ARCHIVE_OK ||
		archive_write_add_filter_none(a) != ARCHIVE_OK ||
		archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
		archive_write_open(a, ret, NULL, to_buf, NULL) != ARCHIVE_OK)
		r = archive_failed(a, "the archive", e);
	for (size_t i = 0; r == 0 && i < t->n; i++)
		r = write_node(a, entry, &t->nodes[i], i + 1, e);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = archive_failed(a, "the archive's end", e);
	archive_entry_free(entry);
	archive_write_free(a);
	return r;
}

int initramfs_build(const struct initramfs_spec *spec, struct buf *ret, struct err *e)
{
	__attribute__((cleanup(tree_release))) struct tree t = { 0 };
	_cleanup_buf_ struct buf list = BUF_INIT, out = BUF_INIT;
	char init[] = "/init", modules[] = MODULE_LIST;
	int r = 0;

	if (spec->agent) {
		add_skeleton(&t);
		add_file(&t,
			&(struct node){
				.path = init, .mode = S_IFREG | 0755, .host_path = spec->agent });
	}
	for (size_t i = 0; r == 0 && spec->modules && i < spec->modules->n; i++)
		r = add_module(&t, spec->modules->v[i], &list, e);
	if (r < 0)
		return r;
	if (spec->agent)
		add_file(&t, &(struct node){ .path = modules,
				     .mode = S_IFREG | 0644,
				     .data = buf_str(&list),
				     .len = list.len });
	for (size_t i = 0; i < spec->n_files; i++) {
		const struct initramfs_file *f = &spec->files[i];
		_cleanup_free_ char *path = xstrdup(f->guest_path);

		if (path[0] != '/')
			return err_set(e, -EINVAL, "initramfs: %s is not absolute", path);
		add_file(&t,
			&(struct node){ .path = path,
				.mode = (S_ISDIR(f->mode) ? S_IFDIR : S_IFREG) | (f->mode & 07777),
				.host_path = f->host_path,
				.data = f->data,
				.len = f->len });
	}
	r = settle(&t, e);
	if (r == 0)
		r = write_archive(&t, &out, e);
	if (r < 0)
		return r;
	buf_release(ret);
	*ret = out;
	out = (struct buf)BUF_INIT;
	return 0;
}

static bool has_file(const struct initramfs_file *files, size_t n, const char *guest_path)
{
	for (size_t i = 0; i < n; i++)
		if (streq(files[i].guest_path, guest_path))
			return true;
	return false;
}

int initramfs_add_program(const char *program, struct initramfs_file **files, size_t *n_files,
	size_t *cap_files, struct strv *store, struct err *e)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	_cleanup_free_ char *path = path_absolute(program, NULL);
	int r;

	strv_add(&paths, path);
	r = elf_closure(path, &paths, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < paths.n; i++) {
		if (has_file(*files, *n_files, paths.v[i]))
			continue;
		strv_add(store, paths.v[i]);
		VEC_GROW(*files, *n_files, *cap_files);
		(*files)[(*n_files)++] = (struct initramfs_file){
			.guest_path = store->v[store->n - 1],
			.host_path = store->v[store->n - 1],
			.mode = 0755,
		};
	}
	return 0;
}
