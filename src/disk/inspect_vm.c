/* SPDX-License-Identifier: MIT */
/* Images of other monitors: they are converted, so all that matters is that no other file is read through them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "disk/inspect.h"

#define SECTOR         512u
#define DESCRIPTOR_MAX (64u << 10)

/* VMware's "Virtual Disk Format 1.1": an extent with its descriptor in it, and no parent. */
static int check_descriptor(const struct inspection *i, const char *text, struct err *e)
{
	const char *cid = strcasestr(text, "parentCID=");

	if (strcasestr(text, "parentFileNameHint") ||
		(cid && strncasecmp(cid + 10, "ffffffff", 8) != 0))
		return err_set(e, -EPERM, "%s: a vmdk image that has a parent", i->path);
	return 0;
}

int inspect_vmdk(struct inspection *i, struct err *e)
{
	unsigned char h[SECTOR];
	_cleanup_free_ char *text = NULL;
	uint64_t at, len;
	int r = inspect_read(i, h, sizeof(h), 0, "its header", e);

	if (r < 0)
		return r;
	if (memcmp(h, "KDMV", 4) != 0 || get_le64(h + 12) == 0)
		return err_set(e, -EPERM,
			"%s is a list of other files, and not a vmdk image in one file", i->path);
	if (get_le64(h + 12) > UINT64_MAX / SECTOR / 2)
		return err_set(e, -EBADMSG, "%s: damaged vmdk image: its size", i->path);
	i->info->virtual_size = get_le64(h + 12) * SECTOR;
	at = get_le64(h + 28);
	len = get_le64(h + 36);
	if (!at || !len)
		return 0;
	if (len > DESCRIPTOR_MAX / SECTOR || at > UINT64_MAX / SECTOR / 2)
		return err_set(e, -EBADMSG, "%s: damaged vmdk image: its descriptor", i->path);
	text = xcalloc(1, len * SECTOR + 1);
	r = inspect_read(i, text, len * SECTOR, at * SECTOR, "its descriptor", e);
	return r < 0 ? r : check_descriptor(i, text, e);
}

/* By VirtualBox' VDICore.h: types 1 (sparse) and 2 (fixed) stand for themselves. */
int inspect_vdi(struct inspection *i, struct err *e)
{
	unsigned char h[SECTOR];
	uint32_t type;
	int r = inspect_read(i, h, sizeof(h), 0, "its header", e);

	if (r < 0)
		return r;
	type = get_le32(h + 76);
	i->info->virtual_size = get_le64(h + 368);
	if (type != 1 && type != 2)
		return err_set(e, -EPERM, "%s: a vdi image that needs another", i->path);
	return 0;
}
