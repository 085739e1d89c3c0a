/* SPDX-License-Identifier: MIT */
/*
 * FAT12 as Microsoft's "FAT: General Overview of On-Disk Format" 1.03 has it, with its long names. Times are FAT's
 * first, 1980-01-01; the serial number is fixed.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "disk/volume.h"

#define SECTOR       512u
#define PER_CLUSTER  4u
#define CLUSTER      (SECTOR * PER_CLUSTER)
#define ROOT_ENTRIES 512u
#define ENTRY        32u
#define CLUSTERS_MIN 600u /* about the size of a floppy */
#define SERIAL       0x676d7276u
#define DATE_1980    0x0021u
#define END_OF_CHAIN 0xfffu
#define LONG_CHARS   13u

static void put_le(unsigned char *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t clusters(size_t bytes)
{
	return (uint32_t)((bytes + CLUSTER - 1) / CLUSTER);
}

struct fat {
	unsigned char *image; /* owned */
	uint32_t clusters, fat_sectors, root_sector, data_sector, sectors;
	uint32_t next_cluster, next_entry;
};

static void fat_layout(struct fat *f, const struct volume_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->clusters += clusters(files[i].data.len);
	f->clusters = f->clusters < CLUSTERS_MIN ? CLUSTERS_MIN : f->clusters;
	BUG_ON(f->clusters > 4084); /* more would be FAT16 */
	f->fat_sectors = ((f->clusters + 2) * 3 / 2 + SECTOR) / SECTOR;
	f->root_sector = 1 + 2 * f->fat_sectors;
	f->data_sector = f->root_sector + ROOT_ENTRIES * ENTRY / SECTOR;
	f->sectors = f->data_sector + f->clusters * PER_CLUSTER;
	f->image = xcalloc(f->sectors, SECTOR);
	f->next_cluster = 2;
}

static void boot_sector(const struct fat *f)
{
	unsigned char *p = f->image;

	memcpy(p, "\xeb\x3c\x90vmrig   ", 11);
	put_le(p + 11, SECTOR, 2);
	p[13] = PER_CLUSTER;
	put_le(p + 14, 1, 2);
	p[16] = 2;
	put_le(p + 17, ROOT_ENTRIES, 2);
	put_le(p + 19, f->sectors, 2);
	p[21] = 0xf8;
	put_le(p + 22, f->fat_sectors, 2);
	put_le(p + 24, 32, 2);
	put_le(p + 26, 2, 2);
	p[36] = 0x80;
	p[38] = 0x29;
	put_le(p + 39, SERIAL, 4);
	memcpy(p + 43, "CIDATA     FAT12   ", 19);
	p[510] = 0x55;
	p[511] = 0xaa;
}

static void fat_set(const struct fat *f, uint32_t cluster, uint32_t v)
{
	for (uint32_t copy = 0; copy < 2; copy++) {
		unsigned char *p =
			f->image + SECTOR * (1 + copy * f->fat_sectors) + cluster * 3 / 2;

		if (cluster % 2) {
			p[0] = (unsigned char)((p[0] & 0x0f) | (v << 4 & 0xf0));
			p[1] = (unsigned char)(v >> 4);
		} else {
			p[0] = (unsigned char)v;
			p[1] = (unsigned char)((p[1] & 0xf0) | (v >> 8 & 0x0f));
		}
	}
}

static unsigned char *next_entry(struct fat *f)
{
	return f->image + SECTOR * f->root_sector + ENTRY * f->next_entry++;
}

/* "user-data" is "USER-D~1": the first letters are enough to tell the few files apart. */
static void short_name(const char *name, unsigned char ret[static 11])
{
	memset(ret, ' ', 11);
	for (size_t i = 0; i < 6 && name[i]; i++)
		ret[i] = (unsigned char)toupper((unsigned char)name[i]);
	memcpy(ret + 6, "~1", 2);
}

static unsigned char checksum(const unsigned char name[static 11])
{
	unsigned char sum = 0;

	for (int i = 0; i < 11; i++)
		sum = (unsigned char)((sum >> 1 | sum << 7) + name[i]);
	return sum;
}

/* One entry of a long name, which holds its characters from AT on. */
static void long_entry(
	struct fat *f, const char *name, uint32_t order, bool last, unsigned char sum)
{
	static const unsigned char places[LONG_CHARS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28,
		30 };
	unsigned char *p = next_entry(f);
	size_t at = (order - 1) * LONG_CHARS, len = strlen(name);

	p[0] = (unsigned char)(order | (last ? 0x40 : 0));
	p[11] = 0x0f;
	p[13] = sum;
	for (size_t i = 0; i < LONG_CHARS; i++, at++)
		put_le(p + places[i],
			at < len    ? (unsigned char)name[at]
			: at == len ? 0
				    : 0xffff,
			2);
}

static void add_file(struct fat *f, const struct volume_file *file)
{
	uint32_t parts = ((uint32_t)strlen(file->name) + LONG_CHARS - 1) / LONG_CHARS;
	uint32_t n = clusters(file->data.len), first = n ? f->next_cluster : 0;
	unsigned char name[11], *p;

	short_name(file->name, name);
	for (uint32_t i = parts; i > 0; i--)
		long_entry(f, file->name, i, i == parts, checksum(name));
	p = next_entry(f);
	memcpy(p, name, sizeof(name));
	p[11] = 0x20;
	put_le(p + 16, DATE_1980, 2);
	put_le(p + 18, DATE_1980, 2);
	put_le(p + 24, DATE_1980, 2);
	put_le(p + 26, first, 2);
	put_le(p + 28, (uint32_t)file->data.len, 4);
	for (uint32_t i = 0; i < n; i++)
		fat_set(f, first + i, i + 1 < n ? first + i + 1 : END_OF_CHAIN);
	if (n)
		memcpy(f->image + SECTOR * f->data_sector + (size_t)CLUSTER * (first - 2),
			file->data.data, file->data.len);
	f->next_cluster += n;
}

void volume_vfat(const struct volume_file *files, size_t n, struct buf *ret)
{
	struct fat f = { 0 };
	unsigned char *p;

	BUG_ON(n > VOLUME_FILES_MAX);
	fat_layout(&f, files, n);
	boot_sector(&f);
	fat_set(&f, 0, 0xff8);
	fat_set(&f, 1, END_OF_CHAIN);
	p = next_entry(&f);
	memcpy(p, "CIDATA     ", 11);
	p[11] = 0x08;
	put_le(p + 24, DATE_1980, 2);
	for (size_t i = 0; i < n; i++)
		add_file(&f, &files[i]);
	buf_add(ret, f.image, (size_t)f.sectors * SECTOR);
	free(f.image);
}
