/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "image/bzimage.h"
#include "image/decompress.h"
#include "image/elf64.h"
#include "image/image.h"
#include "image/vmlinux.h"

#define BANNER      "Linux version "
#define BANNER_MAX  (64ull << 20) /* searched for it at most */
#define RELEASE_MAX 65 /* __NEW_UTS_LEN and a NUL */

/* Offsets in the first sectors of a bzImage. */
enum {
	SETUP_SECTS = 0x1f1,
	SYSSIZE = 0x1f4, /* of the protected-mode code, in units of 16 bytes */
	BOOT_FLAG = 0x1fe,
	HEADER = 0x202,
	VERSION = 0x206,
	KERNEL_VERSION = 0x20e,
	XLOADFLAGS = 0x236,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	SETUP_HEADER_END = 0x268,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* A release is one word of what uname(2) can hold. */
static bool release_char(char c)
{
	return c > ' ' && c < 0x7f && c != '/';
}

static size_t release_length(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && release_char(s[n]))
		n++;
	/* What ends it must be seen, or it may be cut off. */
	return n < max && n < RELEASE_MAX && s[n] == ' ' ? n : 0;
}

bool bzimage_probe(const struct blob *b)
{
	uint8_t flag[2], magic[4];

	return blob_read(b, BOOT_FLAG, flag, 2) == 0 && get16(flag) == 0xaa55 &&
	       blob_read(b, HEADER, magic, 4) == 0 && memcmp(magic, "HdrS", 4) == 0;
}

int bzimage_read(const struct blob *b, struct bzimage *ret, struct err *e)
{
	uint8_t h[SETUP_HEADER_END];
	struct bzimage bz = { 0 };
	uint64_t setup, end;
	uint16_t version_at;

	if (blob_read(b, 0, h, sizeof(h)) < 0)
		return err_set(e, -EBADMSG, "truncated inside the setup header of a bzImage");
	bz.protocol = get16(h + VERSION);
	if (bz.protocol < 0x0206)
		return err_set(e, -ENOEXEC, "a bzImage of boot protocol %u.%02u, older than 2.06",
			bz.protocol >> 8, bz.protocol & 0xff);
	setup = ((h[SETUP_SECTS] ? h[SETUP_SECTS] : 4u) + 1u) * 512u;
	end = setup + get32(h + SYSSIZE) * 16ull;
	/* The last paragraph may be short: the size was rounded up. */
	if (b->size + 15 < end)
		return err_set(e, -EBADMSG,
			"truncated: the bzImage says %llu bytes, the file has %llu",
			(unsigned long long)end, (unsigned long long)b->size);
	bz.is_64bit = bz.protocol >= 0x020c && (get16(h + XLOADFLAGS) & 1);

	version_at = get16(h + KERNEL_VERSION);
	if (version_at) {
		char text[sizeof(bz.release)];
		uint64_t at = 0x200ull + version_at;

		if (at + sizeof(text) > b->size || at >= setup)
			return err_set(e, -EBADMSG,
				"damaged: the bzImage's version text lies outside its setup code");
		blob_read(b, at, text, sizeof(text));
		memcpy(bz.release, text, release_length(text, sizeof(text)));
	}
	if (bz.protocol >= 0x0208) {
		bz.payload_offset = setup + get32(h + PAYLOAD_OFFSET);
		bz.payload_length = get32(h + PAYLOAD_LENGTH);
		if (bz.payload_offset > b->size || bz.payload_length > b->size - bz.payload_offset)
			return err_set(e, -EBADMSG,
				"truncated: the payload of the bzImage ends at %llu, the file at %llu",
				(unsigned long long)(bz.payload_offset + bz.payload_length),
				(unsigned long long)b->size);
	}
	*ret = bz;
	return 0;
}

/* The release in the banner that every kernel prints ("Linux version 6.1.0 (…"). NULL: not found. */
static char *banner_release(const struct blob *b, uint64_t from, uint64_t len)
{
	_cleanup_buf_ struct buf window = BUF_INIT;
	const size_t step = 1u << 20, overlap = sizeof(BANNER) + RELEASE_MAX;

	if (from > b->size)
		return NULL;
	len = len < b->size - from ? len : b->size - from;
	len = len < BANNER_MAX ? len : BANNER_MAX;
	buf_reserve(&window, step + overlap);
	for (uint64_t at = 0; at < len; at += step) {
		size_t n = len - at < step + overlap ? len - at : step + overlap;
		const char *p = window.data, *end = p + n;

		if (blob_read(b, from + at, window.data, n) < 0)
			return NULL;
		while ((p = memmem(p, (size_t)(end - p), BANNER, strlen(BANNER)))) {
			size_t word;

			p += strlen(BANNER);
			word = release_length(p, (size_t)(end - p));
			if (word && p[0] >= '0' && p[0] <= '9')
				return xstrndup(p, word);
		}
	}
	return NULL;
}

static int identify_bzimage(const struct blob *b, struct image_info *ret, struct err *e)
{
	struct bzimage bz;
	int r = bzimage_read(b, &bz, e);

	if (r < 0)
		return r;
	ret->kind = IMAGE_BZIMAGE;
	ret->arch = xstrdup(bz.is_64bit ? "x86_64" : "i386");
	ret->release = bz.release[0] ? xstrdup(bz.release) : NULL;
	return 0;
}

static int identify_elf(const struct blob *b, struct image_info *ret, struct err *e)
{
	_cleanup_elf64_ struct elf64 elf = { 0 };
	const Elf64_Shdr *rodata;
	int r = elf64_open(b, &elf, e);

	if (r < 0)
		return r;
	if (elf.ehdr.e_type == ET_REL)
		return err_set(e, -ENOEXEC, "an ELF object file or module, not a kernel image");
	if (elf.ehdr.e_type == ET_CORE)
		return err_set(e, -ENOEXEC, "a core dump, not a kernel image");
	for (size_t i = 0; i < elf.ehdr.e_phnum; i++)
		if (elf.phdrs[i].p_type == PT_INTERP || elf.phdrs[i].p_type == PT_DYNAMIC)
			if (elf.phdrs[i].p_type == PT_INTERP || elf.ehdr.e_machine == EM_X86_64)
				return err_set(e, -ENOEXEC,
					"an ELF program or library, not a kernel image");
	r = elf64_check_whole(&elf, e);
	if (r < 0)
		return r;
	ret->kind = IMAGE_ELF;
	ret->arch = xstrdup(elf64_arch(elf.ehdr.e_machine));
	ret->pvh = elf64_has_pvh_note(&elf);
	rodata = elf64_section(&elf, ".rodata");
	if (rodata && rodata->sh_type != SHT_NOBITS)
		ret->release = banner_release(b, rodata->sh_offset, rodata->sh_size);
	for (size_t i = 0; i < elf.ehdr.e_phnum && !ret->release; i++)
		if (elf.phdrs[i].p_type == PT_LOAD)
			ret->release =
				banner_release(b, elf.phdrs[i].p_offset, elf.phdrs[i].p_filesz);
	return 0;
}

/* What it is instead, for the message. */
static const char *other_kind(const uint8_t *head, size_t len)
{
	enum compression c = compression_detect(head, len);

	if (len == 0)
		return "an empty file";
	if (c != COMPRESSION_NONE)
		return compression_name(c);
	if (len >= 2 && memcmp(head, "#!", 2) == 0)
		return "a script";
	if (len >= 8 && memcmp(head, "!<arch>\n", 8) == 0)
		return "an ar archive (a Debian package?)";
	if (len >= 6 && memcmp(head, "070701", 6) == 0)
		return "a cpio archive (an initramfs?)";
	for (size_t i = 0; i < len; i++)
		if (head[i] < ' ' && !strchr("\t\n\r", head[i]))
			return "data of an unknown kind";
	return "text";
}

/* Linux: Documentation/arm64/booting.rst, "Call the kernel image" */
static bool identify_arm64(const struct blob *b, struct image_info *ret)
{
	uint8_t head[64];

	if (blob_read(b, 0, head, sizeof(head)) < 0 || memcmp(head + 0x38, "ARM\x64", 4) != 0)
		return false;
	ret->kind = IMAGE_ARM64;
	ret->arch = xstrdup("aarch64");
	ret->release = banner_release(b, 0, b->size);
	return true;
}

/* Image.gz, which loaders for arm64 unpack, QEMU among them. */
static bool identify_gzip(const struct blob *b, struct image_info *ret)
{
	_cleanup_buf_ struct buf packed = BUF_INIT, out = BUF_INIT;
	struct blob inner;

	if (b->size > IMAGE_VMLINUX_MAX)
		return false;
	buf_reserve(&packed, b->size);
	if (blob_read(b, 0, packed.data, b->size) < 0 ||
		decompress(COMPRESSION_GZIP, packed.data, b->size, IMAGE_VMLINUX_MAX, &out, NULL) <
			0)
		return false;
	inner = blob_memory(out.data, out.len);
	return identify_arm64(&inner, ret);
}

static int identify(const struct blob *b, struct image_info *ret, struct err *e)
{
	uint8_t head[64] = { 0 };
	size_t len = b->size < sizeof(head) ? b->size : sizeof(head);
	int r = blob_read(b, 0, head, len);

	if (r < 0)
		return err_sys(e, -r, "cannot read it");
	if (bzimage_probe(b))
		return identify_bzimage(b, ret, e);
	if (len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return identify_elf(b, ret, e);
	if (identify_arm64(b, ret))
		return 0;
	if (compression_detect(head, len) == COMPRESSION_GZIP && identify_gzip(b, ret))
		return 0;
	return err_set(e, -ENOEXEC, "not a kernel image (bzImage, ELF or arm64 Image) but %s",
		other_kind(head, len));
}

void image_info_release(struct image_info *i)
{
	free(i->release);
	free(i->arch);
	*i = (struct image_info){ 0 };
}

int image_identify(const char *path, struct image_info *ret, struct err *e)
{
	_cleanup_blob_ struct blob b = BLOB_INIT;
	struct image_info info = { 0 };
	int r = blob_open(path, &b, e);

	if (r < 0)
		return r;
	r = identify(&b, &info, e);
	if (r < 0) {
		image_info_release(&info);
		return err_wrap(e, "%s", path);
	}
	*ret = info;
	return 0;
}

bool image_has_symbols(const char *path)
{
	_cleanup_blob_ struct blob b = BLOB_INIT;
	_cleanup_elf64_ struct elf64 elf = { 0 };
	const Elf64_Shdr *symtab;

	if (blob_open(path, &b, NULL) < 0 || elf64_open(&b, &elf, NULL) < 0)
		return false;
	symtab = elf64_section(&elf, ".symtab");
	return symtab && symtab->sh_type == SHT_SYMTAB && symtab->sh_size > sizeof(Elf64_Sym);
}
