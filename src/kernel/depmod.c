/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "kernel/cache.h"

#define DEPMOD_MS 120000

bool kernel_binary_indexes(const char *modules_dir, const char *release)
{
	static const char *const places[] = { "depmod", "/usr/sbin/depmod", "/sbin/depmod" };
	_cleanup_free_ char *depmod = NULL, *base = xstrdup(modules_dir);
	_cleanup_free_ char *bin = path_join(modules_dir, "modules.dep.bin");
	const char *argv[] = { NULL, "-b", base, release, NULL };
	char *tail = strstr(base, "/lib/modules/");
	int status;

	for (size_t i = 0; !depmod && i < ARRAY_SIZE(places); i++)
		path_program(places[i], &depmod);
	if (!depmod || !tail || file_exists(bin))
		return true;
	for (char *next; (next = strstr(tail + 1, "/lib/modules/"));)
		tail = next;
	*tail = '\0';
	argv[0] = depmod;
	return proc_capture(argv, NULL, NULL, NULL, DEPMOD_MS, &status, NULL) == 0 && status == 0;
}
