/* SPDX-License-Identifier: MIT */
/* Inside of struct symbols: a table of names, and lines by DWARF. */
#ifndef CONSOLE_SYMBOLS_H
#define CONSOLE_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "console/symref.h"

struct symbol {
	uint64_t addr;
	uint64_t size; /* up to the next symbol where the source does not tell */
	size_t name; /* offset into the table's strings */
};

struct symbol_map {
	struct symbol *by_addr; /* owned */
	size_t *by_name; /* owned: indices into BY_ADDR */
	size_t n, cap;
	struct buf strings;
	uint64_t text_start, text_end; /* the kernel's code, from the first to the last function */
};

void symbol_map_release(struct symbol_map *m);
/* From an ELF file's symbol table: 0 or negative errno (-ENODATA: it has none). */
int symbol_map_read_elf(struct symbol_map *m, const char *path);
/* From "ADDR TYPE NAME" lines: System.map, or a copy of /proc/kallsyms (its modules left out). */
int symbol_map_read_text(struct symbol_map *m, const char *path);
/* The function that REF names, if it has the size that REF tells: else it is another of that name, or
 * the image is not that kernel's. 0: unknown. */
uint64_t symbol_map_address(const struct symbol_map *m, const struct symref *ref);
/* The function that ADDR lies in, or NULL. */
const struct symbol *symbol_map_at(const struct symbol_map *m, uint64_t addr);
const char *symbol_name(const struct symbol_map *m, const struct symbol *s);

/* Lines of an ELF image, by libdw. */
struct dwarf_lines;
struct dwarf_lines *dwarf_lines_open(const char *path); /* NULL when it has none */
void dwarf_lines_close(struct dwarf_lines *d);
/* Writes "file:line" of ADDR to PLACE; and to INLINES, each a line " NAME (file:line) [inline]\n"
 * behind PREFIX, the functions inlined there. False when nothing is known. */
bool dwarf_lines_find(struct dwarf_lines *d, uint64_t addr, const char *prefix, struct buf *place,
	struct buf *inlines);

#endif
