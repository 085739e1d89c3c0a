/* SPDX-License-Identifier: MIT */
/* Finds what can be decoded in the text of a splat, and has it decoded. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "console/console.h"
#include "console/symbols.h"

struct symbols {
	char *vmlinux, *map; /* owned; may be NULL */
	bool opened;
	struct symbol_map names;
	struct dwarf_lines *lines; /* owned; NULL: none */
};

/* What is known about one text. */
struct decoding {
	struct symbols *symbols;
	bool unrelocated; /* bare addresses can be decoded */
	uint64_t kernel_offset; /* KASLR's */
	uint64_t pc_off; /* of the reference in the line of the program counter … */
	char *pc_name; /* owned; … and its name: a frame like it is no return address */
	struct buf place, inlines;
};

struct symbols *symbols_new(const char *vmlinux, const char *map)
{
	struct symbols *s = xcalloc(1, sizeof(*s));

	s->vmlinux = xstrdup(vmlinux);
	s->map = xstrdup(map);
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
#ifdef HAVE_LIBDW
	dwarf_lines_close(s->lines);
#endif
	symbol_map_release(&s->names);
	free(s->vmlinux);
	free(s->map);
	free(s);
}

static void open_once(struct symbols *s)
{
	if (s->opened)
		return;
	s->opened = true;
	if (s->vmlinux && symbol_map_read_elf(&s->names, s->vmlinux) < 0)
		symbol_map_release(&s->names);
	if (s->map && s->names.n == 0 && symbol_map_read_text(&s->names, s->map) < 0)
		symbol_map_release(&s->names);
#ifdef HAVE_LIBDW
	if (s->vmlinux)
		s->lines = dwarf_lines_open(s->vmlinux);
#endif
}

/* Adds " (file:line)" of ADDR to D->place and the functions inlined there to D->inlines. */
static bool find_line(struct decoding *d, uint64_t addr, const char *prefix)
{
#ifdef HAVE_LIBDW
	if (d->symbols->lines)
		return dwarf_lines_find(d->symbols->lines, addr, prefix, &d->place, &d->inlines);
#endif
	return false;
}

/* A bare address has no name yet; where no line is known that is better than nothing. */
static bool find_name(struct decoding *d, uint64_t addr)
{
	const struct symbol *s = symbol_map_at(&d->symbols->names, addr);

	if (!s)
		return false;
	buf_clear(&d->place);
	buf_addf(&d->place, "%s+0x%llx", symbol_name(&d->symbols->names, s),
		(unsigned long long)(addr - s->addr));
	return true;
}

/* A time stamp and the blanks behind it: what a line of our own begins with as well. */
static size_t indent(const char *line)
{
	const char *p = line;

	if (*p == '[' && strcspn(p, "]\n") < 24 && (isdigit((unsigned char)p[1]) || p[1] == ' '))
		p += strcspn(p, "]") + (strchr(p, ']') != NULL);
	if (*p == '[' && strcspn(p, "]\n") < 16 && p > line)
		p += strcspn(p, "]") + (strchr(p, ']') != NULL);
	p += strspn(p, " \t");
	return (size_t)(p - line);
}

/* "RIP: 0010:", "pc : ", "epc : ": the address is where the processor was. */
static bool is_pc_line(const char *s)
{
	return str_starts(s, "RIP:") || str_starts(s, "pc :") || str_starts(s, "epc :") ||
	       str_starts(s, "WARNING:");
}

static bool is_return(struct decoding *d, const char *body, const struct symref *ref)
{
	if (is_pc_line(body)) {
		free(d->pc_name);
		d->pc_name = xstrndup(ref->name, ref->name_len);
		d->pc_off = ref->off;
		return false;
	}
	if (ref->off == 0)
		return false;
	return !(d->pc_name && d->pc_off == ref->off && strlen(d->pc_name) == ref->name_len &&
		 !memcmp(d->pc_name, ref->name, ref->name_len));
}

/* The next bare address at or behind S: "[<ffffffff81000000>]", or behind "RIP: 0010:" and "pc :".
 * Registers, stacks and code hold numbers that only look like one. */
static bool next_address(
	const char *line, const char *body, const char *s, uint64_t *ret, const char **ret_end)
{
	const char *p = strstr(s, "[<");
	char *end;

	if (p) {
		*ret = strtoull(p + 2, &end, 16);
		if (end - p < 14 || !str_starts(end, ">]"))
			return false;
		*ret_end = end + 2;
		return true;
	}
	if (s != line || !is_pc_line(body))
		return false;
	p = strrchr(body, ':');
	p += 1 + strspn(p + 1, " ");
	*ret = strtoull(p, &end, 16);
	*ret_end = end;
	return end - p >= 12;
}

static bool decode_address(struct decoding *d, const char *body, uint64_t addr, const char *prefix)
{
	uint64_t at = addr - d->kernel_offset;
	const struct symbol_map *names = &d->symbols->names;

	if (!d->unrelocated || at < names->text_start || at >= names->text_end)
		return false;
	return find_line(d, is_pc_line(body) ? at : at - 1, prefix) || find_name(d, at);
}

static bool decode_ref(
	struct decoding *d, const char *body, const struct symref *ref, const char *prefix)
{
	bool back = is_return(d, body, ref);
	uint64_t addr;

	if (ref->module)
		return false;
	addr = symbol_map_address(&d->symbols->names, ref);
	return addr && ref->off <= ref->size && find_line(d, addr + ref->off - back, prefix);
}

/* Whether what stands at S is decoded already. */
static bool has_place(const char *s)
{
	return s[0] == ' ' && s[1] == '(' && strchr(s, ':');
}

static void decode_line(struct decoding *d, const char *line, struct buf *ret)
{
	size_t skip = indent(line);
	const char *body = line + skip, *s = line, *end;
	_cleanup_free_ char *prefix = xstrndup(line, skip);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct symref ref;
	uint64_t addr;
	bool found, any = false;

	buf_clear(&d->inlines);
	while ((found = symref_find(s, &ref))) {
		found = !has_place(ref.end) && decode_ref(d, body, &ref, prefix);
		any |= found;
		buf_add(&out, s, (size_t)(ref.end - s));
		if (found)
			buf_addf(&out, " (%s)", buf_str(&d->place));
		s = ref.end;
	}
	while (!any && next_address(line, body, s, &addr, &end)) {
		buf_add(&out, s, (size_t)(end - s));
		if (decode_address(d, body, addr, prefix))
			buf_addf(&out, " (%s)", buf_str(&d->place));
		s = end;
	}
	buf_add(ret, buf_str(&d->inlines), d->inlines.len);
	buf_add(ret, buf_str(&out), out.len);
	buf_adds(ret, s);
}

/* "Kernel Offset: 0x1c000000 from 0xffffffff81000000", printed when the kernel ends. Without it the
 * kernel may lie where it was linked to. */
static void read_offset(struct decoding *d, const char *text)
{
	static const char word[] = "Kernel Offset: ";
	const char *p = strstr(text, word);

	d->unrelocated = true;
	if (p)
		d->kernel_offset = strtoull(p + sizeof(word) - 1, NULL, 16);
}

static bool worth_opening(const struct symbols *s, const char *text)
{
	return (s->vmlinux || s->map) &&
	       (strstr(text, "+0x") || strstr(text, "[<") || strstr(text, "RIP:"));
}

void symbols_decode(struct symbols *s, const char *text, struct buf *ret)
{
	struct decoding d = { .symbols = s };

	if (!worth_opening(s, text)) {
		buf_adds(ret, text);
		return;
	}
	open_once(s);
	read_offset(&d, text);
	while (s->names.n > 0 && *text) {
		size_t n = strcspn(text, "\n");
		_cleanup_free_ char *line = xstrndup(text, n);

		decode_line(&d, line, ret);
		text += n;
		if (*text == '\n') {
			buf_addc(ret, '\n');
			text++;
		}
	}
	buf_adds(ret, text);
	free(d.pc_name);
	buf_release(&d.place);
	buf_release(&d.inlines);
}
