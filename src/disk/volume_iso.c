/* SPDX-License-Identifier: MIT */
/*
 * Numbers of sections are those of ECMA-119 (ISO 9660); Rock Ridge is IEEE P1282 with SUSP, IEEE P1281. All times are
 * the epoch of Unix, all owners root.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "disk/volume.h"

#define SECTOR 2048u

enum {
	AT_PRIMARY = 16,
	AT_JOLIET,
	AT_END,
	AT_PATHS_L,
	AT_PATHS_M,
	AT_JOLIET_PATHS_L,
	AT_JOLIET_PATHS_M,
	AT_ROOT,
	AT_JOLIET_ROOT,
	AT_FILES,
};

#define PATH_TABLE_LEN 10
#define RECORD_LEN     33 /* without the name; 9.1 */

static const unsigned char zeros[SECTOR];

/* ---- numbers and text ---- */

static void add_le(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_addc(b, (char)(v >> 8 * i));
}

static void add_be(struct buf *b, uint32_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_addc(b, (char)(v >> 8 * i));
}

/* Both-byte order, 7.2.3 and 7.3.3. */
static void add_both(struct buf *b, uint32_t v, int bytes)
{
	add_le(b, v, bytes);
	add_be(b, v, bytes);
}

static void add_zeros(struct buf *b, size_t n)
{
	BUG_ON(n > sizeof(zeros));
	buf_add(b, zeros, n);
}

/* S filled with blanks to WIDTH bytes; UCS-2 for Joliet. */
static void add_text(struct buf *b, const char *s, size_t width, bool joliet)
{
	size_t step = joliet ? 2 : 1, used = 0;

	for (; used + step <= width; used += step) {
		if (joliet)
			buf_addc(b, 0);
		buf_addc(b, *s ? *s : ' ');
		s += *s != '\0';
	}
	add_zeros(b, width - used);
}

static void pad_to_sector(struct buf *b)
{
	add_zeros(b, (SECTOR - b->len % SECTOR) % SECTOR);
}

static uint32_t sectors(size_t bytes)
{
	return (uint32_t)((bytes + SECTOR - 1) / SECTOR);
}

/* ---- directories, 9.1 ---- */

static void add_time(struct buf *b)
{
	static const unsigned char epoch[7] = { 70, 1, 1, 0, 0, 0, 0 };

	buf_add(b, epoch, sizeof(epoch));
}

/* SUSP's SP, and ER with no more than the name that readers look for. */
static void rock_ridge_root(struct buf *b)
{
	static const unsigned char sp[] = { 'S', 'P', 7, 1, 0xbe, 0xef, 0 };
	static const unsigned char er[] = { 'E', 'R', 18, 1, 10, 0, 0, 1, 'R', 'R', 'I', 'P', '_',
		'1', '9', '9', '1', 'A' };

	buf_add(b, sp, sizeof(sp));
	buf_add(b, er, sizeof(er));
}

static void rock_ridge_mode(struct buf *b, uint32_t mode, uint32_t links)
{
	static const unsigned char px[] = { 'P', 'X', 36, 1 };

	buf_add(b, px, sizeof(px));
	add_both(b, mode, 4);
	add_both(b, links, 4);
	add_both(b, 0, 4);
	add_both(b, 0, 4);
}

static void rock_ridge_name(struct buf *b, const char *name)
{
	static const unsigned char nm[] = { 'N', 'M' };

	buf_add(b, nm, sizeof(nm));
	buf_addc(b, (char)(5 + strlen(name)));
	buf_addc(b, 1);
	buf_addc(b, 0);
	buf_adds(b, name);
}

static void add_record(struct buf *b, const char *name, size_t name_len, uint32_t extent,
	uint32_t bytes, bool dir, const struct buf *system_use)
{
	size_t len = RECORD_LEN + name_len + (name_len % 2 == 0);
	size_t use = system_use ? system_use->len + system_use->len % 2 : 0;

	buf_addc(b, (char)(len + use));
	buf_addc(b, 0);
	add_both(b, extent, 4);
	add_both(b, bytes, 4);
	add_time(b);
	buf_addc(b, dir ? 2 : 0);
	add_zeros(b, 2);
	add_both(b, 1, 2);
	buf_addc(b, (char)name_len);
	buf_add(b, name, name_len);
	add_zeros(b, name_len % 2 == 0);
	if (system_use) {
		buf_add(b, system_use->data, system_use->len);
		add_zeros(b, use - system_use->len);
	}
}

static void add_dots(struct buf *b, uint32_t extent, bool rock_ridge)
{
	_cleanup_buf_ struct buf self = BUF_INIT, parent = BUF_INIT;

	rock_ridge_root(&self);
	rock_ridge_mode(&self, 0040755, 2);
	rock_ridge_mode(&parent, 0040755, 2);
	add_record(b, "\0", 1, extent, SECTOR, true, rock_ridge ? &self : NULL);
	add_record(b, "\1", 1, extent, SECTOR, true, rock_ridge ? &parent : NULL);
}

/* "user-data" is "USER_DAT.;1" to level 1; names that would meet are told apart by their first letters here. */
static void short_name(const char *name, struct buf *ret)
{
	for (size_t i = 0; name[i] && i < 8; i++)
		buf_addc(ret, isalnum((unsigned char)name[i])
				      ? (char)toupper((unsigned char)name[i])
				      : '_');
	buf_adds(ret, ".;1");
}

static void add_root(
	struct buf *b, const struct volume_file *files, size_t n, uint32_t self, bool joliet)
{
	uint32_t at = AT_FILES;

	add_dots(b, self, !joliet);
	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct buf name = BUF_INIT, use = BUF_INIT;

		if (joliet) {
			add_text(&name, files[i].name, 2 * strlen(files[i].name), true);
		} else {
			short_name(files[i].name, &name);
			rock_ridge_mode(&use, 0100444, 1);
			rock_ridge_name(&use, files[i].name);
		}
		add_record(b, name.data, name.len, at, (uint32_t)files[i].data.len, false,
			joliet ? NULL : &use);
		at += sectors(files[i].data.len);
	}
	BUG_ON(b->len > (size_t)(self + 1) * SECTOR);
	pad_to_sector(b);
}

/* ---- descriptors, 8.4 and 8.5 ---- */

static void add_dates(struct buf *b)
{
	for (int i = 0; i < 2; i++) {
		buf_adds(b, "1970010100000000");
		buf_addc(b, 0);
	}
	for (int i = 0; i < 2; i++) {
		buf_adds(b, "0000000000000000");
		buf_addc(b, 0);
	}
}

static void add_descriptor(struct buf *b, bool joliet, uint32_t total)
{
	buf_addc(b, joliet ? 2 : 1);
	buf_adds(b, "CD001");
	buf_addc(b, 1);
	buf_addc(b, 0);
	add_text(b, "", 32, joliet);
	add_text(b, "cidata", 32, joliet);
	add_zeros(b, 8);
	add_both(b, total, 4);
	if (joliet)
		buf_adds(b, "%/E"); /* UCS-2, level 3 */
	add_zeros(b, joliet ? 29 : 32);
	add_both(b, 1, 2);
	add_both(b, 1, 2);
	add_both(b, SECTOR, 2);
	add_both(b, PATH_TABLE_LEN, 4);
	add_le(b, joliet ? AT_JOLIET_PATHS_L : AT_PATHS_L, 4);
	add_le(b, 0, 4);
	add_be(b, joliet ? AT_JOLIET_PATHS_M : AT_PATHS_M, 4);
	add_be(b, 0, 4);
	add_record(b, "\0", 1, joliet ? AT_JOLIET_ROOT : AT_ROOT, SECTOR, true, NULL);
	for (int i = 0; i < 4; i++)
		add_text(b, "", 128, joliet);
	for (int i = 0; i < 3; i++)
		add_text(b, "", 37, joliet);
	add_dates(b);
	buf_addc(b, 1);
	pad_to_sector(b);
}

/* One folder, the root: 9.4. */
static void add_paths(struct buf *b, uint32_t root, bool big)
{
	buf_addc(b, 1);
	buf_addc(b, 0);
	(big ? add_be : add_le)(b, root, 4);
	(big ? add_be : add_le)(b, 1, 2);
	add_zeros(b, 2);
	pad_to_sector(b);
}

void volume_iso(const struct volume_file *files, size_t n, struct buf *ret)
{
	uint32_t total = AT_FILES;

	BUG_ON(ret->len || n > VOLUME_FILES_MAX);
	for (size_t i = 0; i < n; i++)
		total += sectors(files[i].data.len);
	for (int i = 0; i < AT_PRIMARY; i++)
		add_zeros(ret, SECTOR);
	add_descriptor(ret, false, total);
	add_descriptor(ret, true, total);
	buf_add(ret, "\377CD001\1", 7);
	pad_to_sector(ret);
	add_paths(ret, AT_ROOT, false);
	add_paths(ret, AT_ROOT, true);
	add_paths(ret, AT_JOLIET_ROOT, false);
	add_paths(ret, AT_JOLIET_ROOT, true);
	add_root(ret, files, n, AT_ROOT, false);
	add_root(ret, files, n, AT_JOLIET_ROOT, true);
	for (size_t i = 0; i < n; i++) {
		buf_add(ret, buf_str(&files[i].data), files[i].data.len);
		pad_to_sector(ret);
	}
	BUG_ON(ret->len != (size_t)total * SECTOR);
}
