/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/text.h"
#include "machine/private.h"

/* What the host's CPU is and can, as /proc/cpuinfo says of the first one. Its speed changes by the moment. */
void machine_hash_cpu(struct hash *h)
{
	static const char *const fields[] = { "vendor_id", "cpu family", "model", "stepping",
		"microcode", "flags", "CPU ", "Features" };
	_cleanup_close_ int fd = file_open("/proc/cpuinfo", O_RDONLY, NULL);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *rest, *line;

	/* A read gives a page, which holds the first CPU: hundreds of them are not asked for. */
	if (fd < 0 || buf_read(&b, fd, 8192) <= 0)
		return;
	rest = b.data;
	while ((line = strsep(&rest, "\n")) && *line)
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (str_starts(line, fields[i]))
				hash_adds(h, line);
}

char *machine_host_cpu(void)
{
	_cleanup_close_ int fd = file_open("/proc/cpuinfo", O_RDONLY, NULL);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct hash *h = hash_new();
	char hex[HASH_HEX_LEN + 1], *rest, *line;
	const char *name = "a CPU without name";

	machine_hash_cpu(h);
	hash_final(h, hex);
	if (fd >= 0 && buf_read(&b, fd, 8192) > 0) {
		rest = b.data;
		while ((line = strsep(&rest, "\n")) && *line)
			if (str_starts(line, "model name") && strchr(line, ':'))
				name = strchr(line, ':') + 2;
	}
	return xasprintf("%s, features %.12s", name, hex);
}
