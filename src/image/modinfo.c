/* SPDX-License-Identifier: MIT */
/* A module's own account of itself: NUL-separated "key=value" in the ELF section .modinfo. */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "image/blob.h"
#include "image/decompress.h"
#include "image/elf64.h"
#include "image/modtree.h"

#define MODULE_MAX  (256u << 20)
#define MODINFO_MAX (1u << 20)

static int read_section(const struct blob *b, struct buf *ret, struct err *e)
{
	_cleanup_elf64_ struct elf64 elf = { 0 };
	const Elf64_Shdr *sh;
	int r = elf64_open(b, &elf, e);

	if (r < 0)
		return r;
	sh = elf64_section(&elf, ".modinfo");
	if (!sh)
		return err_set(e, -EBADMSG, "no kernel module: it has no section .modinfo");
	return elf64_read(&elf, sh, MODINFO_MAX, ret, e);
}

static void add_depends(const char *list, struct strv *needs)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n)
			strv_addf(needs, "%.*s", (int)n, list);
		list += n + (list[n] == ',');
	}
}

static void parse(const struct buf *info, struct module *m)
{
	const char *p = buf_str(info), *end = p + info->len;

	for (; p < end; p += strlen(p) + 1) {
		if (str_starts(p, "depends="))
			add_depends(p + strlen("depends="), &m->needs);
		else if (str_starts(p, "softdep="))
			softdep_pre(p + strlen("softdep="), &m->soft);
		else if (str_starts(p, "alias="))
			strv_add(&m->aliases, p + strlen("alias="));
	}
}

int modinfo_read(const char *path, struct module *m, struct err *e)
{
	_cleanup_buf_ struct buf info = BUF_INIT, unpacked = BUF_INIT;
	_cleanup_blob_ struct blob b = BLOB_INIT;
	int r;

	if (str_ends(path, ".ko")) {
		r = blob_open(path, &b, e);
		if (r < 0)
			return r;
	} else {
		r = decompress_file(path, MODULE_MAX, &unpacked, e);
		if (r < 0)
			return r;
		b = blob_memory(unpacked.data, unpacked.len);
	}
	r = read_section(&b, &info, e);
	if (r < 0)
		return err_wrap(e, "%s", path);
	parse(&info, m);
	return 0;
}
