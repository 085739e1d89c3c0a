/* SPDX-License-Identifier: MIT */
/* How many guests the host can bear. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "suite/run.h"

/* Those that we may run on, which in a container are not those that the host has. */
unsigned host_cpus(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

uint64_t host_memory_available_mib(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	unsigned long long kib;
	const char *at;

	if (file_read("/proc/meminfo", 65536, &b, NULL) < 0)
		return UINT64_MAX;
	at = strstr(buf_str(&b), "MemAvailable:");
	if (!at || sscanf(at, "MemAvailable: %llu kB", &kib) != 1)
		return UINT64_MAX;
	return kib / 1024;
}
