/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "qemu/private.h"

/* utime and stime, fields 14 and 15 of /proc/PID/stat (proc(5)); the name in field 2 may hold anything, so
 * counting starts behind its last parenthesis. */
static int64_t cpu_ticks(const char *stat)
{
	const char *p = strrchr(stat, ')');
	unsigned long long utime, stime;

	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &utime,
			  &stime) != 2)
		return -1;
	return (int64_t)(utime + stime);
}

void qemu_usage_read(pid_t pid, int64_t *cpu_us, int64_t *maxrss_kib)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64];
	const char *hwm;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, 4096, &b, NULL) == 0) {
		int64_t ticks = cpu_ticks(buf_str(&b));

		if (ticks >= 0)
			*cpu_us = ticks * 1000000 / sysconf(_SC_CLK_TCK);
	}
	buf_clear(&b);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read(path, 65536, &b, NULL) == 0) {
		hwm = strstr(buf_str(&b), "\nVmHWM:");
		if (hwm)
			*maxrss_kib = strtoll(hwm + 7, NULL, 10);
	}
}
