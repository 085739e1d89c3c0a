/* SPDX-License-Identifier: MIT */
#include "cli/guest_env.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

/* Variables that name things of the caller's session, which do not exist in a guest. */
static const char *const session_variables[] = {
	"DBUS_SESSION_BUS_ADDRESS",
	"DISPLAY",
	"SSH_AUTH_SOCK",
	"SSH_AGENT_PID",
	"WAYLAND_DISPLAY",
	"XAUTHORITY",
	"XDG_RUNTIME_DIR",
	"XDG_SESSION_ID",
	"NOTIFY_SOCKET",
};

static bool of_session(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	for (size_t i = 0; i < ARRAY_SIZE(session_variables); i++)
		if (strlen(session_variables[i]) == n &&
			memcmp(assignment, session_variables[i], n) == 0)
			return true;
	return false;
}

void guest_env(struct strv *ret)
{
	for (char **p = environ; *p; p++)
		if (!of_session(*p))
			strv_add(ret, *p);
	strv_setenv(ret, "VMRIG", "1");
}
