/* SPDX-License-Identifier: MIT */
/*
 * The host keys that a system shows on its serial ports: cloud-init prints them when it is done, and so does
 * `cat /etc/ssh/ssh_host_*_key.pub`. Only the system writes there, so who has such a key is the system.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/saved.h"
#include "os/seed.h"

#define KEY_MIN 40 /* letters of the shortest key */

static const char *const types[] = {
	"ssh-ed25519",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"ssh-rsa",
};

/* "TYPE KEY" of a line that is a public key and nothing else, but for a comment; the caller owns it. */
static char *key_of(const char *line)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t type = strlen(types[i]), n;

		if (!str_starts(line, types[i]) || line[type] != ' ')
			continue;
		n = strspn(line + type + 1, letters);
		if (n < KEY_MIN || (line[type + 1 + n] && line[type + 1 + n] != ' '))
			return NULL;
		return xstrndup(line, type + 1 + n);
	}
	return NULL;
}

static bool wanted(const struct os *o)
{
	const struct os_ssh *ssh = o->spec.plan->wish.ssh;

	return ssh && ssh->user && ssh->host_key == OS_HOST_KEY_CONSOLE;
}

bool os_host_key_awaited(const struct os *o)
{
	return wanted(o) && !o->host_keys.n;
}

void os_host_key_line(struct os *o, const char *line, size_t len)
{
	_cleanup_free_ char *text = wanted(o) ? xstrndup(line, len) : NULL, *key = NULL;
	const char *ours = text ? o->spec.plan->keys->user.public : NULL;

	key = text ? key_of(text) : NULL;
	/* The user's key may be shown there as well. */
	if (!key || (ours && str_starts(ours, key)) || strv_has(&o->host_keys, key))
		return;
	strv_add(&o->host_keys, key);
	os_host_key_shown(o);
}
