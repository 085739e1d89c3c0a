/* SPDX-License-Identifier: MIT */
/* The saved guests of a run, by the names of their cases. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "suite/case.h"
#include "suite/run_dir.h"

#define LATEST RESULTS_DIR "/latest"

static bool is_snapshot(const char *path)
{
	_cleanup_free_ char *manifest = path_join(path, "manifest.json");

	return file_exists(manifest);
}

static char *folder_of(const char *run, const struct record *rec)
{
	_cleanup_free_ char *dir = rec->dir ? path_join(run, rec->dir) : NULL;
	_cleanup_free_ char *snapshot = dir ? path_join(dir, SNAPSHOT_DIR) : NULL;

	return snapshot && is_snapshot(snapshot) ? TAKE_PTR(snapshot) : NULL;
}

static int none(const char *run, const char *id, const struct records *v, struct err *e)
{
	_cleanup_strv_ struct strv there = STRV_INIT;
	_cleanup_free_ char *list = NULL;

	for (size_t i = 0; i < v->n; i++) {
		_cleanup_free_ char *dir = folder_of(run, &v->v[i]);

		if (dir)
			strv_add(&there, v->v[i].id);
	}
	err_set(e, -ENOENT, "the run in %s has no saved guest of a case '%s'", run, id);
	list = strv_join(&there, ", ");
	if (there.n)
		return err_hint(e, "There is one of: %s", list);
	return err_hint(e, "Run it by 'vmrig test --keep-failed'.");
}

int run_snapshot_dir(const char *dir, const char *id, char **ret, struct err *e)
{
	const char *run = dir ? dir : LATEST;
	_cleanup_free_ char *path = path_join(run, "results.jsonl");
	struct records v = { 0 };
	int r;

	*ret = NULL;
	if (!dir && is_snapshot(id)) {
		*ret = xstrdup(id);
		return 0;
	}
	r = records_load(path, &v, e);
	if (r == -ENOENT)
		err_hint(e,
			"Name the folder of a run by --output; 'vmrig test' makes them where it runs.");
	/* The last one counts: a case that was run again has a later record. */
	for (size_t i = v.n; r == 0 && !*ret && i-- > 0;)
		if (v.v[i].id && streq(v.v[i].id, id))
			*ret = folder_of(run, &v.v[i]);
	for (size_t i = v.n; r == 0 && !*ret && i-- > 0;)
		if (v.v[i].test && streq(v.v[i].test, id))
			*ret = folder_of(run, &v.v[i]);
	if (r == 0 && !*ret)
		r = none(run, id, &v, e);
	records_release(&v);
	return r;
}
