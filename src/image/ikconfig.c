/* SPDX-License-Identifier: MIT */
/* The configuration that a kernel carries in itself (CONFIG_IKCONFIG). */
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "image/decompress.h"
#include "image/image.h"
#include "image/vmlinux.h"

#define CONFIG_MAX (16u << 20)

/* Linux: kernel/configs.c. The marker stands in the decoder's own code too, so a gzip header must
 * follow it. */
static int find_ikconfig(const struct buf *image, struct buf *ret, struct err *e)
{
	const char *p = buf_str(image), *end = p + image->len;

	while ((p = memmem(p, (size_t)(end - p), "IKCFG_ST", 8))) {
		p += 8;
		if (compression_detect(p, (size_t)(end - p)) == COMPRESSION_GZIP)
			return decompress(
				COMPRESSION_GZIP, p, (size_t)(end - p), CONFIG_MAX, ret, e);
	}
	return err_set(e, -ENODATA,
		"holds no configuration (the kernel was built without CONFIG_IKCONFIG)");
}

static int extract(const char *path, enum image_kind kind, struct buf *ret, struct err *e)
{
	_cleanup_buf_ struct buf raw = BUF_INIT, unpacked = BUF_INIT;
	int r = file_read(path, IMAGE_VMLINUX_MAX, &raw, e);

	if (r < 0)
		return r;
	if (kind == IMAGE_BZIMAGE)
		r = vmlinux_unpack(raw.data, raw.len, &unpacked, e);
	if (r == 0)
		r = find_ikconfig(kind == IMAGE_BZIMAGE ? &unpacked : &raw, ret, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}

int kconfig_extract_text(const char *image, struct buf *ret, struct err *e)
{
	struct image_info info = { 0 };
	enum image_kind kind;
	int r = image_identify(image, &info, e);

	if (r < 0)
		return r;
	kind = info.kind;
	image_info_release(&info);
	return extract(image, kind, ret, e);
}

int kconfig_extract(const char *image, struct kconfig **ret, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = kconfig_extract_text(image, &text, e);

	if (r < 0)
		return r;
	r = kconfig_parse(&text, ret, e);
	return r < 0 ? err_wrap(e, "%s", image) : 0;
}
