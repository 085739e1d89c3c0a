/* SPDX-License-Identifier: MIT */
/*
 * What QEMU would not load again, found where it was saved. Its form: QEMU's docs/devel/migration.rst; the CPU's part:
 * target/i386/machine.c. All devices come behind the memory, in parts that begin with 4, a number, and the name.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "qemu/private.h"

#define TAIL_MAX     (4u << 20) /* room for all devices, many times over */
#define PART_FULL    4
#define CPU_VERSION  12
#define NAME_AT      5 /* behind the number: its length, and then itself */
#define VERSION_AT   13
#define FIELDS_AT    17
#define HFLAGS_AT    (FIELDS_AT + 16 * 8 + 8 + 8) /* behind the registers, rip and rflags */
#define HFLAGS_GUEST (1u << 21)

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_cpu_in_guest(const uint8_t *p)
{
	return p[0] == PART_FULL && memcmp(p + NAME_AT, "\3cpu", 4) == 0 &&
	       be32(p + VERSION_AT) == CPU_VERSION && (be32(p + HFLAGS_AT) & HFLAGS_GUEST);
}

bool qemu_state_in_guest(int fd)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0)
		return false;
	len = st.st_size < TAIL_MAX ? (size_t)st.st_size : TAIL_MAX;
	data = xmalloc(len + 1);
	if (pread(fd, data, len, st.st_size - (off_t)len) != (ssize_t)len)
		return false;
	for (size_t i = 0; i + HFLAGS_AT + 4 <= len; i++)
		if (is_cpu_in_guest(data + i))
			return true;
	return false;
}
