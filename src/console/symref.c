/* SPDX-License-Identifier: MIT */
#include "console/symref.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

/* Hex digits behind "0x", at most 16 of them. */
static const char *read_hex(const char *s, uint64_t *ret)
{
	char *end;

	if (s[0] != '0' || s[1] != 'x' || !isxdigit((unsigned char)s[2]))
		return NULL;
	*ret = strtoull(s + 2, &end, 16);
	return end - s <= 18 ? end : NULL;
}

/* " [module]": behind it, or S. "[inline]" is a decoder's word. */
static const char *skip_module(const char *s)
{
	size_t n;

	if (s[0] != ' ' || s[1] != '[')
		return s;
	for (n = 0; is_name(s[2 + n]) || s[2 + n] == '-' || s[2 + n] == ' '; n++)
		;
	return n > 0 && s[2 + n] == ']' && strncmp(s + 2, "inline", n) != 0 ? s + n + 3 : s;
}

/* The reference whose '+' stands at PLUS, in a text that begins at S. */
static bool read_at(const char *s, const char *plus, struct symref *ret)
{
	const char *p = plus, *end;

	while (p > s && is_name(p[-1]))
		p--;
	if (p == plus || isdigit((unsigned char)*p))
		return false;
	ret->name = p;
	ret->name_len = (size_t)(plus - p);
	end = read_hex(plus + 1, &ret->off);
	if (!end || *end != '/' || !(end = read_hex(end + 1, &ret->size)))
		return false;
	ret->end = skip_module(end);
	ret->module = ret->end != end;
	return true;
}

bool symref_find(const char *s, struct symref *ret)
{
	const char *from = s;

	for (const char *p = strstr(s, "+0x"); p; p = strstr(p + 1, "+0x")) {
		if (read_at(from, p, ret))
			return true;
		from = p + 1;
	}
	return false;
}

/* "[<ffffffff81000000>] " or "[<(ptrval)>] ". */
static const char *skip_bracket(const char *s)
{
	const char *end;

	if (s[0] != '[' || s[1] != '<' || !(end = strstr(s, ">]")))
		return s;
	return end + 2 + strspn(end + 2, " ");
}

bool symref_frame(const char *line, struct symref *ret, bool *ret_reliable)
{
	const char *s = skip_bracket(line + strspn(line, " \t"));
	const char *name;

	*ret_reliable = !(s[0] == '?' && s[1] == ' ');
	if (!*ret_reliable)
		s += 1 + strspn(s + 1, " ");
	for (name = s; is_name(*s); s++)
		;
	if (s == name)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (*s == '+')
		return read_at(name, s, ret);
	ret->name = name;
	ret->end = s;
	return name[0] == '0' && name[1] == 'x' && s - name >= 10;
}

void symref_base_name(const struct symref *ref, char *ret, size_t size)
{
	const char *dot = ref->name_len > 1 ? memchr(ref->name + 1, '.', ref->name_len - 1) : NULL;
	size_t n = dot ? (size_t)(dot - ref->name) : ref->name_len;

	if (n >= size)
		n = size - 1;
	memcpy(ret, ref->name, n);
	ret[n] = '\0';
}
