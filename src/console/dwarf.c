/* SPDX-License-Identifier: MIT */
/*
 * Lines by libdw. Its own way from an address to a compilation unit is .debug_aranges, which
 * clang does not write; so the units' ranges are read once, which for a kernel takes some hundredths
 * of a second.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "console/symbols.h"

struct range {
	Dwarf_Addr low, high;
	Dwarf_Off unit;
};

struct dwarf_lines {
	Dwfl *dwfl; /* owned */
	Dwarf *dwarf; /* borrowed from DWFL */
	struct range *ranges; /* owned; by LOW */
	size_t n, cap;
};

static char *no_debuginfo_path;

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &no_debuginfo_path,
};

static int compare_range(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static void add_unit(struct dwarf_lines *d, Dwarf_Die *unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0) {
		if (low >= high || low == 0)
			continue;
		VEC_GROW(d->ranges, d->n, d->cap);
		d->ranges[d->n++] = (struct range){ low, high, dwarf_dieoffset(unit) };
	}
}

static void read_units(struct dwarf_lines *d)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t type;

	while (dwarf_get_units(d->dwarf, unit, &unit, NULL, &type, &die, NULL) == 0)
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			add_unit(d, &die);
	if (d->n > 0)
		qsort(d->ranges, d->n, sizeof(*d->ranges), compare_range);
}

/* Opens PATH at the addresses it was linked for, whatever its type. */
static bool open_image(struct dwarf_lines *d, const char *path)
{
	int fd = file_open(path, O_RDONLY, NULL);
	Dwfl_Module *module;
	Dwarf_Addr bias;

	if (fd < 0)
		return false;
	d->dwfl = dwfl_begin(&callbacks);
	if (!d->dwfl) {
		fd_close(fd);
		return false;
	}
	module = dwfl_report_elf(d->dwfl, "kernel", path, fd, 0, true);
	if (!module) { /* else FD is its own */
		fd_close(fd);
		return false;
	}
	dwfl_report_end(d->dwfl, NULL, NULL);
	d->dwarf = dwfl_module_getdwarf(module, &bias);
	return d->dwarf && bias == 0;
}

struct dwarf_lines *dwarf_lines_open(const char *path)
{
	struct dwarf_lines *d = xcalloc(1, sizeof(*d));

	if (open_image(d, path))
		read_units(d);
	if (d->n > 0)
		return d;
	dwarf_lines_close(d);
	return NULL;
}

void dwarf_lines_close(struct dwarf_lines *d)
{
	if (!d)
		return;
	if (d->dwfl)
		dwfl_end(d->dwfl);
	free(d->ranges);
	free(d);
}

static bool find_unit(const struct dwarf_lines *d, Dwarf_Addr addr, Dwarf_Die *ret)
{
	size_t lo = 0, hi = d->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (d->ranges[mid].low <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && addr < d->ranges[lo - 1].high &&
	       dwarf_offdie(d->dwarf, d->ranges[lo - 1].unit, ret);
}

/* FILE from the top of the sources on: without the folder that UNIT was compiled in, or, of a build
 * beside its sources, without what both folders have in common. */
static const char *relative(Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute attr;
	const char *dir = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	size_t common = 0, depth = 0;

	/* One folder in common, such as "/usr", says nothing. */
	for (size_t i = 0; dir && *file == '/' && file[i] == (dir[i] ? dir[i] : '/'); i++) {
		if (file[i] == '/' && (!dir[i] || depth++ > 1))
			common = i + 1;
		if (!dir[i])
			break;
	}
	file += common;
	while (str_starts(file, "./") || str_starts(file, "../"))
		file = strchr(file, '/') + 1;
	return file;
}

static bool is_inlined(Dwarf_Die *scope)
{
	return dwarf_tag(scope) == DW_TAG_inlined_subroutine;
}

/* The place of the call that was inlined as SCOPE, to PLACE. */
static bool call_place(Dwarf_Die *unit, Dwarf_Die *scope, struct buf *place)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word file, line;
	size_t n;
	const char *name;

	if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attr), &file) != 0 ||
		dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attr), &line) != 0 ||
		dwarf_getsrcfiles(unit, &files, &n) != 0)
		return false;
	name = dwarf_filesrc(files, file, NULL, NULL);
	if (!name)
		return false;
	buf_clear(place);
	buf_addf(place, "%s:%llu", relative(unit, name), (unsigned long long)line);
	return true;
}

/* The scopes that ADDR lies in, from the innermost to the unit; the caller frees. */
static int scopes_at(Dwarf_Die *unit, Dwarf_Addr addr, Dwarf_Die **ret)
{
	Dwarf_Die *by_address = NULL, innermost;
	int n = dwarf_getscopes(unit, addr, &by_address);

	if (n <= 0)
		return 0;
	/* Behind an inlined function these go on with where it was defined; wanted is where it is. */
	innermost = by_address[0];
	free(by_address);
	n = dwarf_getscopes_die(&innermost, ret);
	return n > 0 ? n : 0;
}

bool dwarf_lines_find(struct dwarf_lines *d, uint64_t addr, const char *prefix, struct buf *place,
	struct buf *inlines)
{
	Dwarf_Die unit, *scopes = NULL;
	Dwarf_Line *line;
	const char *file;
	int number, n;

	if (!find_unit(d, addr, &unit) || !(line = dwarf_getsrc_die(&unit, addr)))
		return false;
	file = dwarf_linesrc(line, NULL, NULL);
	if (!file || dwarf_lineno(line, &number) != 0 || number == 0)
		return false;
	buf_clear(place);
	buf_addf(place, "%s:%d", relative(&unit, file), number);
	n = scopes_at(&unit, addr, &scopes);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *here = xstrdup(buf_str(place));
		Dwarf_Attribute attr;
		const char *name;

		if (!is_inlined(&scopes[i]))
			continue;
		name = dwarf_formstring(dwarf_attr_integrate(&scopes[i], DW_AT_name, &attr));
		if (!name || !call_place(&unit, &scopes[i], place))
			break;
		buf_addf(inlines, "%s%s (%s) [inline]\n", prefix, name, here);
	}
	free(scopes);
	return true;
}
