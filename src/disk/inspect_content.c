/* SPDX-License-Identifier: MIT */
/* MBR and GPT by the UEFI specification, chapter 5; volumes by ECMA-119 and the file systems' own documents. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "disk/inspect.h"

#define GPT_ENTRIES_MAX 128u

static void take_label(struct disk_info *ret, const unsigned char *p, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	while (len && (p[len - 1] == ' ' || p[len - 1] == 0))
		len--;
	text_clean(&b, (const char *)p, strnlen((const char *)p, len));
	if (!ret->label && b.len)
		ret->label = buf_detach(&b);
}

static bool is_fat(const unsigned char *p)
{
	return (p[0] == 0xeb || p[0] == 0xe9) &&
	       (memcmp(p + 54, "FAT1", 4) == 0 || memcmp(p + 82, "FAT32", 5) == 0);
}

/* Entries of a sector size of 512 or 4096; those whose type is zero are free. */
static bool read_gpt(const unsigned char *data, size_t len, size_t sector, struct disk_info *ret)
{
	static const unsigned char none[16];
	const unsigned char *h = data + sector;
	uint64_t at;
	uint32_t n, size;

	if (sector + 92 > len || memcmp(h, "EFI PART", 8) != 0)
		return false;
	at = get_le64(h + 72);
	n = get_le32(h + 80);
	size = get_le32(h + 84);
	ret->table = DISK_GPT;
	if (at > len / sector || size < 128 || size > 4096)
		return true;
	for (uint32_t i = 0; i < n && i < GPT_ENTRIES_MAX; i++) {
		size_t off = (size_t)at * sector + (size_t)i * size;

		if (off + 16 <= len && memcmp(data + off, none, 16) != 0)
			ret->partitions++;
	}
	return true;
}

static void read_mbr(const unsigned char *data, struct disk_info *ret)
{
	unsigned n = 0;

	for (int i = 0; i < 4; i++) {
		const unsigned char *p = data + 446 + 16 * i;

		if (p[0] & 0x7f)
			return; /* code, as in a boot sector that is no table */
		n += p[4] != 0 && get_le32(p + 12) != 0;
	}
	if (n) {
		ret->table = DISK_MBR;
		ret->partitions = n;
	}
}

void inspect_content(const unsigned char *data, size_t len, struct disk_info *ret)
{
	ret->table = DISK_NO_TABLE;
	if (len >= 17 * 2048 && memcmp(data + 32769, "CD001", 5) == 0) {
		if (ret->format == DISK_RAW)
			ret->format = DISK_ISO;
		take_label(ret, data + 32808, 32);
	}
	if (len >= 2048 && data[1080] == 0x53 && data[1081] == 0xef)
		take_label(ret, data + 1144, 16);
	if (len < 512 || data[510] != 0x55 || data[511] != 0xaa)
		return;
	if (is_fat(data))
		take_label(ret, data + (memcmp(data + 54, "FAT1", 4) == 0 ? 43 : 71), 11);
	else if (!read_gpt(data, len, 512, ret) && !read_gpt(data, len, 4096, ret))
		read_mbr(data, ret);
}
