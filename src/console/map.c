/* SPDX-License-Identifier: MIT */
/* Names and addresses, from an ELF image or from System.map and its kind. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "console/symbols.h"

#define MAP_FILE_MAX (64u << 20)

void symbol_map_release(struct symbol_map *m)
{
	free(m->by_addr);
	free(m->by_name);
	buf_release(&m->strings);
	memset(m, 0, sizeof(*m));
}

const char *symbol_name(const struct symbol_map *m, const struct symbol *s)
{
	return m->strings.data + s->name;
}

static void add(struct symbol_map *m, uint64_t addr, uint64_t size, const char *name, size_t len)
{
	VEC_GROW(m->by_addr, m->n, m->cap);
	m->by_addr[m->n++] = (struct symbol){ addr, size, m->strings.len };
	buf_add(&m->strings, name, len);
	buf_addc(&m->strings, '\0');
}

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int compare_name(const void *a, const void *b, void *arg)
{
	const struct symbol_map *m = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int r = strcmp(symbol_name(m, &m->by_addr[x]), symbol_name(m, &m->by_addr[y]));

	return r ? r : (x > y) - (x < y);
}

/* Sorts, and gives a size to what has none: up to the next other address. */
static int finish(struct symbol_map *m)
{
	uint64_t next = 0;

	if (m->n == 0)
		return -ENODATA;
	qsort(m->by_addr, m->n, sizeof(*m->by_addr), compare_addr);
	m->by_name = xcalloc(m->n, sizeof(*m->by_name));
	for (size_t i = m->n; i-- > 0;) {
		struct symbol *s = &m->by_addr[i];

		m->by_name[i] = i;
		if (i + 1 < m->n && m->by_addr[i + 1].addr != s->addr)
			next = m->by_addr[i + 1].addr;
		if (s->size == 0)
			s->size = next > s->addr ? next - s->addr : 1;
	}
	qsort_r(m->by_name, m->n, sizeof(*m->by_name), compare_name, m);
	m->text_start = m->by_addr[0].addr;
	m->text_end = m->by_addr[m->n - 1].addr + m->by_addr[m->n - 1].size;
	return 0;
}

/* A function, or a label in assembly. */
static bool is_code(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr header;
	Elf_Scn *section;

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE || sym->st_value == 0)
		return false;
	if (GELF_ST_TYPE(sym->st_info) == STT_FUNC)
		return true;
	section = GELF_ST_TYPE(sym->st_info) == STT_NOTYPE ? elf_getscn(elf, sym->st_shndx) : NULL;
	return section && gelf_getshdr(section, &header) && header.sh_flags & SHF_EXECINSTR;
}

static void add_elf_symbols(
	struct symbol_map *m, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;

	for (size_t i = 0; i < n; i++) {
		GElf_Sym sym;
		const char *name;

		if (!gelf_getsym(data, (int)i, &sym) || !is_code(elf, &sym))
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (name && *name && *name != '$' && *name != '.')
			add(m, sym.st_value, sym.st_size, name, strlen(name));
	}
}

int symbol_map_read_elf(struct symbol_map *m, const char *path)
{
	_cleanup_close_ int fd = file_open(path, O_RDONLY, NULL);
	Elf_Scn *section = NULL;
	Elf *elf;

	if (fd < 0)
		return fd;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return -ENOEXEC;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			add_elf_symbols(m, elf, section, &header);
	}
	elf_end(elf);
	return finish(m);
}

/* "ffffffff81000000 T _text", of kallsyms also "… t f\t[module]"; only code counts. */
static void add_text_line(struct symbol_map *m, const char *line, size_t len)
{
	char *end;
	uint64_t addr = strtoull(line, &end, 16);
	size_t used = (size_t)(end - line), n;

	if (used == 0 || used + 3 >= len || *end != ' ' || end[2] != ' ' || addr == 0)
		return;
	if (!strchr("tTwW", end[1]) || memchr(line, '[', len))
		return;
	end += 3;
	for (n = 0; used + 3 + n < len && !isspace((unsigned char)end[n]); n++)
		;
	add(m, addr, 0, end, n);
}

int symbol_map_read_text(struct symbol_map *m, const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = file_read(path, MAP_FILE_MAX, &text, NULL);

	if (r < 0)
		return r;
	for (const char *p = buf_str(&text), *next; *p; p = next) {
		const char *newline = strchr(p, '\n');
		size_t len = newline ? (size_t)(newline - p) : strlen(p);

		add_text_line(m, p, len);
		next = newline ? newline + 1 : p + len;
	}
	return finish(m);
}

/* The first of the names that do not come before NAME. */
static size_t lower_bound(const struct symbol_map *m, const char *name, size_t len)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *other = symbol_name(m, &m->by_addr[m->by_name[mid]]);

		if (strncmp(other, name, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Whether a kernel may print SIZE for the function at index I. Kernels count up to the next symbol,
 * an image tells the size to the byte and then pads. */
static bool size_fits(const struct symbol_map *m, size_t i, uint64_t size)
{
	const struct symbol *s = &m->by_addr[i];

	if (s->size <= size && size - s->size < 64)
		return true;
	for (i++; i < m->n && m->by_addr[i].addr == s->addr; i++)
		;
	return i < m->n && m->by_addr[i].addr - s->addr == size;
}

uint64_t symbol_map_address(const struct symbol_map *m, const struct symref *ref)
{
	for (size_t i = lower_bound(m, ref->name, ref->name_len); i < m->n; i++) {
		const struct symbol *s = &m->by_addr[m->by_name[i]];
		const char *name = symbol_name(m, s);

		if (strncmp(name, ref->name, ref->name_len) != 0 || name[ref->name_len] != '\0')
			break;
		if (size_fits(m, m->by_name[i], ref->size))
			return s->addr;
	}
	return 0;
}

const struct symbol *symbol_map_at(const struct symbol_map *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->by_addr[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && addr - m->by_addr[lo - 1].addr < m->by_addr[lo - 1].size
		       ? &m->by_addr[lo - 1]
		       : NULL;
}
