/* SPDX-License-Identifier: MIT */
#include "source/git_run.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "base/text.h"

#define MESSAGE_LINES 4

/* What says how to reach a server stays the user's; what says where and on what to work does not. */
static bool stays(const char *name)
{
	static const char *const ours[] = { "GIT_SSL_", "GIT_SSH", "GIT_HTTP_", "GIT_PROXY_",
		"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_starts(name, ours[i]))
			return true;
	return false;
}

static int start_argv(struct strv *argv, const char *index, struct err *e)
{
	static const char *const set[] = { "GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_LITERAL_PATHSPECS=1", "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh",
		"LC_ALL=C" };
	static const char *const config[] = { "core.hooksPath=/dev/null", "core.fsmonitor=false",
		"core.autocrlf=false", "core.attributesFile=/dev/null", "core.sparseCheckout=false",
		"gc.auto=0", "maintenance.auto=false", "protocol.version=2" };
	_cleanup_free_ char *git = NULL;

	if (path_program("git", &git) < 0) {
		err_set(e, -ENOENT, "git is not here");
		return err_hint(e, "Debian's package is git.");
	}
	strv_add(argv, "env");
	for (char **p = environ; *p; p++) {
		_cleanup_free_ char *name = xstrndup(*p, strcspn(*p, "="));

		if (str_starts(name, "GIT_") && !stays(name)) {
			strv_add(argv, "-u");
			strv_add(argv, name);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		strv_add(argv, set[i]);
	if (!getenv("GIT_SSH_COMMAND") && !getenv("GIT_SSH"))
		strv_add(argv, "GIT_SSH_COMMAND=ssh -o BatchMode=yes");
	if (index)
		strv_addf(argv, "GIT_INDEX_FILE=%s", index);
	strv_add(argv, git);
	for (size_t i = 0; i < ARRAY_SIZE(config); i++) {
		strv_add(argv, "-c");
		strv_add(argv, config[i]);
	}
	return 0;
}

/* Git's last words as the error. */
static int failed(const char *what, struct buf *err, int status, struct err *e)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	const char *tail;
	size_t len;

	while (err->len && isspace((unsigned char)err->data[err->len - 1]))
		buf_truncate(err, err->len - 1);
	tail = text_last_lines(buf_str(err), err->len, MESSAGE_LINES, &len);
	if (len)
		text_clean(&message, tail, len);
	else
		proc_describe_status(&message, status);
	return err_set(e, strstr(buf_str(&message), strerror(ENOSPC)) ? -ENOSPC : -EIO, "%s: %s",
		what, buf_str(&message));
}

int git_run(const char *what, const char *index, const char *const *args, int64_t timeout_ms,
	struct buf *ret, struct err *e)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_buf_ struct buf err = BUF_INIT;
	int status, r = start_argv(&argv, index, e);

	if (r < 0)
		return r;
	for (; *args; args++)
		strv_add(&argv, *args);
	r = proc_capture((const char *const *)argv.v, NULL, ret, &err, timeout_ms, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", what);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return failed(what, &err, status, e);
	if (ret && ret->len && ret->data[ret->len - 1] == '\n')
		buf_truncate(ret, ret->len - 1);
	return 0;
}
