/* SPDX-License-Identifier: MIT */
#include "source/patch.h"

#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "base/text.h"

#define PATCH_MS (5 * 60 * 1000)
#define SHOWN    8 /* lines of what does not apply */

/* What matters of patch(1)'s words: which hunk of which file, one line each. */
static void gather_failures(const char *text, struct buf *ret)
{
	_cleanup_free_ char *file = NULL;
	size_t shown = 0;

	for (const char *p = text; *p && shown < SHOWN; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t n = strcspn(p, "\n");
		_cleanup_free_ char *line = xstrndup(p, n);
		const char *name = str_starts(line, "checking file ")   ? line + 14
				   : str_starts(line, "patching file ") ? line + 14
									: NULL;

		if (name) {
			str_replace(&file, name);
			continue;
		}
		if (!strstr(line, "FAILED") && !strstr(line, "can't find file") &&
			!strstr(line, "malformed") && !strstr(line, "dangerous") &&
			!strstr(line, "already exists") && !strstr(line, "previously applied") &&
			!strstr(line, "not supported") && !strstr(line, "Only garbage") &&
			!strstr(line, "No file to patch"))
			continue;
		if (str_starts(line, "Hunk #") || strstr(line, "previously applied"))
			buf_addf(ret, "%s%s: ", ret->len ? "\n" : "", file ? file : "?");
		else
			buf_adds(ret, ret->len ? "\n" : "");
		text_clean(ret, line, n);
		shown++;
	}
}

static int run(const char *tree, const char *patch, bool dry, struct err *e)
{
	const char *argv[] = { "patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch",
		"--reject-file=-", "-d", tree, "-i", patch, dry ? "--dry-run" : NULL, NULL };
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT, why = BUF_INIT;
	int status, r = proc_capture(argv, NULL, &out, &err, PATCH_MS, &status, e);

	if (r == -ENOENT) {
		err_set(e, r, "patch is not here");
		return err_hint(e, "Debian's package is patch.");
	}
	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	buf_adds(&out, buf_str(&err));
	gather_failures(buf_str(&out), &why);
	if (why.len == 0)
		text_clean(&why, buf_str(&out), out.len);
	return err_set(e, -EINVAL, "it does not apply: %s", buf_str(&why));
}

int patch_apply(const char *tree, const char *patch, struct err *e)
{
	int fd = file_open(patch, 0, e), r;

	if (fd < 0)
		return err_wrap(e, "patch %s", path_base(patch));
	fd_close(fd);
	r = run(tree, patch, true, e);
	if (r == 0)
		r = run(tree, patch, false, e);
	return r < 0 ? err_wrap(e, "patch %s", patch) : 0;
}
