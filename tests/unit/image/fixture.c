/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <elf.h>
#include <lz4hc.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

const char *const packing_names[PACK_COUNT] = { "gzip", "xz", "lzma", "zstd", "lz4" };

int folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/image-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

int folder_remove(void **state)
{
	int r = dir_remove(*state, NULL);

	free(*state);
	return r;
}

char *put(const char *dir, const char *name, const void *data, size_t len)
{
	char *path = path_join(dir, name);
	_cleanup_free_ char *parent = path_dir(path);

	assert_int_equal(dir_make(parent, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(path, data, len, 0644, NULL), 0);
	return path;
}

char *put_text(const char *dir, const char *name, const char *text)
{
	return put(dir, name, text, strlen(text));
}

void lay(const char *dir, const char *name, const char *text)
{
	free(put_text(dir, name, text));
}

/* ---- packing ---- */

static void pack_gzip(const void *data, size_t len, struct buf *ret)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	buf_reserve(ret, deflateBound(&z, len));
	z.next_out = (Bytef *)ret->data + ret->len;
	z.avail_out = (uInt)deflateBound(&z, len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	ret->len += z.total_out;
	deflateEnd(&z);
}

/* Linux: scripts/xz_wrap.sh: the BCJ filter for x86, then LZMA2. */
static void pack_lzma(bool xz, const void *data, size_t len, struct buf *ret)
{
	lzma_stream l = LZMA_STREAM_INIT;
	lzma_options_lzma o;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &o },
		{ LZMA_VLI_UNKNOWN, NULL } };
	size_t room = len + len / 2 + 4096;

	lzma_lzma_preset(&o, 1);
	assert_int_equal(xz ? lzma_stream_encoder(&l, filters, LZMA_CHECK_CRC32)
			    : lzma_alone_encoder(&l, &o),
		LZMA_OK);
	buf_reserve(ret, room);
	l.next_in = data;
	l.avail_in = len;
	l.next_out = (uint8_t *)ret->data + ret->len;
	l.avail_out = room;
	assert_int_equal(lzma_code(&l, LZMA_FINISH), LZMA_STREAM_END);
	ret->len += l.total_out;
	lzma_end(&l);
}

static void pack_zstd(const void *data, size_t len, struct buf *ret)
{
	size_t room = ZSTD_compressBound(len), n;

	buf_reserve(ret, room);
	n = ZSTD_compress(ret->data + ret->len, room, data, len, 3);
	assert_false(ZSTD_isError(n));
	ret->len += n;
}

static void pack_lz4(const void *data, size_t len, struct buf *ret)
{
	const size_t chunk = 8 << 20;

	buf_add(ret, "\x02\x21\x4c\x18", 4);
	for (size_t at = 0; at < len; at += chunk) {
		int n = (int)(len - at < chunk ? len - at : chunk), room = LZ4_compressBound(n);
		uint32_t packed;

		buf_reserve(ret, (size_t)room + 4);
		packed = (uint32_t)LZ4_compress_HC(
			(const char *)data + at, ret->data + ret->len + 4, n, room, 3);
		memcpy(ret->data + ret->len, &packed, 4);
		ret->len += packed + 4;
	}
}

void pack_plain(enum packing p, const void *data, size_t len, struct buf *ret)
{
	switch (p) {
	case PACK_GZIP:
		pack_gzip(data, len, ret);
		break;
	case PACK_XZ:
	case PACK_LZMA:
		pack_lzma(p == PACK_XZ, data, len, ret);
		break;
	case PACK_ZSTD:
		pack_zstd(data, len, ret);
		break;
	default:
		pack_lz4(data, len, ret);
	}
}

void pack(enum packing p, const void *data, size_t len, struct buf *ret)
{
	uint32_t size = (uint32_t)len;

	pack_plain(p, data, len, ret);
	if (p != PACK_GZIP)
		buf_add(ret, &size, 4);
}

/* ---- kernels ---- */

static size_t add_section(struct buf *names, Elf64_Shdr *sh, const char *name, uint32_t type,
	size_t offset, size_t size)
{
	*sh = (Elf64_Shdr){ .sh_name = (Elf64_Word)names->len,
		.sh_type = type,
		.sh_offset = offset,
		.sh_size = size };
	buf_add(names, name, strlen(name) + 1);
	return offset + size;
}

/* The header, the sections' bytes (already in BODY behind it), the names and the table. */
static void finish_elf(Elf64_Ehdr *h, struct buf *body, Elf64_Shdr *sh, size_t n, struct buf *names)
{
	add_section(names, &sh[n - 1], ".shstrtab", SHT_STRTAB, body->len, 0);
	sh[n - 1].sh_size = names->len;
	buf_add(body, names->data, names->len);
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_ehsize = sizeof(*h);
	h->e_shoff = body->len;
	h->e_shentsize = sizeof(*sh);
	h->e_shnum = (Elf64_Half)n;
	h->e_shstrndx = (Elf64_Half)(n - 1);
	buf_add(body, sh, n * sizeof(*sh));
	memcpy(body->data, h, sizeof(*h));
}

static void add_filler(struct buf *b, size_t n)
{
	uint32_t x = 1;

	/* neither constant nor random, so that every format has something to do */
	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		buf_addc(b, i % 7 ? (char)(i / 7) : (char)(x >> 16));
	}
}

void make_vmlinux(const struct vmlinux_fixture *f, struct buf *ret)
{
	struct note {
		Elf64_Nhdr header;
		char name[4];
		uint32_t entry;
	} note = { { 4, 4, 18 }, "Xen", 0x1000000 };
	Elf64_Ehdr h = { .e_type = ET_EXEC, .e_machine = f->machine ? f->machine : EM_X86_64 };
	Elf64_Phdr ph[2] = { { .p_type = PT_LOAD }, { .p_type = PT_NOTE, .p_align = 4 } };
	Elf64_Shdr sh[4] = { { 0 } };
	Elf64_Sym symbols[2] = { { 0 } };
	_cleanup_buf_ struct buf names = BUF_INIT;
	size_t start = sizeof(h) + sizeof(ph), n = 1;

	buf_add(&names, "", 1);
	buf_reserve(ret, start);
	memset(ret->data, 0, start);
	ret->len = start;
	buf_adds(ret, "%s version %s (%s)");
	buf_add(ret, "Linux version %s\0", 17);
	buf_adds(ret, "Linux version " FIXTURE_RELEASE " (someone@somewhere) #1 SMP\n");
	if (f->config) {
		buf_adds(ret, "IKCFG_STnot the data");
		buf_adds(ret, "IKCFG_ST");
		pack_gzip(f->config, strlen(f->config), ret);
		buf_adds(ret, "IKCFG_ED");
	}
	add_filler(ret, f->filler);
	ph[0].p_offset = start;
	ph[0].p_filesz = ret->len - start;
	add_section(&names, &sh[n++], ".rodata", SHT_PROGBITS, start, ret->len - start);
	ph[1].p_offset = ret->len;
	ph[1].p_filesz = sizeof(note);
	buf_add(ret, &note, sizeof(note));
	if (f->symbols) {
		add_section(&names, &sh[n++], ".symtab", SHT_SYMTAB, ret->len, sizeof(symbols));
		buf_add(ret, symbols, sizeof(symbols));
	}
	h.e_phoff = sizeof(h);
	h.e_phentsize = sizeof(ph[0]);
	h.e_phnum = f->no_pvh ? 1 : 2;
	finish_elf(&h, ret, sh, n + 1, &names);
	memcpy(ret->data + sizeof(h), ph, sizeof(ph));
}

void make_bzimage(const struct buf *payload, const char *release, struct buf *ret)
{
	enum { SECTS = 2, SETUP = (SECTS + 1) * 512, BEFORE = 64 };
	size_t body = (BEFORE + payload->len + 15) / 16 * 16;
	uint32_t size16 = (uint32_t)(body / 16), offset = BEFORE, length = (uint32_t)payload->len;
	unsigned char *p;

	buf_reserve(ret, SETUP + body);
	p = (unsigned char *)ret->data;
	memset(p, 0, SETUP + body);
	ret->len = SETUP + body;
	p[0x1f1] = SECTS;
	memcpy(p + 0x1f4, &size16, 4);
	memcpy(p + 0x1fe, "\x55\xaa", 2);
	memcpy(p + 0x202, "HdrS", 4);
	memcpy(p + 0x206, "\x0f\x02", 2);
	if (release) {
		uint16_t at = 0x300 - 0x200;

		memcpy(p + 0x20e, &at, 2);
		snprintf((char *)p + 0x300, 200, "%s (someone@somewhere) #1 SMP", release);
	}
	p[0x236] = 1;
	memcpy(p + 0x248, &offset, 4);
	memcpy(p + 0x24c, &length, 4);
	memcpy(p + SETUP + BEFORE, payload->data, payload->len);
}

char *put_bzimage(const char *dir, const char *name)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;

	make_vmlinux(&(struct vmlinux_fixture){ 0 }, &elf);
	pack(PACK_GZIP, elf.data, elf.len, &packed);
	make_bzimage(&packed, FIXTURE_RELEASE, &image);
	return put(dir, name, image.data, image.len);
}

/* ---- modules ---- */

void make_module(const char *const *info, struct buf *ret)
{
	Elf64_Ehdr h = { .e_type = ET_REL, .e_machine = EM_X86_64 };
	Elf64_Shdr sh[3] = { { 0 } };
	_cleanup_buf_ struct buf names = BUF_INIT;
	size_t start = sizeof(h);

	buf_add(&names, "", 1);
	buf_add(ret, &h, sizeof(h));
	for (; *info; info++)
		buf_add(ret, *info, strlen(*info) + 1);
	add_section(&names, &sh[1], ".modinfo", SHT_PROGBITS, start, ret->len - start);
	finish_elf(&h, ret, sh, 3, &names);
}

void put_module(const char *dir, const char *path, const char *depends, const char *softdep)
{
	_cleanup_free_ char *needs = xasprintf("depends=%s", depends ? depends : "");
	_cleanup_free_ char *soft = softdep ? xasprintf("softdep=%s", softdep) : NULL;
	_cleanup_buf_ struct buf ko = BUF_INIT;

	make_module((const char *const[]){ "license=MIT", needs, soft, NULL }, &ko);
	free(put(dir, path, ko.data, ko.len));
}

void expect_error(struct err *e, int r, int code, const char *word, const char *other)
{
	if (r != code || !strstr(err_text(e), word) || !strstr(err_text(e), other))
		print_message("# got %d: %s\n", r, err_text(e));
	assert_int_equal(r, code);
	assert_int_equal(e->code, code);
	assert_non_null(strstr(err_text(e), word));
	assert_non_null(strstr(err_text(e), other));
	err_release(e);
}
