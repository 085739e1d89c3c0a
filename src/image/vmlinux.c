/* SPDX-License-Identifier: MIT */
#include "image/vmlinux.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "image/bzimage.h"
#include "image/decompress.h"
#include "image/elf64.h"
#include "image/image.h"

/* The unpacked size as the image states it: in the payload's last four bytes, for gzip by its own
 * format, for the others because the kernel's build appends it ("size_append"). */
static uint32_t stated_size(const uint8_t *payload, size_t len)
{
	uint32_t n;

	memcpy(&n, payload + len - 4, 4);
	return n;
}

static int check_kernel(const struct buf *elf_data, struct err *e)
{
	struct blob b = blob_memory(elf_data->data, elf_data->len);
	_cleanup_elf64_ struct elf64 elf = { 0 };
	int r = elf64_open(&b, &elf, e);

	if (r == 0)
		r = elf64_check_whole(&elf, e);
	if (r < 0)
		return r == -ENOEXEC ? err_set(e, -EBADMSG, "not a 64-bit ELF file") : r;
	if (elf.ehdr.e_machine != EM_X86_64)
		return err_set(
			e, -EBADMSG, "an ELF file of another machine (%u)", elf.ehdr.e_machine);
	return 0;
}

int vmlinux_unpack(const void *image, size_t len, struct buf *ret, struct err *e)
{
	struct blob b = blob_memory(image, len);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct bzimage bz;
	enum compression c;
	const uint8_t *payload;
	int r = bzimage_read(&b, &bz, e);

	if (r < 0)
		return r;
	if (bz.payload_length < 8)
		return err_set(e, -EBADMSG, "the bzImage has no payload");
	payload = (const uint8_t *)image + bz.payload_offset;
	c = compression_detect(payload, bz.payload_length);
	if (c == COMPRESSION_NONE)
		return err_set(e, -EBADMSG, "the bzImage's payload is of an unknown format");
	r = decompress(c, payload, bz.payload_length, IMAGE_VMLINUX_MAX, &out, e);
	if (r < 0)
		return err_wrap(e, "the bzImage's payload");
	if (stated_size(payload, bz.payload_length) != (uint32_t)out.len)
		return err_set(e, -EBADMSG,
			"the bzImage's %s payload is damaged: it unpacks to %zu bytes, not the stated %u",
			compression_name(c), out.len, stated_size(payload, bz.payload_length));
	r = check_kernel(&out, e);
	if (r < 0)
		return err_wrap(e, "what the bzImage's %s payload unpacks to", compression_name(c));
	buf_release(ret);
	*ret = out;
	out = (struct buf)BUF_INIT;
	return 0;
}

/* By reflink where it can: a vmlinux with debug information is large. */
static int copy_atomic(const char *src, const char *dst, struct err *e)
{
	_cleanup_free_ char *aside = xasprintf("%s.%d.tmp", dst, (int)getpid());
	int r = file_copy(src, aside, 0644, e);

	if (r == 0 && rename(aside, dst) < 0)
		r = err_sys(e, errno, "cannot rename %s to %s", aside, dst);
	if (r < 0)
		unlink(aside);
	return r;
}

int image_vmlinux(const char *src, const char *dst, struct err *e)
{
	_cleanup_buf_ struct buf image = BUF_INIT, out = BUF_INIT;
	struct image_info info = { 0 };
	enum image_kind kind;
	int r = image_identify(src, &info, e);

	if (r < 0)
		return r;
	kind = info.kind;
	image_info_release(&info);
	if (kind == IMAGE_ELF)
		return copy_atomic(src, dst, e);
	if (kind != IMAGE_BZIMAGE)
		return err_set(e, -ENOTSUP,
			"%s: holds no ELF vmlinux: an arm64 Image boots as it is", src);
	r = file_read(src, IMAGE_VMLINUX_MAX, &image, e);
	if (r < 0)
		return r;
	r = vmlinux_unpack(image.data, image.len, &out, e);
	if (r < 0)
		return err_wrap(e, "%s", src);
	return file_write_atomic(dst, out.data, out.len, 0644, e);
}

int image_plain(const char *src, const char *dst, struct err *e)
{
	_cleanup_buf_ struct buf image = BUF_INIT;
	struct image_info info = { 0 };
	enum image_kind kind;
	int r = image_identify(src, &info, e);

	if (r < 0)
		return r;
	kind = info.kind;
	image_info_release(&info);
	if (kind != IMAGE_ARM64)
		return image_vmlinux(src, dst, e);
	r = decompress_file(src, IMAGE_VMLINUX_MAX, &image, e);
	return r < 0 ? r : file_write_atomic(dst, image.data, image.len, 0644, e);
}

int image_unpacked(const char *src, const char *dst, struct err *e)
{
	_cleanup_buf_ struct buf raw = BUF_INIT, out = BUF_INIT;
	enum compression c;
	int r = file_read(src, IMAGE_VMLINUX_MAX, &raw, e);

	if (r < 0)
		return r;
	c = compression_detect(raw.data, raw.len);
	if (c == COMPRESSION_NONE)
		return err_set(e, -EINVAL, "%s is not compressed", src);
	r = decompress(c, raw.data, raw.len, IMAGE_VMLINUX_MAX, &out, e);
	if (r < 0)
		return err_wrap(e, "%s", src);
	return file_write_atomic(dst, out.data, out.len, 0644, e);
}
