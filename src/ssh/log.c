/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "ssh/private.h"

static bool has(const char *log, const char *what)
{
	return strstr(log, what) != NULL;
}

/* The words are those of OpenSSH's clients at their first level of debugging (session2.c, clientloop.c: the same since 5.x). */
enum ssh_fate ssh_log_fate(const char *log)
{
	if (has(log, "rtype exit-status "))
		return SSH_FATE_EXITED;
	if (has(log, "rtype exit-signal "))
		return SSH_FATE_SIGNALLED;
	if (has(log, "debug1: Sending command: ") || has(log, "debug1: Sending subsystem: "))
		return SSH_FATE_BROKEN;
	return SSH_FATE_UNSENT;
}

/* Also of the head, so that one without the rest, "debug1", is not taken for a reason. */
static bool is_noise(const char *line, size_t len)
{
	static const char *const starts[] = { "debug", "Authenticated to ",
		"Transferred: ", "Bytes per second: ", "Warning: ", "OpenSSH_",
		"Executing: ", "@@@" };

	if (!len)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (len >= strlen(starts[i]) && strncmp(line, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

char *ssh_log_reason(const char *log)
{
	_cleanup_buf_ struct buf clean = BUF_INIT;
	const char *found = NULL;
	size_t found_len = 0;

	text_clean(&clean, log, strlen(log));
	for (const char *p = buf_str(&clean); *p;) {
		size_t len = strcspn(p, "\n");

		if (!is_noise(p, len)) {
			found = p;
			found_len = len;
		}
		p += len + (p[len] == '\n');
	}
	return found ? xstrndup(found, found_len) : NULL;
}
