/* SPDX-License-Identifier: MIT */
#include "base/unpack.h"

#include "pack/pack.h"

int pack_unpack(const char *path, const char *dir, struct pack *ret, struct err *e)
{
	struct unpack_spec spec = { .dir = dir };
	_cleanup_pack_ struct pack files = PACK_INIT;
	int r = unpack_tar_file(path, &spec, e);

	if (r == 0)
		r = pack_add_tree(&files, "", dir, e);
	if (r == 0)
		r = pack_sort(&files, e);
	if (r < 0)
		return r;
	if (files.n == 0)
		return err_set(e, -EBADMSG, "%s: no archive, or one without files", path);
	*ret = files;
	files = (struct pack)PACK_INIT;
	return 0;
}
