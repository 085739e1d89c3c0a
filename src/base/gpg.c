/* SPDX-License-Identifier: MIT */
#include "base/gpg.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

static const char *const common[] = { "--batch", "--no-tty", "--no-autostart",
	"--no-auto-key-retrieve", "--no-auto-key-locate", "--status-fd", "1" };

int gpg_argv(struct strv *argv)
{
	_cleanup_free_ char *gpg = NULL;

	if (path_program("gpg", &gpg) < 0)
		return -ENOENT;
	strv_add(argv, gpg);
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		strv_add(argv, common[i]);
	return 0;
}

char *gpg_status(const struct buf *status, const char *keyword)
{
	_cleanup_free_ char *start = xasprintf("[GNUPG:] %s", keyword);
	size_t n = strlen(start);

	for (const char *p = buf_str(status); *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, start, n) == 0 && (p[n] == ' ' || p[n] == '\n' || !p[n])) {
			p += n + (p[n] == ' ');
			return xstrndup(p, strcspn(p, "\n"));
		}
	return NULL;
}

char *gpg_valid(const struct buf *status)
{
	_cleanup_free_ char *valid = gpg_status(status, "VALIDSIG");
	_cleanup_free_ char *revoked = gpg_status(status, "REVKEYSIG");
	const char *last;

	if (!valid || revoked)
		return NULL;
	/* It is the last word of the line. */
	last = strrchr(valid, ' ');
	return xstrdup(last ? last + 1 : valid);
}
