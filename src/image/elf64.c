/* SPDX-License-Identifier: MIT */
#include "image/elf64.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

#define NAMES_MAX                (16u << 20)
#define NOTES_MAX                (1u << 20)
#define XEN_ELFNOTE_PHYS32_ENTRY 18 /* Linux: include/xen/interface/elfnote.h */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ELF structures are read in place");

static int read_table(const struct blob *b, uint64_t off, size_t n, size_t size, void **ret,
	const char *what, struct err *e)
{
	_cleanup_free_ void *table = NULL;
	int r;

	if (n == 0)
		return 0;
	if (off > b->size || n * size > b->size - off)
		return err_set(e, -EBADMSG,
			"truncated: the ELF %s headers (%zu bytes at %llu) lie beyond the file's end at %llu",
			what, n * size, (unsigned long long)off, (unsigned long long)b->size);
	table = xmalloc(n * size);
	r = blob_read(b, off, table, n * size);
	if (r < 0)
		return err_sys(e, -r, "cannot read the ELF %s headers", what);
	*ret = TAKE_PTR(table);
	return 0;
}

int elf64_open(const struct blob *b, struct elf64 *ret, struct err *e)
{
	struct elf64 elf = { .blob = b };
	Elf64_Ehdr *h = &elf.ehdr;
	void *table = NULL;
	int r;

	memset(h, 0, sizeof(*h));
	if (blob_read(b, 0, h, b->size < sizeof(*h) ? b->size : sizeof(*h)) < 0 ||
		memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(e, -ENOEXEC, "not an ELF file");
	if (b->size < sizeof(*h))
		return err_set(e, -EBADMSG, "truncated inside the ELF header");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(e, -ENOEXEC, "an ELF file, but not a 64-bit little-endian one");
	if ((h->e_phnum && h->e_phentsize != sizeof(Elf64_Phdr)) ||
		(h->e_shnum && h->e_shentsize != sizeof(Elf64_Shdr)))
		return err_set(e, -EBADMSG, "damaged ELF header: a table entry has a wrong size");
	r = read_table(b, h->e_phoff, h->e_phnum, sizeof(Elf64_Phdr), &table, "program", e);
	if (r < 0)
		return r;
	elf.phdrs = TAKE_PTR(table);
	r = read_table(b, h->e_shoff, h->e_shnum, sizeof(Elf64_Shdr), &table, "section", e);
	elf.shdrs = TAKE_PTR(table);
	if (r == 0 && h->e_shnum && h->e_shstrndx < h->e_shnum)
		r = elf64_read(&elf, &elf.shdrs[h->e_shstrndx], NAMES_MAX, &elf.names, e);
	if (r < 0) {
		elf64_release(&elf);
		return r;
	}
	*ret = elf;
	return 0;
}

void elf64_release(struct elf64 *elf)
{
	free(elf->phdrs);
	free(elf->shdrs);
	buf_release(&elf->names);
	*elf = (struct elf64){ 0 };
}

const Elf64_Shdr *elf64_section(const struct elf64 *elf, const char *name)
{
	for (size_t i = 0; i < elf->ehdr.e_shnum; i++) {
		const Elf64_Shdr *sh = &elf->shdrs[i];

		/* The buffer's NUL ends a name that the table does not end. */
		if (sh->sh_name < elf->names.len && streq(elf->names.data + sh->sh_name, name))
			return sh;
	}
	return NULL;
}

int elf64_read(
	const struct elf64 *elf, const Elf64_Shdr *sh, size_t max, struct buf *ret, struct err *e)
{
	const struct blob *b = elf->blob;
	int r;

	if (sh->sh_type == SHT_NOBITS || sh->sh_size == 0)
		return 0;
	if (sh->sh_offset > b->size || sh->sh_size > b->size - sh->sh_offset)
		return err_set(e, -EBADMSG, "truncated: an ELF section lies beyond the file's end");
	if (sh->sh_size > max)
		return err_set(e, -EFBIG, "an ELF section of %llu bytes is larger than %zu",
			(unsigned long long)sh->sh_size, max);
	buf_reserve(ret, sh->sh_size);
	r = blob_read(b, sh->sh_offset, ret->data + ret->len, sh->sh_size);
	if (r < 0)
		return err_sys(e, -r, "cannot read an ELF section");
	ret->len += sh->sh_size;
	ret->data[ret->len] = '\0';
	return 0;
}

int elf64_check_whole(const struct elf64 *elf, struct err *e)
{
	uint64_t size = elf->blob->size;
	size_t loads = 0;

	for (size_t i = 0; i < elf->ehdr.e_phnum; i++) {
		const Elf64_Phdr *ph = &elf->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		loads++;
		if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
			return err_set(e, -EBADMSG,
				"truncated: an ELF segment ends at %llu, the file at %llu",
				(unsigned long long)(ph->p_offset + ph->p_filesz),
				(unsigned long long)size);
	}
	return loads ? 0 : err_set(e, -EBADMSG, "an ELF file with nothing to load");
}

const char *elf64_arch(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	case EM_RISCV:
		return "riscv64";
	default:
		return NULL;
	}
}

static size_t note_pad(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static bool notes_hold_pvh(const struct buf *notes, size_t align)
{
	size_t at = 0;

	while (notes->len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		size_t left, name;

		memcpy(&n, notes->data + at, sizeof(n));
		at += sizeof(n);
		left = notes->len - at;
		if (n.n_namesz > left || n.n_descsz > left)
			return false;
		name = at;
		if (note_pad(n.n_namesz, align) + note_pad(n.n_descsz, align) > left)
			/* the last note may lack its padding */
			at = notes->len;
		else
			at += note_pad(n.n_namesz, align) + note_pad(n.n_descsz, align);
		if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 &&
			memcmp(notes->data + name, "Xen", 4) == 0)
			return true;
	}
	return false;
}

bool elf64_has_pvh_note(const struct elf64 *elf)
{
	for (size_t i = 0; i < elf->ehdr.e_phnum; i++) {
		const Elf64_Phdr *ph = &elf->phdrs[i];
		_cleanup_buf_ struct buf notes = BUF_INIT;
		Elf64_Shdr range = {
			.sh_type = SHT_NOTE, .sh_offset = ph->p_offset, .sh_size = ph->p_filesz
		};

		if (ph->p_type == PT_NOTE &&
			elf64_read(elf, &range, NOTES_MAX, &notes, NULL) == 0 &&
			notes_hold_pvh(&notes, ph->p_align == 8 ? 8 : 4))
			return true;
	}
	return false;
}
