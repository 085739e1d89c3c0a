/* SPDX-License-Identifier: MIT */
/* What other machines built, and what they may have of this one. Whatever goes wrong here, the build goes on. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "build/private.h"
#include "remote/remote.h"

static const char *store_of(const struct job *j)
{
	return j->how->offline ? NULL : remote_store(j->how->remote);
}

/* Whatever a store sent, B's folder is empty for the build that follows. */
static void start_over(const struct cache_build *b)
{
	if (dir_remove(b->aside, NULL) == 0)
		dir_make(b->aside, 0755, NULL);
}

bool shared_get(struct job *j, struct cache_build *b)
{
	const char *store = store_of(j);
	struct err why = ERR_INIT;
	int r;

	if (!store)
		return false;
	r = remote_get(store, j->key, b->aside, &why);
	if (r == 0) {
		r = cache_adopt(b, &why);
		if (r < 0)
			start_over(b);
	}
	if (r == 0)
		job_say(j, BUILD_STORE, "%s was built elsewhere: taken from %s", j->label, store);
	else if (r != -ENOENT)
		job_say(j, BUILD_CONFIG, "warning: the remote cache is of no help: %s",
			err_text(&why));
	j->replace = r == -EBADMSG;
	err_release(&why);
	return r == 0;
}

void shared_put(const struct job *j, const char *dir)
{
	const char *store = store_of(j);
	struct err why = ERR_INIT;

	if (!store)
		return;
	if (remote_put(store, j->key, dir, j->replace, &why) < 0)
		job_say(j, BUILD_STORE, "warning: %s is not in the remote cache: %s", j->label,
			err_text(&why));
	err_release(&why);
}
