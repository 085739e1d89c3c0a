/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "kernel/manifest.h"

int cache_adopt(struct cache_build *b, struct err *e)
{
	struct cache_entry c = { 0 };
	struct err why = ERR_INIT;
	int r = manifest_read(b->aside, true, &c, &why);

	if (r == 0) {
		/* Where that machine had its source is no place on this one. */
		free(TAKE_PTR(c.built.source_dir));
		r = cache_commit(b, &c, e);
	} else {
		r = err_set(e, -EBADMSG, "%s", err_text(&why));
	}
	err_release(&why);
	cache_entry_release(&c);
	return r;
}
