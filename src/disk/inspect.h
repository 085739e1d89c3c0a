/* SPDX-License-Identifier: MIT */
/* Private to src/disk: one reader for each format. Each gets the open file and what is known of it. */
#ifndef DISK_INSPECT_H
#define DISK_INSPECT_H

#include "disk/disk.h"

struct inspection {
	int fd; /* borrowed */
	const char *path; /* borrowed */
	struct disk_info *info; /* borrowed */
	char *backing; /* owned: as the image names it; NULL: none */
};

/* All LEN bytes at AT, or -EBADMSG: the file ends before; WHAT is what was to be there. */
int inspect_read(const struct inspection *i, void *to, size_t len, uint64_t at, const char *what,
	struct err *e);

int inspect_qcow2(struct inspection *i, struct err *e);
int inspect_vmdk(struct inspection *i, struct err *e);
int inspect_vdi(struct inspection *i, struct err *e);

/* The partition table, or the volume, in the first LEN bytes that a guest sees. */
void inspect_content(const unsigned char *data, size_t len, struct disk_info *ret);
#define INSPECT_CONTENT_LEN (68 * 1024)

static inline uint32_t get_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_be64(const unsigned char *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline uint32_t get_le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t get_le64(const unsigned char *p)
{
	return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

#endif
