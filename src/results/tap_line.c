/* SPDX-License-Identifier: MIT */
#include "results/tap_line.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool slice_starts(struct slice s, const char *prefix)
{
	size_t n;

	/* Most lines differ in their first byte. */
	if (!s.len || *s.s != *prefix)
		return false;
	n = strlen(prefix);
	return s.len >= n && memcmp(s.s, prefix, n) == 0;
}

struct slice slice_skip(struct slice s, size_t n)
{
	return (struct slice){ s.s + n, s.len - n };
}

struct slice slice_trim(struct slice s)
{
	while (s.len && is_blank(*s.s))
		s = slice_skip(s, 1);
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

/* The length of "[   12.345678]" or, with LETTER, of "[    T1]" and "[C0]"; 0 where there is none. */
static size_t bracket(struct slice s, bool letter)
{
	size_t i = 1, digits = 0, dots = 0;

	if (s.len < 3 || s.s[0] != '[')
		return 0;
	while (i < s.len && s.s[i] == ' ')
		i++;
	if (letter) {
		if (i == s.len || (s.s[i] != 'T' && s.s[i] != 'C'))
			return 0;
		i++;
	}
	for (; i < s.len && s.s[i] != ']'; i++) {
		if (is_digit(s.s[i]))
			digits++;
		else if (!letter && s.s[i] == '.' && digits)
			dots++;
		else
			return 0;
	}
	return i < s.len && digits && dots == !letter ? i + 1 : 0;
}

struct slice tap_strip(struct slice line)
{
	struct slice s;
	size_t n;

	while (line.len && line.s[line.len - 1] == '\r')
		line.len--;
	s = line;
	if (s.len > 3 && s.s[0] == '<' && is_digit(s.s[1])) {
		n = 2;
		while (n < s.len && n < 5 && is_digit(s.s[n]))
			n++;
		if (n < s.len && s.s[n] == '>')
			s = slice_skip(s, n + 1);
	}
	n = bracket(s, false);
	if (!n)
		return line;
	s = slice_skip(s, n);
	s = slice_skip(s, bracket(s, true));
	return s.len && *s.s == ' ' ? slice_skip(s, 1) : s;
}

struct tap_prefix tap_prefix(struct slice *line)
{
	struct tap_prefix p = { 0 };
	const char *s = line->s, *end = s + line->len;

	for (;;) {
		while (s < end && *s == ' ') {
			s++;
			p.at.col++;
		}
		if (s == end || *s != '#')
			break;
		p.outer = p.at;
		if (s + 1 == end || s[1] != ' ') {
			p.comment = true;
			s++;
			break;
		}
		p.at.hashes++;
		p.at.col += 2;
		s += 2;
	}
	*line = (struct slice){ s, (size_t)(end - s) };
	return p;
}

/* Takes a decimal number off S; false where there is none. */
static bool take_number(struct slice *s, uint32_t *ret, bool *ret_huge)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->len && is_digit(s->s[i]); i++)
		if (v <= UINT32_MAX)
			v = v * 10 + (uint64_t)(s->s[i] - '0');
	if (i == 0)
		return false;
	*s = slice_skip(*s, i);
	*ret_huge = v > UINT32_MAX;
	*ret = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return true;
}

int64_t tap_read_duration(struct slice text)
{
	static const char *const keys[] = { "time", "duration_ms" };
	double v = 0, scale = 0.1;
	struct slice s;
	size_t k = 0, i;
	bool ms;

	while (k < ARRAY_SIZE(keys) && !slice_starts(text, keys[k]))
		k++;
	if (k == ARRAY_SIZE(keys))
		return -1;
	s = slice_skip(text, strlen(keys[k]));
	if (!s.len || !strchr("=: ", *s.s) || !*s.s)
		return -1;
	s = slice_trim(slice_skip(s, 1));
	for (i = 0; i < s.len && is_digit(s.s[i]); i++)
		v = v * 10 + (s.s[i] - '0');
	if (i == 0 || i > 15)
		return -1;
	if (i < s.len && s.s[i] == '.')
		for (i++; i < s.len && is_digit(s.s[i]); i++, scale /= 10)
			v += (s.s[i] - '0') * scale;
	s = slice_trim(slice_skip(s, i));
	ms = slice_starts(s, "ms") || k == 1;
	if (!ms && s.len && *s.s != 's')
		return -1;
	v = (ms ? v : v * 1000) + 0.5;
	return v < 1e15 ? (int64_t)v : -1;
}

/* The directive that WORDS begins with, and what is behind it. */
static enum tap_directive read_directive(struct slice words, struct slice *ret_reason)
{
	static const struct {
		const char *word;
		enum tap_directive directive;
	} table[] = {
		{ "SKIPPED", TAP_SKIP },
		{ "SKIP", TAP_SKIP },
		{ "TODO", TAP_TODO },
		{ "XFAIL", TAP_XFAIL },
		{ "XPASS", TAP_XPASS },
		{ "TIMEOUT", TAP_TIMEOUT },
		{ "ERROR", TAP_ERROR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t n = strlen(table[i].word);

		if (words.len < n || strncasecmp(words.s, table[i].word, n) != 0)
			continue;
		if (words.len > n && !is_blank(words.s[n]) && words.s[n] != ':')
			continue;
		if (words.len > n)
			n++;
		*ret_reason = slice_trim(slice_skip(words, n));
		return table[i].directive;
	}
	return TAP_PLAIN;
}

/*
 * Splits "name # DIRECTIVE text" at the first '#' that begins a directive or that stands between
 * blanks: "case #1" is a name. A '#' behind a backslash is text (TAP 14, "Escaping").
 */
static void read_tail(struct slice tail, struct tap_result *ret)
{
	size_t end = tail.len;
	bool found = false;

	for (size_t i = 0; i < tail.len; i++) {
		struct slice rest, reason;
		enum tap_directive d;
		int64_t ms;

		if (tail.s[i] == '\\') {
			i++;
			continue;
		}
		if (tail.s[i] != '#' || (i > 0 && !is_blank(tail.s[i - 1])))
			continue;
		rest = slice_trim(slice_skip(tail, i + 1));
		d = read_directive(rest, &reason);
		ms = d == TAP_PLAIN ? tap_read_duration(rest) : -1;
		if (d == TAP_PLAIN && ms < 0 && i + 1 < tail.len && !is_blank(tail.s[i + 1]))
			continue;
		if (end == tail.len)
			end = i;
		if (ms >= 0) {
			ret->duration_ms = ms;
			if (found)
				ret->reason.len = (size_t)(tail.s + i - ret->reason.s);
			continue;
		}
		if (d == TAP_PLAIN && found)
			continue;
		/* Words before a directive ("# exit=1 # SKIP") do not hide it. */
		if (ret->directive == TAP_PLAIN) {
			ret->directive = d;
			ret->reason = d == TAP_PLAIN ? rest : reason;
			found = true;
		}
	}
	ret->name = slice_trim((struct slice){ tail.s, end });
	ret->reason = slice_trim(ret->reason);
}

bool tap_read_result(struct slice line, struct tap_result *ret)
{
	struct tap_result r = { .ok = true, .duration_ms = -1 };
	struct slice s = line, number;

	if (slice_starts(s, "not ")) {
		r.ok = false;
		s = slice_skip(s, 4);
	}
	if (!slice_starts(s, "ok"))
		return false;
	s = slice_skip(s, 2);
	if (s.len && !is_blank(*s.s))
		return false;
	s = slice_trim(s);
	number = s;
	if (take_number(&number, &r.number, &r.huge) && (!number.len || is_blank(*number.s))) {
		r.numbered = true;
		s = slice_trim(number);
	} else {
		r.number = 0;
		r.huge = false;
	}
	if (s.len && *s.s == '-' && (s.len == 1 || is_blank(s.s[1])))
		s = slice_trim(slice_skip(s, 1));
	read_tail(s, &r);
	*ret = r;
	return true;
}

bool tap_read_plan(struct slice line, struct tap_plan *ret)
{
	struct tap_plan p = { 0 };
	struct slice s;

	if (!slice_starts(line, "1.."))
		return false;
	s = slice_skip(line, 3);
	if (!take_number(&s, &p.n, &p.huge))
		return false;
	s = slice_trim(s);
	if (s.len && *s.s != '#')
		return false;
	if (s.len) {
		s = slice_trim(slice_skip(s, 1));
		p.reason = s;
		p.skip = read_directive(s, &p.reason) == TAP_SKIP;
	}
	*ret = p;
	return true;
}

bool tap_read_version(struct slice line, enum tap_dialect *ret)
{
	bool ktap = slice_starts(line, "KTAP version "), huge;
	struct slice s = line;
	uint32_t v;

	if (!ktap && !slice_starts(line, "TAP version "))
		return false;
	s = slice_skip(s, strlen("TAP version ") + ktap);
	if (!take_number(&s, &v, &huge) || slice_trim(s).len)
		return false;
	*ret = ktap ? TAP_KERNEL : v >= 14 ? TAP_14 : TAP_OLD;
	return true;
}

bool tap_read_bail(struct slice line, struct slice *ret_reason)
{
	static const char bail[] = "Bail out!";
	size_t n = sizeof(bail) - 1;

	if (line.len < n || strncasecmp(line.s, bail, n) != 0)
		return false;
	*ret_reason = slice_trim(slice_skip(line, n));
	return true;
}

bool tap_is_stump(struct slice line)
{
	static const char *const words[] = { "ok ", "not ok ", "Bail out!" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (line.len && line.len < strlen(words[i]) &&
			memcmp(line.s, words[i], line.len) == 0)
			return true;
	return false;
}
