/* SPDX-License-Identifier: MIT */
/*
 * Read with pread(2), never mapped: a file that shrinks meanwhile must not raise SIGBUS. Structures
 * as in elf(5).
 */
#include "base/elf_read.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	PHDRS_MAX = 4096,
	INTERP_MAX = 4096,
	DYNAMIC_MAX = 1024 * 1024,
	STRTAB_MAX = 64 * 1024 * 1024,
};

struct reader {
	int fd;
	const char *path; /* borrowed */
	struct err *e; /* borrowed */
	Elf64_Phdr *ph; /* owned */
	size_t n_ph;
};

void elf_file_release(struct elf_file *f)
{
	free(f->interpreter);
	free(f->rpath);
	free(f->runpath);
	strv_release(&f->needed);
	*f = (struct elf_file)ELF_FILE_INIT;
}

static int bad(const struct reader *r, const char *why)
{
	return err_set(r->e, -ENOEXEC, "%s is not a usable ELF file: %s", r->path, why);
}

static int read_at(const struct reader *r, void *to, size_t len, uint64_t offset)
{
	char *p = to;

	if (offset > INT64_MAX - len)
		return bad(r, "an offset is beyond any file");
	while (len) {
		ssize_t n = pread(r->fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(r->e, errno, "cannot read %s", r->path);
		if (n == 0)
			return bad(r, "it ends too early");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* The file offset of LEN bytes at the virtual address. */
static int find_address(const struct reader *r, uint64_t address, uint64_t len, uint64_t *ret)
{
	for (size_t i = 0; i < r->n_ph; i++) {
		const Elf64_Phdr *p = &r->ph[i];

		if (p->p_type != PT_LOAD || address < p->p_vaddr)
			continue;
		if (address - p->p_vaddr <= p->p_filesz &&
			len <= p->p_filesz - (address - p->p_vaddr)) {
			*ret = p->p_offset + (address - p->p_vaddr);
			return *ret < p->p_offset ? bad(r, "an offset wraps around") : 0;
		}
	}
	return bad(r, "an address is in no segment");
}

static int read_header(struct reader *r, Elf64_Ehdr *ret)
{
	static const uint8_t order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	int rc = read_at(r, ret, sizeof(*ret), 0);

	if (rc < 0)
		return rc;
	if (memcmp(ret->e_ident, ELFMAG, SELFMAG) != 0)
		return bad(r, "the magic number is missing");
	if (ret->e_ident[EI_CLASS] != ELFCLASS64)
		return bad(r, "only 64-bit programs are supported");
	if (ret->e_ident[EI_DATA] != order)
		return bad(r, "its byte order is not this machine's");
	if (ret->e_type != ET_EXEC && ret->e_type != ET_DYN)
		return bad(r, "it is neither a program nor a shared library");
	if (ret->e_phnum && ret->e_phentsize != sizeof(Elf64_Phdr))
		return bad(r, "its program headers have an unknown size");
	if (ret->e_phnum > PHDRS_MAX)
		return bad(r, "it has too many program headers");
	return 0;
}

static int read_interpreter(const struct reader *r, const Elf64_Phdr *ph, struct elf_file *f)
{
	char name[INTERP_MAX];
	int rc;

	if (f->interpreter)
		return bad(r, "it names two interpreters");
	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(name))
		return bad(r, "the interpreter's name has an impossible length");
	rc = read_at(r, name, ph->p_filesz, ph->p_offset);
	if (rc < 0)
		return rc;
	if (name[ph->p_filesz - 1] != '\0' || name[0] != '/')
		return bad(r, "the interpreter's name is no absolute path");
	f->interpreter = xstrdup(name);
	return 0;
}

/* The string at OFFSET of the table, or NULL. The table ends in a NUL that is ours. */
static const char *string_at(const char *table, uint64_t size, uint64_t offset)
{
	return offset < size ? table + offset : NULL;
}

static int take_strings(const struct reader *r, const Elf64_Dyn *dyn, size_t n, const char *table,
	uint64_t size, struct elf_file *f)
{
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		const char *s = string_at(table, size, dyn[i].d_un.d_val);

		switch (dyn[i].d_tag) {
		case DT_NEEDED:
			if (!s || !*s)
				return bad(r, "the name of a library is missing");
			strv_add(&f->needed, s);
			break;
		case DT_RPATH:
		case DT_RUNPATH:
			if (!s)
				return bad(r, "a library search path is missing");
			str_replace(dyn[i].d_tag == DT_RPATH ? &f->rpath : &f->runpath, s);
			break;
		default:
			break;
		}
	}
	return 0;
}

static int read_dynamic(const struct reader *r, const Elf64_Phdr *ph, struct elf_file *f)
{
	_cleanup_free_ Elf64_Dyn *dyn = NULL;
	_cleanup_free_ char *table = NULL;
	size_t n = ph->p_filesz / sizeof(*dyn);
	uint64_t address = 0, size = 0, offset = 0;
	bool wanted = false;
	int rc;

	if (ph->p_filesz > DYNAMIC_MAX)
		return bad(r, "its dynamic section is too large");
	dyn = xcalloc(n, sizeof(*dyn));
	rc = read_at(r, dyn, n * sizeof(*dyn), ph->p_offset);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == DT_STRTAB)
			address = dyn[i].d_un.d_ptr;
		else if (dyn[i].d_tag == DT_STRSZ)
			size = dyn[i].d_un.d_val;
		else if (dyn[i].d_tag == DT_NEEDED)
			wanted = true;
	}
	if (!wanted)
		return 0;
	if (size > STRTAB_MAX)
		return bad(r, "its string table is too large");
	rc = find_address(r, address, size, &offset);
	if (rc < 0)
		return rc;
	table = xcalloc(size + 1, 1);
	rc = read_at(r, table, size, offset);
	return rc < 0 ? rc : take_strings(r, dyn, n, table, size, f);
}

int elf_file_read(int fd, const char *path, struct elf_file *ret, struct err *e)
{
	_cleanup_free_ Elf64_Phdr *ph = NULL;
	_cleanup_(elf_file_release) struct elf_file f = ELF_FILE_INIT;
	struct reader r = { .fd = fd, .path = path, .e = e };
	Elf64_Ehdr eh;
	int rc = read_header(&r, &eh);

	if (rc < 0)
		return rc;
	r.ph = ph = xcalloc(eh.e_phnum, sizeof(*ph));
	r.n_ph = eh.e_phnum;
	rc = read_at(&r, ph, r.n_ph * sizeof(*ph), eh.e_phoff);
	for (size_t i = 0; rc == 0 && i < r.n_ph; i++) {
		if (ph[i].p_type == PT_INTERP)
			rc = read_interpreter(&r, &ph[i], &f);
		else if (ph[i].p_type == PT_DYNAMIC)
			rc = read_dynamic(&r, &ph[i], &f);
	}
	if (rc < 0)
		return rc;
	f.machine = eh.e_machine;
	*ret = f;
	f = (struct elf_file)ELF_FILE_INIT;
	return 0;
}
