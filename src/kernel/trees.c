/* SPDX-License-Identifier: MIT */
/* Which kernel was last built of a tree of the caller's, where that is not in the tree itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "kernel/cache.h"
#include "kernel/folder.h"

/* A file for each tree, by its path; its content is what was built. */
static int note_path(const char *tree, char **ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	char hex[HASH_HEX_LEN + 1];
	struct hash *h = hash_new();
	int r = path_cache_sub("trees", &dir, e);

	hash_adds(h, tree);
	hash_final(h, hex);
	if (r == 0)
		*ret = path_join(dir, hex);
	return r;
}

int kernel_note_tree(const char *tree, const char *built, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r = note_path(tree, &path, e);

	if (r < 0)
		return r;
	if (built)
		return file_write_atomic(path, built, strlen(built), 0600, e);
	return unlink(path) < 0 && errno != ENOENT ? err_sys(e, errno, "cannot remove %s", path)
						   : 0;
}

int kernel_from_note(const char *tree, struct kernel *ret, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf built = BUF_INIT;
	struct cache_entry c = { 0 };
	int r = note_path(tree, &path, e);

	if (r < 0)
		return r;
	if (!file_exists(path))
		return err_set(e, -ENOENT, "nothing was built of %s", tree);
	r = file_read(path, 8192, &built, e);
	if (r < 0)
		return r;
	if (!dir_exists(buf_str(&built)))
		return err_set(e, -ENOENT, "what was built of %s is gone", tree);
	if (tree_is_kernel(buf_str(&built)))
		return kernel_from_tree(buf_str(&built), NULL, ret, e);
	r = cache_load(path_base(buf_str(&built)), &c, e);
	if (r == 0)
		cache_take_kernel(&c, NULL, ret);
	return r;
}
