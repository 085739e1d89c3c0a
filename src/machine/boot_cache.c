/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "machine/private.h"

#define FORM "probe-1" /* of what the cached files hold */

char *machine_boot_cache(const char *name, const char *device)
{
	_cleanup_buf_ struct buf boot = BUF_INIT;
	_cleanup_free_ char *dir = NULL, *file = NULL;
	char hex[HASH_HEX_LEN + 1];
	const uid_t ids[] = { getuid(), geteuid() };
	struct hash *h;
	int r = 0;

	if (file_read("/proc/sys/kernel/random/boot_id", 64, &boot, NULL) < 0 ||
		path_cache_sub("probe", &dir, NULL) < 0)
		return NULL;
	h = hash_new();
	hash_adds(h, FORM);
	hash_adds(h, buf_str(&boot));
	hash_add(h, ids, sizeof(ids));
	if (device)
		r = hash_add_file_identity(h, device, NULL);
	hash_final(h, hex);
	if (r < 0)
		return NULL;
	file = xasprintf("%s-%.16s.json", name, hex);
	return path_join(dir, file);
}
