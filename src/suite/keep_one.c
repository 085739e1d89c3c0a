/* SPDX-License-Identifier: MIT */
#include "suite/keep_one.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/run_dir.h"

void keep_one_init(struct keep_one *k, const char *parent)
{
	_cleanup_free_ char *stamp = run_dir_stamp();
	_cleanup_free_ char *name = xasprintf("run-%s", stamp);

	k->dir = path_join(parent ? parent : RESULTS_DIR, name);
}

void keep_one_release(struct keep_one *k)
{
	free(k->dir);
	free(k->why);
}

/* What cannot be saved is removed with its folder, so that must be ours. */
bool keep_one_begin(struct keep_one *k)
{
	_cleanup_free_ char *parent = path_dir(k->dir);
	struct err e = ERR_INIT;
	int r = dir_make(parent, 0777, &e);

	if (r >= 0 && mkdir(k->dir, 0700) < 0)
		r = err_sys(&e, errno, "cannot make folder %s", k->dir);
	if (r < 0)
		str_replace(&k->why, err_text(&e));
	err_release(&e);
	return r >= 0;
}

char *keep_one_resume(const struct keep_one *k, const struct job_report *r)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	if (!r->snapshot)
		return NULL;
	strv_add(&v, "vmrig");
	strv_add(&v, "shell");
	strv_add(&v, "--at");
	strv_add(&v, k->dir);
	return strv_shell(&v);
}

void keep_one_tell(const struct keep_one *k, const struct job_report *r, struct buf *ret)
{
	_cleanup_free_ char *line = keep_one_resume(k, r);
	const char *why = k->why ? k->why : r->snapshot_why;

	if (line)
		buf_addf(ret, "vmrig: the guest was saved as it stood, to be resumed by: %s\n",
			line);
	else if (why)
		buf_addf(ret, "vmrig: the guest could not be saved: %s\n", why);
}
