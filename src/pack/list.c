/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "pack/pack.h"

void pack_release(struct pack *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->files[i].path);
		free(p->files[i].host_path);
		free(p->files[i].data);
	}
	free(p->files);
	*p = (struct pack)PACK_INIT;
}

static struct pack_file *add(struct pack *p, const char *path)
{
	struct pack_file *f;

	VEC_GROW(p->files, p->n, p->cap);
	f = &p->files[p->n++];
	*f = (struct pack_file){ .path = xstrdup(path) };
	return f;
}

int pack_add_file(struct pack *p, const char *path, const char *host_path, struct err *e)
{
	char sha256[HASH_HEX_LEN + 1];
	struct pack_file *f;
	struct stat st;
	int r;

	if (stat(host_path, &st) < 0)
		return err_sys(e, errno, "cannot read the status of %s", host_path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is no regular file", host_path);
	r = hash_file(host_path, sha256, e);
	if (r < 0)
		return r;
	f = add(p, path);
	f->host_path = xstrdup(host_path);
	f->size = (uint64_t)st.st_size;
	f->exec = st.st_mode & S_IXUSR;
	memcpy(f->sha256, sha256, sizeof(sha256));
	return 0;
}

void pack_add_data(struct pack *p, const char *path, const void *data, size_t len)
{
	struct pack_file *f = add(p, path);
	struct hash *h = hash_new();

	f->data = xmemdup(data, len);
	f->size = len;
	hash_add(h, data, len);
	hash_final(h, f->sha256);
}

static int add_name(
	struct pack *p, const char *path, const char *dir, const char *name, struct err *e)
{
	_cleanup_free_ char *host = path_join(dir, name);
	_cleanup_free_ char *below = *path ? path_join(path, name) : xstrdup(name);
	struct stat st;

	if (lstat(host, &st) < 0)
		return err_sys(e, errno, "cannot read the status of %s", host);
	if (S_ISDIR(st.st_mode))
		return pack_add_tree(p, below, host, e);
	return S_ISREG(st.st_mode) ? pack_add_file(p, below, host, e) : 0;
}

int pack_add_tree(struct pack *p, const char *path, const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *f;
	int r = 0;

	if (!d)
		return err_sys(e, errno, "cannot read the folder %s", dir);
	while (r == 0 && (f = readdir(d)))
		if (!streq(f->d_name, ".") && !streq(f->d_name, ".."))
			r = add_name(p, path, dir, f->d_name, e);
	closedir(d);
	return r;
}

static int by_path(const void *a, const void *b)
{
	const struct pack_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int pack_sort(struct pack *p, struct err *e)
{
	if (p->n)
		qsort(p->files, p->n, sizeof(*p->files), by_path);
	for (size_t i = 1; i < p->n; i++)
		if (streq(p->files[i - 1].path, p->files[i].path))
			return err_set(e, -EEXIST, "two files for %s", p->files[i].path);
	return 0;
}

static int key_to_path(const void *key, const void *element)
{
	const struct pack_file *f = element;

	return strcmp(key, f->path);
}

const struct pack_file *pack_find(const struct pack *p, const char *path)
{
	return p->n ? bsearch(path, p->files, p->n, sizeof(*p->files), key_to_path) : NULL;
}

void pack_sums(const struct pack *p, struct buf *ret)
{
	for (size_t i = 0; i < p->n; i++)
		buf_addf(ret, "%s  %s\n", p->files[i].sha256, p->files[i].path);
}
